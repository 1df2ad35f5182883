"""The agent that keeps the time mark fresh."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.unit.client.fakes import FakeTransport, endorse_error, make_network, refusal
from tests.unit.client.jumping_clock import run

from gridledger.client import EndorseError, TimeMarkAgent
from gridledger.model.errors import GridLedgerError
from gridledger.model.refusals import AccessDenied, Conflict, NoTimeMark
from gridledger.model.time_mark import TimeMark

OWN = TimeMark(time_ms=1000, msp_id="Org1MSP")
OTHERS = TimeMark(time_ms=2000, msp_id="Org2MSP")


def ledger() -> FakeTransport:
    def handle(function: str, arguments: list[bytes]) -> bytes:
        return {"ledger:RenewTimeMark": OWN, "ledger:ReadTimeMark": OTHERS}[function].to_bytes()

    return FakeTransport(handle)


def renewals(transport: FakeTransport) -> int:
    return sum(step == "endorse" for step, _ in transport.calls)


def test_agent_renews_once_a_period_until_it_is_stopped() -> None:
    transport = ledger()

    async def go() -> None:
        async with TimeMarkAgent(make_network(transport)) as agent:
            await asyncio.sleep(179)
            assert agent.last_mark == OWN
            assert agent.failures == 0
        count = renewals(transport)
        await asyncio.sleep(600)
        assert renewals(transport) == count

    run(go())
    assert renewals(transport) == 3


def test_first_mark_is_waited_for_until_it_stands() -> None:
    transport = ledger()
    transport.fail("endorse", endorse_error("UNAVAILABLE"))

    async def go() -> None:
        async with TimeMarkAgent(make_network(transport)) as agent:
            await agent.wait_marked()
            assert agent.last_mark == OWN

    run(go())


def test_first_mark_that_does_not_come_is_an_error() -> None:
    async def go() -> None:
        await TimeMarkAgent(make_network(ledger())).wait_marked(5.0)

    with pytest.raises(NoTimeMark):
        run(go())


def test_later_mark_of_another_organisation_counts_as_renewed() -> None:
    transport = ledger()
    later = refusal(Conflict("the claimed time is not later").to_wire())
    transport.fail("endorse", endorse_error("ABORTED", later))
    agent = TimeMarkAgent(make_network(transport))
    assert run(agent.renew()) == OTHERS
    assert agent.last_mark == OTHERS


def test_renewal_that_fails_for_a_moment_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    transport = ledger()
    transport.fail("endorse", endorse_error("UNAVAILABLE"))

    async def go() -> None:
        async with TimeMarkAgent(make_network(transport)) as agent:
            await asyncio.sleep(30)
            assert agent.last_mark == OWN

    run(go())
    assert renewals(transport) == 2
    assert not caplog.records


def test_renewal_that_keeps_failing_is_reported_and_logged_every_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = ledger()
    denied = refusal(AccessDenied("for the role agent").to_wire())
    transport.fail("endorse", *[endorse_error("ABORTED", denied)] * 6)
    reported: list[GridLedgerError] = []

    async def go() -> None:
        agent = TimeMarkAgent(make_network(transport), on_failure=reported.append)
        async with agent:
            await asyncio.sleep(100)
            assert agent.failures == 2
            assert agent.last_mark is None
            await asyncio.sleep(60)
            assert agent.failures == 0
            assert agent.last_mark == OWN

    with caplog.at_level(logging.WARNING):
        run(go())
    assert [type(error) for error in reported] == [AccessDenied, AccessDenied]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "2 times in a row" in caplog.records[1].getMessage()


def test_defect_in_the_callback_ends_the_agent_and_is_raised_by_stop() -> None:
    transport = ledger()
    transport.fail("endorse", *[endorse_error("UNAVAILABLE")] * 10)

    def defect(error: GridLedgerError) -> None:
        raise KeyError("defect")

    async def go() -> None:
        agent = TimeMarkAgent(make_network(transport), on_failure=defect)
        agent.start()
        agent.start()
        await asyncio.sleep(100)
        with pytest.raises(KeyError):
            await agent.stop()
        await agent.stop()

    run(go())


def test_renew_alone_raises_what_went_wrong() -> None:
    transport = ledger()
    transport.fail("endorse", endorse_error("UNAVAILABLE"))
    with pytest.raises(EndorseError):
        run(TimeMarkAgent(make_network(transport)).renew())
