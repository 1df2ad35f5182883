"""Pay-outs: asked for by the account, decided once by the platform; the money is never in two places."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import Scene

from gridledger.model.digest import Digest
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotesInsufficient, NotTheAgent
from gridledger.model.pay_out import PayOut, PayOutEntry, PayOutState
from gridledger.model.refusals import AccessDenied, Conflict, NotFound
from gridledger.model.roles import Role
from gridledger.model.trade import MoneyKey

EVIDENCE = Digest.of(b"advice of the bank (made)")


def entry(scene: Scene, notes: tuple[MoneyKey, ...], amount: int) -> PayOutEntry:
    return PayOutEntry(account=scene.systems["lifecycle"], amount_milliyuan=amount, notes=notes)


async def ask(scene: Scene, amount: int) -> PayOut:
    notes = await scene.pay_in(1_000)
    asked: PayOut = await scene.application.once("trade:AskPayOut", entry(scene, notes, amount))
    return asked


async def held(scene: Scene) -> list[int]:
    page = await scene.application.ask("trade:ListNotes", scene.systems["lifecycle"], "")
    return sorted(one.amount_milliyuan for one in page.money)


async def test_what_is_asked_for_leaves_the_notes_and_is_gone_when_it_is_paid(scene: Scene) -> None:
    asked = await ask(scene, 700)
    assert (asked.state, await held(scene)) == (PayOutState.ASKED, [300])

    paid = await scene.administrator.commit("trade:ConfirmPayOut", asked.account, asked.id, EVIDENCE)

    assert paid.event is not None
    assert paid.event[0] == Event.PAY_OUT_DECIDED
    (found,) = (await scene.application.ask("trade:ListPayOuts", asked.account, "")).pay_outs
    assert (found.state, found.evidence, found.amount_milliyuan) == (PayOutState.PAID, EVIDENCE, 700)
    assert await held(scene) == [300]


async def test_what_is_refused_is_a_note_again(scene: Scene) -> None:
    asked = await ask(scene, 1_000)
    assert await held(scene) == []
    refused = await scene.administrator.submit(
        "trade:RefusePayOut", asked.account, asked.id, "fees are overdue"
    )
    assert (refused.state, await held(scene)) == (PayOutState.REFUSED, [1_000])


@pytest.mark.parametrize("first", ["trade:ConfirmPayOut", "trade:RefusePayOut"])
async def test_a_pay_out_is_decided_once(scene: Scene, first: str) -> None:
    asked = await ask(scene, 700)
    words: dict[str, Digest | str] = {"trade:ConfirmPayOut": EVIDENCE, "trade:RefusePayOut": "no"}
    await scene.administrator.submit(first, asked.account, asked.id, words[first])
    for function, word in words.items():
        with pytest.raises(Conflict):
            await scene.administrator.submit(function, asked.account, asked.id, word)


async def test_others_money_more_than_the_notes_hold_and_notes_twice_are_refused(scene: Scene) -> None:
    notes = await scene.pay_in(1_000)
    refusals: list[tuple[Party, PayOutEntry, type[ContractError]]] = [
        (scene.owners["monitoring"], entry(scene, notes, 500), NotTheAgent),
        (scene.application, entry(scene, notes, 1_001), NotesInsufficient),
        (scene.application, entry(scene, (), 1), NotesInsufficient),
    ]
    for party, asked, refusal in refusals:
        with pytest.raises(refusal):
            await party.once("trade:AskPayOut", asked)
    assert await held(scene) == [1_000]
    await scene.application.once("trade:AskPayOut", entry(scene, notes, 500))
    with pytest.raises(NotFound):
        await scene.application.once("trade:AskPayOut", entry(scene, notes, 500))
    for wrong in ((notes * 2, 500), (notes, 0)):
        with pytest.raises(ModelError):
            entry(scene, *wrong)


async def test_only_the_account_s_platform_decides(scene: Scene) -> None:
    asked = await ask(scene, 700)
    stranger = Party(scene.peer, "Org2MSP", "administrator-2", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied):
        await stranger.submit("trade:ConfirmPayOut", asked.account, asked.id, EVIDENCE)
    with pytest.raises(NotFound):
        await scene.administrator.submit("trade:ConfirmPayOut", asked.account, "0" * 64, EVIDENCE)
