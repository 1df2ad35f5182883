"""What follows a field to another name: its deposits, and agreements over it."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.chaincode.moving import OWNER, change_prefix, rename
from tests.unit.chaincode.scene import DAY, PRICES, Scene
from tests.unit.chaincode.trading import agree, agreed_entry, balance, terms

from gridledger.model.agreement import SignedAgreement
from gridledger.model.delivery import DeliveredRow
from gridledger.model.device import ItemResult
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import ActualRoots, PeriodRoot, SignedRoots
from gridledger.model.integrity_refusals import DepositedBeforeMove
from gridledger.model.period import Period
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.resolution import Resolution, SignedRequest
from gridledger.model.states import Outcome


def answers(
    scene: Scene, signed: SignedRequest, system: SystemIdentifier, altered: str = ""
) -> tuple[SignedRoots, ...]:
    """Make the owners' statements; the one of whom has moved has leaves of the former name."""
    found: list[SignedRoots] = []
    for owner, party in scene.owners.items():
        answer = scene.answer(owner, signed.request, altered)
        if owner == OWNER:
            roots = replace(answer.roots, system=system)
            answer = SignedRoots(roots=roots, signature=party.sign(roots))
        found.append(answer)
    return tuple(found)


async def deposit(scene: Scene, *roots: PeriodRoot) -> list[str | None]:
    results: tuple[ItemResult, ...] = await scene.owners[OWNER].submit(
        "integrity:DepositRoots", roots[0].field.system, roots
    )
    return [result.code for result in results]


def checks(resolution: Resolution, system: SystemIdentifier) -> dict[str, tuple[Outcome, object]]:
    target = resolution.target(system)
    assert target is not None
    return {
        one.field.name: (check.outcome, check.deposited_as) for one in target.fields for check in one.checks
    }


async def resolve(scene: Scene, system: SystemIdentifier, altered: str = "") -> Resolution:
    signed = scene.request()
    return await scene.resolve_with(signed, answers(scene, signed, system, altered))


async def test_deposits_count_after_a_rename_and_say_what_the_field_was_called(scene: Scene) -> None:
    old = scene.device(OWNER).field("ac_power")
    new = (await rename(scene)).field("ac_power")

    resolution = await resolve(scene, scene.systems[OWNER])

    found = checks(resolution, scene.systems[OWNER])
    assert found["ac_power"] == (Outcome.INTACT, old)
    target = resolution.target(scene.systems[OWNER])
    assert target is not None
    assert [one.field.device for one in target.forwarded()] == [new.device, new.device]
    for name in (old, new):
        kept = await scene.application.ask("integrity:GetDeposit", name, Period(str(DAY)))
        assert kept.root.field == old


async def test_rows_that_are_altered_are_found_after_a_rename_too(scene: Scene) -> None:
    await rename(scene)

    resolution = await resolve(scene, scene.systems[OWNER], "ac_power")

    assert checks(resolution, scene.systems[OWNER])["ac_power"][0] is Outcome.ALTERED


async def test_period_is_not_deposited_a_second_time_under_another_name(scene: Scene) -> None:
    old = scene.device(OWNER).field("ac_power")
    new = (await rename(scene)).field("ac_power")
    same, other = scene.rows(old), scene.rows(new, "9")
    later = Period("2018-09-15")
    late = replace(same, supplement=1, rows=(DeliveredRow(key="9", value="late", salt=bytes(16)),))

    codes = await deposit(
        scene,
        other.root(),
        same.root(),
        replace(same, period=later).root(),
        replace(scene.rows(new), period=later).root(),
        late.root(),
    )

    assert codes == [DepositedBeforeMove.code, None, IdentifierMoved.code, None, None]
    kept = await scene.application.ask("integrity:GetDeposit", new, Period(str(DAY)))
    assert len(kept.supplements) == 1


async def test_statement_of_a_name_that_is_not_deposited_is_no_answer(scene: Scene) -> None:
    new = await rename(scene)
    signed = scene.request()
    fields: list[FieldIdentifier] = [new.field(one.name) for one in scene.fields()[OWNER]]
    roots = ActualRoots(
        request=signed.request.id,
        system=scene.systems[OWNER],
        roots=tuple(scene.rows(one).root() for one in fields),
        computed_ms=scene.peer.time_ms,
    )
    under_new = SignedRoots(roots=roots, signature=scene.owners[OWNER].sign(roots))
    others = tuple(scene.answer(one, signed.request) for one in scene.owners if one != OWNER)

    resolution = await scene.resolve_with(signed, (*others, under_new))

    assert {outcome for outcome, _ in checks(resolution, scene.systems[OWNER]).values()} == {
        Outcome.UNANSWERED
    }


async def test_deposits_and_agreements_follow_to_another_prefix_and_the_new_account_is_paid(
    scene: Scene,
) -> None:
    agreements = await agree(scene, discount=100)
    old = scene.device(OWNER).field("ac_power")
    new = await change_prefix(scene)
    signed = scene.request()
    entry = await agreed_entry(scene, agreements, signed=signed, answers=answers(scene, signed, new))

    agreed = await scene.application.once("trade:PlaceAgreedOrder", entry)

    assert checks(agreed.resolution, new)["ac_power"] == (Outcome.INTACT, old)
    line = agreed.order.line(new)
    assert line.amount_milliyuan == PRICES["ac_power"] + PRICES["irradiance"] - 200
    target = agreed.resolution.target(new)
    assert target.agreement == agreements[1].id
    scene.systems[OWNER] = new
    contract = scene.countersign(scene.contract(agreed.order, OWNER), OWNER)
    await scene.owners[OWNER].once("trade:DepositContracts", (contract,))
    assert (await balance(scene, OWNER))["deltas"] == [line.amount_milliyuan]


async def test_agreement_of_another_name_is_not_made_anew_by_it(scene: Scene) -> None:
    """An agreement under the new name stands beside the former one: a query names one of both."""
    agreements = await agree(scene)
    new = await rename(scene)
    made = terms(scene, OWNER)
    fields = tuple(
        replace(one, field=new.field(one.field.name), price_milliyuan=one.price_milliyuan - 1)
        for one in made.fields
    )
    made = replace(made, fields=fields)
    signed_terms = SignedAgreement(
        terms=made,
        application_signature=scene.application.sign(made),
        owner_signature=scene.owners[OWNER].sign(made),
    )
    newer = await scene.application.submit("trade:ConcludeAgreement", signed_terms)
    signed = scene.request()
    given = answers(scene, signed, scene.systems[OWNER])
    entry = await agreed_entry(scene, [agreements[0], newer, agreements[2]], signed=signed, answers=given)

    agreed = await scene.application.once("trade:PlaceAgreedOrder", entry)

    line = agreed.order.line(scene.systems[OWNER])
    assert line.amount_milliyuan == PRICES["ac_power"] + PRICES["irradiance"] - 2
