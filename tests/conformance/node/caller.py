"""A user whose program is written in Node.js."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.caller import CHANNEL
from tests.conformance.probe.steps import Step, decode_results, encode_steps
from tests.nodejs import NodeProgram

__all__ = ["NodeCaller"]


@dataclass(frozen=True, kw_only=True)
class NodeCaller:
    """One identity, the official client, and a chaincode that the calls go to."""

    program: NodeProgram
    connection: Mapping[str, str | None]
    """What `gridledger network connection --json` printed."""
    chaincode: str = "script"

    async def run(self, script: str, **request: Any) -> Any:
        """Run a script on this connection."""
        return await self.program.run(script, {"connection": self.connection, "channel": CHANNEL, **request})

    async def ask(self, script: str, **request: Any) -> Any:
        """Run a script that is not to tell of an error."""
        answer = await self.run(script, **request)
        assert "thrown" not in answer, answer
        return answer

    def call(
        self,
        *steps: Step,
        name: str = "Run",
        arguments: Sequence[bytes] | None = None,
        contract: str | None = None,
        transient: Mapping[str, bytes] | None = None,
        endorsing_organizations: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Describe a call: steps of the probe, or arguments of another function."""
        given = [encode_steps(steps)] if arguments is None else arguments
        call: dict[str, Any] = {"chaincode": self.chaincode, "name": name, "arguments": _texts(given)}
        if contract is not None:
            call["contract"] = contract
        if transient is not None:
            call["transient"] = dict(zip(transient, _texts(list(transient.values())), strict=True))
        if endorsing_organizations is not None:
            call["endorsing_organizations"] = list(endorsing_organizations)
        return call

    async def evaluate(self, *steps: Step, **options: Any) -> Any:
        """Take steps at one peer; return the last one's result."""
        answer = await self.run("evaluate.mjs", call=self.call(*steps, **options))
        return decode_results(result_of(answer))[-1]

    async def submit(self, *steps: Step, **options: Any) -> dict[str, Any]:
        """Take steps as a transaction; return the answer with the status, the result decoded."""
        answer: dict[str, Any] = await self.run("submit.mjs", call=self.call(*steps, **options))
        return {**answer, "result": decode_results(result_of(answer))[-1]}


def result_of(answer: Mapping[str, Any]) -> bytes:
    """Return a result's bytes; AssertionError if the script tells of an error instead."""
    assert "thrown" not in answer, answer
    return base64.b64decode(answer["result"])


def _texts(values: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(value).decode("ascii") for value in values]
