"""The states of a record and their transitions, as one table: what is not in it does not happen.

The patent names six states and leaves open what no answer is, what "sent to chain" is after a crash, and what
stands at the server before it replies. The table settles it; docs/RESPONSE.md draws it.

Source: CN115334117A, claims 1 to 6; the Chinese names are the patent's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gridledger.response.errors import TransitionRefused

__all__ = ["FINAL", "TRANSITIONS", "Happening", "RecordState", "Side", "Transition", "next_state"]


class Side(StrEnum):
    """Whose row it is."""

    TERMINAL = "terminal"
    SERVER = "server"


class RecordState(StrEnum):
    """What a record's row says."""

    SENT_TO_SERVER = "sent-to-server"
    """发送到服务器: accepted by the terminal, and sent until it is answered."""

    SERVER_SUCCESS = "server-success"
    """服务器返回成功: the server has it durably."""

    SERVER_ERROR = "server-error"
    """服务器返回错误: the server refused it with a code; shown to the user."""

    RECEIVED = "received"
    """In the server's inbox, durably, before the reply; not one of the patent's."""

    REQUEST_COMPLETED = "request-completed"
    """完成终端请求: replied to, and in the server's business rows."""

    SENT_TO_CHAIN = "sent-to-chain"
    """发送到区块链: a signed envelope is kept, and sent again as it is until its outcome is known."""

    CHAIN_SUCCESS = "chain-success"
    """上链成功: its run is anchored."""


class Happening(StrEnum):
    """What moves a record."""

    ACCEPTED = "accepted"
    NO_ANSWER = "no-answer"
    ANSWERED = "answered"
    REFUSED = "refused"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    ENVELOPE_KEPT = "envelope-kept"
    OUTCOME_UNKNOWN = "outcome-unknown"
    INVALID = "invalid"
    COMMITTED = "committed"
    CLEANED = "cleaned"


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One line of the table."""

    side: Side
    before: RecordState | None
    """None: there is no row yet."""
    happening: Happening
    after: RecordState | None
    """None: there is no row any more."""
    meaning: str


def _line(
    side: Side, before: RecordState | None, happening: Happening, after: RecordState | None, meaning: str
) -> Transition:
    return Transition(side=side, before=before, happening=happening, after=after, meaning=meaning)


_S = RecordState
_H = Happening

TRANSITIONS: Final[tuple[Transition, ...]] = (
    _line(Side.TERMINAL, None, _H.ACCEPTED, _S.SENT_TO_SERVER, "row, digest and state in one transaction"),
    _line(
        Side.TERMINAL,
        _S.SENT_TO_SERVER,
        _H.NO_ANSWER,
        _S.SENT_TO_SERVER,
        "no answer is no error: the same message again, after a growing delay",
    ),
    _line(Side.TERMINAL, _S.SENT_TO_SERVER, _H.ANSWERED, _S.SERVER_SUCCESS, "the server has it durably"),
    _line(Side.TERMINAL, _S.SENT_TO_SERVER, _H.REFUSED, _S.SERVER_ERROR, "a definite refusal with a code"),
    _line(
        Side.SERVER,
        None,
        _H.ARRIVED,
        _S.RECEIVED,
        "inbox row before the reply; known ids are answered as before",
    ),
    _line(Side.SERVER, _S.RECEIVED, _H.COMPLETED, _S.REQUEST_COMPLETED, "business row after the reply"),
    _line(
        Side.SERVER, _S.RECEIVED, _H.REFUSED, _S.SERVER_ERROR, "kept: its number stands in the run as refused"
    ),
    *(
        line
        for side, before in ((Side.TERMINAL, _S.SERVER_SUCCESS), (Side.SERVER, _S.REQUEST_COMPLETED))
        for line in (
            _line(
                side,
                before,
                _H.ENVELOPE_KEPT,
                _S.SENT_TO_CHAIN,
                "endorsed and signed; kept before it is sent",
            ),
            _line(
                side,
                _S.SENT_TO_CHAIN,
                _H.OUTCOME_UNKNOWN,
                _S.SENT_TO_CHAIN,
                "the same envelope again, after a growing delay",
            ),
            _line(side, _S.SENT_TO_CHAIN, _H.INVALID, before, "certainly did nothing: a new transaction"),
            _line(side, _S.SENT_TO_CHAIN, _H.COMMITTED, _S.CHAIN_SUCCESS, "the run stands on the ledger"),
            _line(
                side, before, _H.COMMITTED, _S.CHAIN_SUCCESS, "the ledger has it from an earlier transaction"
            ),
            _line(side, _S.CHAIN_SUCCESS, _H.CLEANED, None, "by age, before a pass; the digest stays"),
            _line(side, _S.SERVER_ERROR, _H.CLEANED, None, "by age, once its run is final"),
        )
    ),
)
"""Every transition that there is."""

FINAL: Final = frozenset(line.before for line in TRANSITIONS if line.happening is Happening.CLEANED)
"""States in which nothing is left to do but clean."""

_NEXT: Final = {(line.side, line.before, line.happening): line.after for line in TRANSITIONS}


def next_state(side: Side, before: RecordState | None, happening: Happening) -> RecordState | None:
    """Return the state after something happened; None where the row goes.

    Raises
    ------
    TransitionRefused
        The table has no such line.

    Examples
    --------
    >>> next_state(Side.TERMINAL, RecordState.SENT_TO_SERVER, Happening.ANSWERED)
    <RecordState.SERVER_SUCCESS: 'server-success'>
    """
    try:
        return _NEXT[side, before, happening]
    except KeyError as error:
        state = "no row" if before is None else before.value
        raise TransitionRefused(f"{side.value}: {state} knows no {happening.value}") from error
