"""A change of a channel's configuration: what it touches, who has to sign, and what is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fabric_protos.common import configtx_pb2
from tests.unit.network.consenter_scene import Orderers, make_orderers

from gridledger.client.block import Block
from gridledger.model.errors import ConfigError, ModelError
from gridledger.network.errors import (
    ConfigurationMoved,
    OrdererCallError,
    SignaturesMissing,
    UnknownComponent,
    UpdateRefused,
)
from gridledger.network.material import OrganisationKind, OrganisationMaterial
from gridledger.network.msp_message import msp_message
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.configuration_change import ConfigurationChange, Deciders
from gridledger.network.ordering.configuration_order import order_change
from gridledger.network.ordering.configuration_update import updated_group
from gridledger.network.ordering.member_change import with_msp, with_organisation
from gridledger.network.ordering.organisation_card import OrganisationCard


@pytest.fixture(scope="module")
def orderers(tmp_path_factory: pytest.TempPathFactory) -> Orderers:
    return make_orderers(tmp_path_factory.mktemp("orderers"))


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> OrganisationCard:
    material = OrganisationMaterial.create(tmp_path_factory.mktemp("org3"), "org3", OrganisationKind.PEER)
    msp = msp_message(material.msp.path, material.msp_id)
    return OrganisationCard(msp_id="Org3MSP", msp=msp, anchor="127.0.0.1:20007")


@dataclass
class Channel:
    """A channel that takes a change, or refuses it, or moves first."""

    now: ChannelConfiguration
    wanted: configtx_pb2.ConfigGroup  # type: ignore[name-defined, unused-ignore]
    refuses: bool = False
    submitted: list[bytes] = field(default_factory=list)

    async def configuration(self) -> ChannelConfiguration:
        return self.now

    async def head(self, address: str, number: int | None = None) -> Block | None:
        return Block.from_message(_block())

    async def submit(self, address: str, signed_update: bytes) -> None:
        if self.refuses:
            raise OrdererCallError(address, reason="FORBIDDEN")
        self.submitted.append(signed_update)
        root = updated_group(self.now.root, self.wanted)
        self.now = ChannelConfiguration(channel=self.now.channel, sequence=self.now.sequence + 1, root=root)


def _block() -> object:
    from fabric_protos.common import common_pb2

    block = common_pb2.Block()
    block.header.number = 7
    block.metadata.metadata.extend([b""] * 5)
    return block


def _first(orderers: Orderers) -> ChannelConfiguration:
    return orderers.configuration(set(list(orderers.cards)[:4]))


def _signed(change: ConfigurationChange, orderers: Orderers, *names: str) -> ConfigurationChange:
    by_msp = {one.identity.msp_id: one for one in orderers.administrators.values()}
    for name in names:
        change = asyncio.run(change.signed_by(by_msp[name]))
    return change


def test_organisation_added_is_decided_by_a_majority_of_the_peers_organisations(
    orderers: Orderers, card: OrganisationCard
) -> None:
    current = _first(orderers)
    change = ConfigurationChange.make(current, with_organisation(current, card))
    assert change.touched() == ("+ Application/Org3MSP",)
    assert change.deciders() == (Deciders(msp_ids=("Org1MSP", "Org2MSP"), wanted=2),)
    with pytest.raises(SignaturesMissing):
        _signed(change, orderers, "Org1MSP").signed_update()
    assert _signed(change, orderers, "Org1MSP", "Org2MSP").signed_update()
    with pytest.raises(ValueError, match="already"):
        with_organisation(
            ChannelConfiguration(channel="energy", sequence=1, root=with_organisation(current, card)), card
        )


def test_change_goes_through_files_and_keeps_all_signatures(
    orderers: Orderers, card: OrganisationCard, tmp_path: Path
) -> None:
    current = _first(orderers)
    change = ConfigurationChange.make(current, with_organisation(current, card))
    for name in ("Org1MSP", "Org2MSP"):
        _signed(change, orderers, name).save(tmp_path / name)
    copies = [ConfigurationChange.load(tmp_path / name) for name in ("Org1MSP", "Org2MSP")]
    merged = copies[0].merged(copies[1])
    assert [one.msp_id for one in merged.signatures] == ["Org1MSP", "Org2MSP"]
    with pytest.raises(ModelError):
        merged.merged(
            ConfigurationChange.make(current, orderers.configuration(set(list(orderers.cards)[:3])).root)
        )


def test_signature_of_another_update_and_broken_files_are_refused(
    orderers: Orderers, card: OrganisationCard, tmp_path: Path
) -> None:
    current = _first(orderers)
    change = _signed(ConfigurationChange.make(current, with_organisation(current, card)), orderers, "Org1MSP")
    other = ConfigurationChange.make(current, orderers.configuration(set(list(orderers.cards)[:3])).root)
    other.changed(signatures=change.signatures).save(tmp_path / "mixed")
    (tmp_path / "torn").write_bytes(change.to_bytes()[:-5])
    for name in ("mixed", "torn", "absent"):
        with pytest.raises(ConfigError):
            ConfigurationChange.load(tmp_path / name)
    with pytest.raises(ModelError):
        ConfigurationChange.make(current, current.root)


def test_roots_of_an_organisation_are_its_own_affair(orderers: Orderers, tmp_path: Path) -> None:
    current = _first(orderers)
    other = OrganisationMaterial.create(tmp_path, "org1", OrganisationKind.PEER)
    change = ConfigurationChange.make(
        current, with_msp(current, "Org1MSP", msp_message(other.msp.path, "Org1MSP"))
    )
    assert [line for line in change.touched() if not line.startswith("~ Application/")] == []
    assert change.deciders() == (Deciders(msp_ids=("Org1MSP",), wanted=1),)
    with pytest.raises(SignaturesMissing):
        _signed(change, orderers, "Org2MSP").signed_update()
    with pytest.raises(UnknownComponent):
        with_msp(current, "Org9MSP", b"")


def test_consenter_s_certificates_are_decided_by_the_orderers_organisations(orderers: Orderers) -> None:
    current = _first(orderers)
    one, other = list(orderers.cards.values())[:2]
    wanted = current.certified(one.changed(certificate=other.certificate))
    assert wanted.addresses == current.addresses
    change = ConfigurationChange.make(current, wanted.root)
    assert change.touched() == ("~ Orderer/BlockValidation", "~ Orderer/Orderers")
    [deciders] = change.deciders()
    assert deciders == Deciders(msp_ids=current.orderer_organisations, wanted=current.signatures_wanted)


async def test_change_is_ordered_once(orderers: Orderers, card: OrganisationCard) -> None:
    current = _first(orderers)
    wanted = with_organisation(current, card)
    change = await _all_signed(ConfigurationChange.make(current, wanted), orderers)
    channel = Channel(current, wanted)
    assert (await order_change(channel, change, poll_seconds=0)).peer_organisations[-1] == "Org3MSP"
    await order_change(channel, change, poll_seconds=0)
    assert len(channel.submitted) == 1


async def test_change_for_another_configuration_or_refused_by_all_changes_nothing(
    orderers: Orderers, card: OrganisationCard
) -> None:
    current = _first(orderers)
    wanted = with_organisation(current, card)
    change = await _all_signed(ConfigurationChange.make(current, wanted), orderers)
    moved = orderers.configuration(set(list(orderers.cards)[:3]))
    with pytest.raises(ConfigurationMoved):
        await order_change(Channel(moved, wanted), change, poll_seconds=0)
    with pytest.raises(UpdateRefused, match="FORBIDDEN"):
        await order_change(Channel(current, wanted, refuses=True), change, poll_seconds=0)


async def _all_signed(change: ConfigurationChange, orderers: Orderers) -> ConfigurationChange:
    for one in orderers.administrators.values():
        if one.identity.msp_id in {"Org1MSP", "Org2MSP"}:
            change = await change.signed_by(one)
    return change


def test_card_with_another_s_msp_or_none_is_refused(card: OrganisationCard) -> None:
    for wrong in ({"msp_id": "Org4MSP"}, {"msp": b"\xff"}, {"anchor": "no address"}):
        with pytest.raises(ModelError):
            OrganisationCard.from_bytes(
                OrganisationCard(
                    **{"msp_id": card.msp_id, "msp": card.msp, "anchor": card.anchor, **wrong}
                ).to_bytes()  # type: ignore[arg-type]
            )
