"""Known endorsers: named once they are known; chosen by the gateway where they are others by now."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gridledger.client.contract import Committed, Contract
from gridledger.client.errors import CommitError, EndorseError, OutcomeUnknown
from gridledger.client.known_endorsers import KnownEndorsers
from gridledger.client.validation import ValidationCode
from gridledger.model.errors import GatewayError
from gridledger.model.refusals import CallRepeated

ORGANISATIONS = ("Org1MSP", "Org2MSP")


class Called:
    """A contract that notes whom it was asked to name, and fails where it names them."""

    name = "registry"

    def __init__(self) -> None:
        self.named: list[tuple[str, ...]] = []
        self.error: GatewayError | CallRepeated | None = None

    async def transact_once(self, function: str, *_: Any, **options: Any) -> Committed:
        named = tuple(options.get("endorsing_organizations", ()))
        self.named.append(named)
        if named and self.error is not None:
            raise self.error
        return Committed(tx_id=function, block_number=1, result=b"", endorsers=ORGANISATIONS)


async def call(known: KnownEndorsers, called: Called, function: str = "RegisterFields") -> Committed:
    return await known.transact_once(cast("Contract", called), function, call_key="key")


async def test_who_endorsed_is_named_with_the_next_call_of_the_function() -> None:
    known, called = KnownEndorsers(), Called()
    await call(known, called)
    await call(known, called)
    await call(known, called, "RegisterDevices")
    assert called.named == [(), ORGANISATIONS, ()]


@pytest.mark.parametrize(
    "error",
    [
        EndorseError("no peer", tx_id="one", grpc_status="UNAVAILABLE"),
        CommitError(tx_id="one", validation_code=ValidationCode.ENDORSEMENT_POLICY_FAILURE, block_number=1),
    ],
)
async def test_where_the_known_do_not_do_the_gateway_chooses_and_is_believed(error: GatewayError) -> None:
    known, called = KnownEndorsers(), Called()
    await call(known, called)
    called.error = error
    assert (await call(known, called)).tx_id == "RegisterFields"
    called.error = None
    await call(known, called)
    assert called.named == [(), ORGANISATIONS, (), ORGANISATIONS]


@pytest.mark.parametrize("error", [OutcomeUnknown("late", tx_id="one"), CallRepeated("one")])
async def test_what_may_have_happened_is_not_done_again(error: GatewayError | CallRepeated) -> None:
    known, called = KnownEndorsers(), Called()
    await call(known, called)
    called.error = error
    with pytest.raises(type(error)):
        await call(known, called)
    assert len(called.named) == 2
