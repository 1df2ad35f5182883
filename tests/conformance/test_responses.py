"""The statuses with which a chaincode may answer."""

from __future__ import annotations

import grpc
import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do, encode_steps

from gridledger.client import EndorseError, EvaluateError


@pytest.mark.parametrize("status", [200, 201, 299, 302, 399])
async def test_status_below_400_is_a_success(org1: Caller, key: str, status: int) -> None:
    steps = encode_steps([do.put_state(key, b"1"), do.respond(status, b"\x00payload")])

    assert await org1.query("Run", steps) == b"\x00payload"
    assert await org1.call("Run", steps) == b"\x00payload"
    assert await org1.evaluate(do.get_state(key)) == b"1"


@pytest.mark.parametrize("status", [0, 1, 199])
async def test_status_below_200_is_a_refusal_to_the_gateway(org1: Caller, key: str, status: int) -> None:
    steps = encode_steps([do.put_state(key, b"1"), do.respond(status, b"payload")])

    with pytest.raises(EvaluateError, match=f"chaincode response {status}, as asked"):
        await org1.query("Run", steps)
    with pytest.raises(EndorseError, match=f"chaincode response {status}, as asked"):
        await org1.call("Run", steps)


@pytest.mark.parametrize("status", [400, 404, 500, 1000])
async def test_status_from_400_on_is_a_refusal(org1: Caller, key: str, status: int) -> None:
    steps = encode_steps([do.put_state(key, b"1"), do.respond(status, b"payload")])

    with pytest.raises(EvaluateError, match=f"chaincode response {status}, as asked"):
        await org1.query("Run", steps)
    with pytest.raises(EndorseError, match=f"chaincode response {status}, as asked"):
        await org1.call("Run", steps)
    assert await org1.evaluate(do.get_state(key)) is None


async def test_call_without_any_argument_is_answered(org1: Caller) -> None:
    parts = org1.parts_of([])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await org1.wire.endorse(parts)

    assert caught.value.code() is grpc.StatusCode.ABORTED
    await org1.evaluate(do.get_tx_id())
