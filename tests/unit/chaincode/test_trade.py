"""The contract `trade`: holds, contracts, returns, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party, hexadecimal
from tests.unit.chaincode.scene import PRICES, TOTAL, Scene
from tests.unit.chaincode.trading import balance, placed

from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import (
    AmountDiffers,
    ContractDiffers,
    Expired,
    HoldNotOver,
    NoHold,
    NotesInsufficient,
    NotTheAgent,
    SignatureRefused,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Day
from gridledger.model.refusals import (
    AccessDenied,
    AlreadyExists,
    BadArgument,
    CallRepeated,
    Conflict,
    NotFound,
)
from gridledger.model.roles import Role
from gridledger.model.states import OrderState
from gridledger.model.system import SystemKind
from gridledger.model.trade import MoneyKey, OrderEntry


def entry(scene: Scene, resolution: str, **changes: Any) -> OrderEntry:
    values: dict[str, Any] = {
        "application": scene.systems["lifecycle"],
        "resolution": resolution,
        "amount_milliyuan": TOTAL,
        "notes": (),
        "hold_ms": 60_000,
    }
    return OrderEntry(**{**values, **changes})


async def test_pay_in_by_another_organisations_administrator_is_refused(scene: Scene) -> None:
    forger = Party(scene.peer, "Org2MSP", "forger", Role.PLATFORM_ADMINISTRATOR)

    with pytest.raises(AccessDenied, match="not the platform"):
        await forger.once("trade:PayIn", scene.systems["lifecycle"], (1_000_000,))


async def test_pay_in_to_an_account_that_is_not_open_is_refused(scene: Scene) -> None:
    with pytest.raises(NotFound):
        await scene.administrator.once("trade:PayIn", SystemIdentifier("88.1042.99"), (1,))


async def test_pay_in_repeated_call_key_pays_once(scene: Scene) -> None:
    account = scene.systems["lifecycle"]
    await scene.administrator.commit("trade:PayIn", "one", account, (5,))

    with pytest.raises(CallRepeated):
        await scene.administrator.commit("trade:PayIn", "one", account, (5,))
    assert await balance(scene, "lifecycle") == {"notes": [5], "deltas": []}


async def test_order_change_becomes_one_note_and_spent_notes_are_gone(scene: Scene) -> None:
    notes = await scene.pay_in(TOTAL, 700, 300)

    await scene.order(await scene.resolve(), notes[:2])

    assert await balance(scene, "lifecycle") == {"notes": [300, 700], "deltas": []}
    with pytest.raises(NotFound, match="note"):
        await scene.order(await scene.resolve(), notes[:1])


async def test_order_notes_that_do_not_suffice_or_are_anothers_are_refused(scene: Scene) -> None:
    resolution = await scene.resolve()
    few = await scene.pay_in(TOTAL - 1)
    foreign = await scene.administrator.commit(
        "trade:PayIn", "foreign", scene.systems["monitoring"], (TOTAL,)
    )

    with pytest.raises(NotesInsufficient) as caught:
        await scene.order(resolution, few)
    assert caught.value.fields == {"given_milliyuan": TOTAL - 1, "wanted_milliyuan": TOTAL}
    with pytest.raises(NotFound):
        await scene.order(resolution, (MoneyKey(tx_id=foreign.tx_id, number=0),))


async def test_order_of_one_resolution_twice_is_refused(scene: Scene) -> None:
    resolution = await scene.resolve()
    await scene.order(resolution, await scene.pay_in(TOTAL))

    with pytest.raises(AlreadyExists):
        await scene.order(resolution, await scene.pay_in(TOTAL))


async def test_order_at_another_price_is_refused(scene: Scene) -> None:
    resolution = await scene.resolve()
    notes = await scene.pay_in(TOTAL)

    with pytest.raises(AmountDiffers):
        await scene.application.once(
            "trade:PlaceOrder", entry(scene, resolution.id, amount_milliyuan=1, notes=notes)
        )


async def test_order_of_an_expired_or_anothers_resolution_is_refused(scene: Scene) -> None:
    resolution = await scene.resolve()
    stranger = await _other_application(scene)
    theirs = entry(scene, resolution.id, application=scene.systems["stranger"])
    with pytest.raises(AccessDenied):
        await stranger.once("trade:PlaceOrder", theirs)
    with pytest.raises(NotTheAgent):
        await stranger.once("trade:PlaceOrder", entry(scene, resolution.id))
    scene.peer.time_ms += 600_000
    await scene.agent.submit("ledger:RenewTimeMark")

    with pytest.raises(Expired):
        await scene.application.once("trade:PlaceOrder", entry(scene, resolution.id))


async def _other_application(scene: Scene) -> Party:
    stranger = Party(scene.peer, "Org2MSP", "stranger", Role.DATA_APPLICATION)
    await scene.register(stranger, SystemKind.DATA_APPLICATION)
    return stranger


async def test_order_of_which_everything_is_withheld_is_refused(scene: Scene) -> None:
    signed = scene.request()
    resolution = await scene.resolve_with(signed, ())

    with pytest.raises(Conflict, match="withheld"):
        await scene.application.once("trade:PlaceOrder", entry(scene, resolution.id, amount_milliyuan=0))


async def test_paid_line_has_what_the_owner_checks_until_it_is_settled(scene: Scene) -> None:
    order = await placed(scene)
    owner = scene.systems["monitoring"]
    line = await scene.owners["monitoring"].ask("trade:GetPaidLine", order.id, owner)

    assert line.hold.amount_milliyuan == PRICES["ac_power"] + PRICES["irradiance"]
    assert line.agent.subject == "lifecycle"
    assert [field.field.name for field in line.target.forwarded()] == ["ac_power", "irradiance"]

    signed = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    await scene.application.once("trade:DepositContracts", (signed,))
    with pytest.raises(NoHold):
        await scene.owners["monitoring"].ask("trade:GetPaidLine", order.id, owner)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"amount_milliyuan": 1}, "the amount"),
        ({"rows": 1}, "the number of rows"),
        ({"last": Day("2018-09-15")}, "the days"),
        ({"concluded_ms": 1}, "the time"),
        ({"resolution": hexadecimal("other")}, "the resolution"),
    ],
)
async def test_contract_that_differs_from_the_order_is_refused(
    scene: Scene, changes: dict[str, Any], what: str
) -> None:
    order = await placed(scene)
    contract = scene.countersign(scene.contract(order, "monitoring", **changes), "monitoring")

    with pytest.raises(ContractDiffers, match=what):
        await scene.application.once("trade:DepositContracts", (contract,))


async def test_contract_with_a_forged_or_missing_signature_is_refused(scene: Scene) -> None:
    order = await placed(scene)
    contract = scene.contract(order, "monitoring")
    good = scene.countersign(contract, "monitoring")
    for bad in (
        replace(good, owner_signature=scene.application.sign(contract)),
        replace(good, owner_signature=b""),
        replace(good, application_signature=scene.owners["monitoring"].sign(contract)),
        replace(good, contract=replace(contract, content=Digest.of(b"other"))),
    ):
        with pytest.raises(SignatureRefused):
            await scene.application.once("trade:DepositContracts", (bad,))
    assert await balance(scene, "monitoring") == {"notes": [], "deltas": []}


async def test_contract_may_be_deposited_by_either_party_and_no_other(scene: Scene) -> None:
    order = await placed(scene)
    contract = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    with pytest.raises(NotTheAgent):
        await scene.owners["construction"].once("trade:DepositContracts", (contract,))

    (line,) = await scene.owners["monitoring"].once("trade:DepositContracts", (contract,))

    assert line.owner == scene.systems["monitoring"]
    settlement = await scene.application.ask("trade:GetSettlement", order.id, line.owner)
    assert (settlement.state, settlement.account) == (OrderState.SETTLED, line.owner)
    assert settlement.contract == Digest.of(contract.contract.to_bytes())


async def test_contract_twice_in_one_call_or_in_two_is_paid_once(scene: Scene) -> None:
    order = await placed(scene)
    contract = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    with pytest.raises(BadArgument):
        await scene.application.once("trade:DepositContracts", (contract, contract))
    await scene.application.once("trade:DepositContracts", (contract,))

    with pytest.raises(NoHold):
        await scene.application.once("trade:DepositContracts", (contract,))
    assert (await balance(scene, "monitoring"))["deltas"] == [PRICES["ac_power"] + PRICES["irradiance"]]


async def test_contract_one_bad_among_good_settles_none(scene: Scene) -> None:
    order = await placed(scene)
    good = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    bad = scene.countersign(scene.contract(order, "construction", rows=9), "construction")

    with pytest.raises(ContractDiffers):
        await scene.application.once("trade:DepositContracts", (good, bad))
    assert await balance(scene, "monitoring") == {"notes": [], "deltas": []}


async def test_return_holds_only_after_the_deadline_and_once(scene: Scene) -> None:
    order = await placed(scene)
    owners = tuple(line.system for line in order.lines)
    with pytest.raises(HoldNotOver):
        await scene.application.submit("trade:ReturnHolds", order.id, owners)
    stranger = await _other_application(scene)
    with pytest.raises(NotTheAgent):
        await stranger.submit("trade:ReturnHolds", order.id, owners)

    scene.peer.time_ms = order.deadline_ms + 1
    returned = await scene.agent.submit("trade:ReturnHolds", order.id, owners)

    assert returned.amount_milliyuan == TOTAL
    assert await balance(scene, "lifecycle") == {"notes": [TOTAL], "deltas": []}
    with pytest.raises(NoHold):
        await scene.application.submit("trade:ReturnHolds", order.id, owners)
    contract = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    with pytest.raises(NoHold):
        await scene.application.once("trade:DepositContracts", (contract,))


async def test_fold_deltas_makes_a_note_that_can_be_spent_and_split(scene: Scene) -> None:
    order = await placed(scene)
    contract = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    await scene.application.once("trade:DepositContracts", (contract,))
    owner, party = scene.systems["monitoring"], scene.owners["monitoring"]
    page = await party.ask("trade:ListDeltas", owner, "")
    keys = tuple(money.key for money in page.money)

    with pytest.raises(NotTheAgent):
        await scene.owners["construction"].submit("trade:FoldDeltas", owner, keys)
    with pytest.raises(BadArgument):
        await party.submit("trade:FoldDeltas", owner, keys * 2)
    note = await party.submit("trade:FoldDeltas", owner, keys)
    assert note.amount_milliyuan == 1500
    with pytest.raises(NotFound):
        await party.submit("trade:FoldDeltas", owner, keys)
    with pytest.raises(BadArgument):
        await party.submit("trade:SplitNote", owner, note.key, (1499,))
    await party.submit("trade:SplitNote", owner, note.key, (500, 1000))
    assert await balance(scene, "monitoring") == {"notes": [500, 1000], "deltas": []}
