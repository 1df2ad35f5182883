"""A change of the consenters: any set to any other, through safe steps alone, cut off wherever one likes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.network.consenter_scene import (
    NAMES,
    PATIENT,
    A,
    B,
    FakeChannel,
    Orderers,
    Stopped,
    make_orderers,
    proposed,
    runner,
)

from gridledger.client.block import Block
from gridledger.client.channel_trust import quorum_of
from gridledger.model.errors import ConfigError, ModelError
from gridledger.network.errors import (
    ConsenterNotSynced,
    ConsentersMoved,
    ConsentersStop,
    ConsenterUnknown,
    SignaturesMissing,
    UpdateRefused,
)
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal
from gridledger.network.ordering.consenter_proposal import ConsenterProposal

SETS = st.sets(st.sampled_from(NAMES), min_size=1)
EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def orderers(tmp_path_factory: pytest.TempPathFactory) -> Orderers:
    return make_orderers(tmp_path_factory.mktemp("orderers"))


@EXAMPLES
@given(SETS.filter(lambda one: len(one) > 1), SETS.filter(lambda one: len(one) > 1))
def test_updates_lead_from_any_set_to_any_other_by_fabrics_rules(
    orderers: Orderers, current: set[str], wanted: set[str]
) -> None:
    proposal = proposed(orderers, current, wanted)
    assert ConsenterProposal.from_bytes(proposal.to_bytes()) == proposal
    channel = FakeChannel(at=orderers.configuration(current), running=set(NAMES))
    for one in proposal.updates():
        for update, after in ((one.update, one.after), (one.back, None)):
            if update is None:
                continue
            again = FakeChannel(at=one.before if after is not None else one.after, running=set(NAMES))
            before = again.at
            asyncio.run(again.submit(before.addresses[0], proposal.signed_update(update, before)))
            assert again.at.addresses == (one.before if after is None else one.after).addresses
            if after is not None:
                assert again.at.is_same_ordering(after)
        # Organisations stand there exactly while they have a consenter, and so do their addresses.
        cards = {card.address: card.msp_id for card in orderers.cards.values()}
        assert set(one.after.orderer_organisations) == {cards[each] for each in one.after.addresses}
        assert _endpoints(one.after) == sorted(one.after.addresses)
        assert one.after.quorum == one.step.quorum == _signers(one.after)
    assert proposal.updates()[-1].after.addresses == tuple(sorted(wanted)) if current != wanted else True
    assert channel.ordered == 0


def _endpoints(configuration: ChannelConfiguration) -> list[str]:
    from fabric_protos.common import configuration_pb2

    groups = configuration.root.groups["Orderer"].groups.values()
    return sorted(
        address
        for group in groups
        for address in configuration_pb2.OrdererAddresses.FromString(
            group.values["Endpoints"].value
        ).addresses
    )


def _signers(configuration: ChannelConfiguration) -> int:
    """Return how many identities the policy of blocks wants, of how many there are: as many as consenters."""
    from fabric_protos.common import policies_pb2

    policy = configuration.root.groups["Orderer"].policies["BlockValidation"].policy
    envelope = policies_pb2.SignaturePolicyEnvelope.FromString(policy.value)
    assert len(envelope.identities) == len(envelope.rule.n_out_of.rules) == len(configuration.addresses)
    return int(envelope.rule.n_out_of.n)


@EXAMPLES
@given(
    SETS.filter(lambda one: len(one) > 1),
    SETS.filter(lambda one: len(one) > 1),
    st.lists(st.integers(0, 40), max_size=6),
)
def test_change_that_is_cut_off_anywhere_goes_on_to_its_end(
    orderers: Orderers,
    tmp_path_factory: pytest.TempPathFactory,
    current: set[str],
    wanted: set[str],
    cuts: list[int],
) -> None:
    journal = tmp_path_factory.mktemp("change") / "journal"
    proposal = proposed(orderers, current, wanted)
    channel = FakeChannel(at=orderers.configuration(current), running=set(current))
    for calls in cuts:
        channel.calls_left = calls
        with contextlib.suppress(Stopped):
            asyncio.run(runner(channel, journal, **PATIENT).run(proposal))
    channel.calls_left = None
    done = asyncio.run(runner(channel, journal, **PATIENT).run(proposal))
    assert done.state is ChangeState.DONE
    assert set(channel.at.addresses) == wanted
    # However often it was cut off, each update was ordered once.
    assert channel.ordered == len(current ^ wanted)


def test_added_one_that_does_not_sync_is_removed_again(orderers: Orderers, tmp_path: Path) -> None:
    proposal = proposed(orderers, A, B)
    channel = FakeChannel(at=orderers.configuration(A), running=set(A), never={"f:7050"})
    with pytest.raises(ConsenterNotSynced, match="f:7050"):
        asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    # What was done before stays: e in, a out.
    assert channel.at.addresses == ("b:7050", "c:7050", "d:7050", "e:7050")
    known = ConsenterJournal.load(tmp_path / "journal")
    assert known is not None
    assert (known.state, known.rolled_back) == (ChangeState.ROLLED_BACK, "f:7050")
    # The old signatures are void; a new proposal goes on from here.
    again = proposed(orderers, set(channel.at.addresses), {"b:7050", "c:7050", "d:7050", "e:7050", "g:7050"})
    with pytest.raises(ConsentersMoved):
        asyncio.run(runner(channel, tmp_path / "journal").run(again))
    channel.at = again.updates()[0].before
    asyncio.run(runner(channel, tmp_path / "other").run(again))
    assert "g:7050" in channel.at.addresses


@pytest.mark.parametrize("calls", range(0, 60, 7))
def test_rolling_back_goes_on_after_it_was_cut_off(orderers: Orderers, tmp_path: Path, calls: int) -> None:
    proposal = proposed(orderers, A, A | {"e:7050"})
    channel = FakeChannel(at=orderers.configuration(A), running=set(A), never={"e:7050"}, calls_left=calls)
    # Cut off once at the most: what was cut off then is brought to its end.
    with pytest.raises((ConsenterNotSynced, Stopped)) as caught:
        asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    channel.calls_left = None
    if caught.type is Stopped:
        with pytest.raises(ConsenterNotSynced):
            asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    assert set(channel.at.addresses) == A
    assert channel.ordered == 2


@pytest.mark.parametrize("dead", [{"d:7050"}, {"c:7050", "d:7050"}])
def test_step_after_which_too_few_would_run_is_refused(
    orderers: Orderers, tmp_path: Path, dead: set[str]
) -> None:
    proposal = proposed(orderers, A, A | {"e:7050"})
    channel = FakeChannel(at=orderers.configuration(A), running=A - dead)
    with pytest.raises(ConsentersStop):
        asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    assert channel.ordered == 0
    # Once they are back, the same call goes on.
    channel.running |= dead
    done = asyncio.run(runner(channel, tmp_path / "journal").run(proposal))
    assert done.state is ChangeState.DONE


def test_dead_one_is_replaced(orderers: Orderers, tmp_path: Path) -> None:
    made = ConsenterProposal.make(
        orderers.configuration(A), (A - {"b:7050"}) | {"e:7050"}, orderers.cards, lost={"b:7050"}
    )

    async def run() -> ConsenterJournal:
        signed = made
        for one in orderers.administrators.values():
            signed = await signed.signed_by(one)
        channel = FakeChannel(at=orderers.configuration(A), running=A - {"b:7050"})
        return await runner(channel, tmp_path / "journal").run(signed)

    assert asyncio.run(run()).state is ChangeState.DONE


def test_majority_of_orderers_organisations_has_to_sign(orderers: Orderers, tmp_path: Path) -> None:
    unsigned = ConsenterProposal.make(orderers.configuration(A), B, orderers.cards)
    channel = FakeChannel(at=orderers.configuration(A), running=set(A))
    names = ["OrderaMSP", "OrderbMSP", "OrdercMSP", "OrderdMSP", "Org1MSP", "Org2MSP"]
    signed = unsigned
    for name in names[:2]:
        signed = asyncio.run(signed.signed_by(orderers.administrators[name]))
    with pytest.raises(SignaturesMissing) as caught:
        asyncio.run(runner(channel, tmp_path / "journal").run(signed))
    assert caught.value.fields["missing"] == ["OrdercMSP", "OrderdMSP"]
    assert channel.ordered == 0
    # The others sign copies of their own, which come together.
    copies = [asyncio.run(unsigned.signed_by(orderers.administrators[name])) for name in names[2:]]
    for copy in copies:
        signed = signed.merged(copy)
    assert asyncio.run(runner(channel, tmp_path / "journal").run(signed)).state is ChangeState.DONE
    assert set(channel.at.addresses) == B


def test_signature_that_does_not_hold_is_refused(orderers: Orderers) -> None:
    unsigned = ConsenterProposal.make(orderers.configuration(A), A | {"e:7050"}, orderers.cards)
    signed = asyncio.run(unsigned.signed_by(orderers.administrators["OrderaMSP"]))
    one = signed.signatures[0]
    other = asyncio.run(unsigned.signed_by(orderers.administrators["OrderbMSP"])).signatures[0]
    forged = [
        one.changed(msp_id="OrderbMSP"),
        one.changed(signature=other.signature),
        one.changed(header=b"\xff"),
        one.changed(signature=b""),
        one.changed(header=other.header),
    ]
    for bad in forged:
        with pytest.raises(ModelError):
            unsigned.merged(unsigned.changed(signatures=(bad,)))
    elsewhere = ConsenterProposal.make(orderers.configuration(A), A | {"f:7050"}, orderers.cards)
    with pytest.raises(ModelError):
        unsigned.merged(elsewhere)


def test_configuration_that_somebody_else_changed_is_refused(orderers: Orderers, tmp_path: Path) -> None:
    proposal = proposed(orderers, A, A | {"e:7050"})
    moved = orderers.configuration(A).added(orderers.cards["g:7050"])
    for at in (moved, moved.removed("g:7050")):
        channel = FakeChannel(at=at, running=set(NAMES))
        with pytest.raises(ConsentersMoved):
            asyncio.run(runner(channel, tmp_path / f"journal-{at.sequence}").run(proposal))
        assert channel.ordered == 0
        assert not (tmp_path / f"journal-{at.sequence}").exists()


def test_update_that_no_orderer_takes_is_refused_with_their_words(orderers: Orderers, tmp_path: Path) -> None:
    class Refusing(FakeChannel):
        async def submit(self, address: str, signed_update: bytes) -> None:
            from gridledger.network.errors import OrdererCallError

            raise OrdererCallError(address, reason="FORBIDDEN")

    channel = Refusing(at=orderers.configuration(A), running=set(A))
    with pytest.raises(UpdateRefused, match="FORBIDDEN"):
        asyncio.run(runner(channel, tmp_path / "journal").run(proposed(orderers, A, A - {"a:7050"})))


def test_orderer_that_nobody_describes_is_refused(orderers: Orderers) -> None:
    current = orderers.configuration(A - {"d:7050"})
    with pytest.raises(ConsenterUnknown):
        ConsenterProposal.make(current, A, {})
    bare = {"d:7050": orderers.cards["d:7050"].changed(msp=None)}
    with pytest.raises(ConsenterUnknown, match="OrderdMSP"):
        ConsenterProposal.make(current, A, bare)
    wrong = {"d:7050": orderers.cards["d:7050"].changed(msp=orderers.cards["a:7050"].msp)}
    with pytest.raises(ConsenterUnknown):
        ConsenterProposal.make(current, A, wrong)
    with pytest.raises(ModelError):
        orderers.cards["d:7050"].changed(certificate=b"none")


@pytest.mark.parametrize("view", range(12))
def test_added_one_does_not_lead_at_once(orderers: Orderers, view: int) -> None:
    current = orderers.configuration(A)
    for wanted in (B, A | B):
        for one in ConsenterProposal.make(current, wanted, orderers.cards, view=view).updates():
            numbers = [each.number for each in one.after.consenters]
            assert numbers == sorted(set(numbers))
            led = one.after.consenters[view % len(numbers)].address
            assert led in one.before.addresses


def test_step_waits_until_who_has_just_come_in_signs(orderers: Orderers, tmp_path: Path) -> None:
    class Busy(FakeChannel):
        """Blocks come all the time, and d signs none before number 30."""

        async def head(self, address: str, number: int | None = None) -> Block | None:
            if number is None and address == "a:7050":
                self.number += 1
            found = await super().head(address, number)
            if found is None:
                return None
            signers = [
                one.number for one in self.at.consenters if one.address != "d:7050" or found.number >= 30
            ]
            return replace(found, metadata=(signed(signers),))

        async def submit(self, address: str, signed_update: bytes) -> None:
            assert self.number >= 30
            await super().submit(address, signed_update)

    channel = Busy(at=orderers.configuration(A), running=set(A))
    proposal = proposed(orderers, A, A | {"e:7050"})
    asyncio.run(runner(channel, tmp_path / "journal", settle_seconds=60, order_seconds=60).run(proposal))
    assert channel.ordered == 1


def signed(signers: list[int]) -> bytes:
    """Return the metadata of a block that these consenters signed."""
    headers = [common_pb2.IdentifierHeader(identifier=one).SerializeToString() for one in signers]
    signatures = [common_pb2.MetadataSignature(identifier_header=one) for one in headers]
    return bytes(common_pb2.Metadata(signatures=signatures).SerializeToString())


def test_quorum_decides_with_all_faults_that_it_survives() -> None:
    for count in range(1, 41):
        faulty = (count - 1) // 3
        assert quorum_of(count) <= count - faulty
        # Two decisions have an honest consenter in common.
        assert 2 * quorum_of(count) - count > faulty


@given(st.binary(max_size=200))
def test_file_that_is_no_proposal_is_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("proposal") / "file"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        ConsenterProposal.load(path)
    with pytest.raises(ConfigError):
        ConsenterJournal.load(path)
    with pytest.raises(ModelError):
        ChannelConfiguration.from_block(data)
