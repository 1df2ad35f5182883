"""Known endorsers: whose endorsements were enough for a function, so that all of them are asked at once.

A gateway has its own peer execute a call, learns from the answer who else has to, and asks those then. For a
call that takes a second to execute that is two. Who names the organisations has them execute it at the same
time; which these are, the last transaction of the function says.
"""

from __future__ import annotations

from contextlib import suppress

from gridledger.client.contract import Committed, Contract
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import CommitError, EndorseError
from gridledger.model.argument import Argument

__all__ = ["KnownEndorsers"]


class KnownEndorsers:
    """Makes long calls that happen once.

    Notes
    -----
    For calls whose policy is that of their chaincode. Where the organisations are others now, or one of them
    does not answer, nothing was done, and the gateway finds out anew whom to ask.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, str], tuple[str, ...]] = {}

    async def transact_once(
        self,
        contract: Contract,
        function: str,
        *arguments: Argument,
        call_key: str,
        deadlines: Deadlines | None = None,
    ) -> Committed:
        """Take all steps of a call that must happen once; see `Contract.transact_once`."""
        name = contract.name, function
        known = self._known.pop(name, ())
        committed: Committed | None = None
        if known:
            with suppress(EndorseError, CommitError):  # it has not happened then: the gateway chooses
                committed = await contract.transact_once(
                    function,
                    *arguments,
                    call_key=call_key,
                    endorsing_organizations=known,
                    deadlines=deadlines,
                )
        if committed is None:
            committed = await contract.transact_once(
                function, *arguments, call_key=call_key, deadlines=deadlines
            )
        self._known[name] = committed.endorsers
        return committed
