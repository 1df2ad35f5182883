"""A ledger, a link and a clock for terminals and servers in one process, with faults on order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gridledger.client.errors import CommitConflict, OutcomeUnknown
from gridledger.client.validation import ValidationCode
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import (
    AnchorSide,
    Run,
    RunAnchor,
    RunComparison,
    RunName,
    TerminalEntry,
    TerminalIdentifier,
    TerminalKind,
    leaves_root,
)
from gridledger.model.response_refusals import AlreadyAnchored, RunOutOfTurn
from gridledger.model.states import RunState
from gridledger.model.system import Agent
from gridledger.response.chain_module import Endorsed
from gridledger.response.kept import Due
from gridledger.response.message import LoadReading, RecordsAnswer, RecordsMessage
from gridledger.response.server.store import Judge, ServerStore
from gridledger.response.state import Side
from gridledger.web import ReplyUnknown

SYSTEM = SystemIdentifier("88.1042.7")
TERMINAL = TerminalIdentifier(SYSTEM, "house-1.iot")


class Killed(BaseException):
    """Stands for kill -9 within a process."""


def entry(terminal: TerminalIdentifier = TERMINAL, kind: TerminalKind = TerminalKind.IOT) -> TerminalEntry:
    agent = Agent(msp_id="Org1MSP", subject=terminal.name, public_key=bytes([2]) + bytes(32))
    return TerminalEntry(identifier=terminal, kind=kind, site="house-1", agent=agent)


def reading(number: int) -> bytes:
    return LoadReading(start_ms=number * 3_600_000, length_s=3600, energy_wh=1000 + number).to_bytes()


class Clock:
    """Milliseconds that a test sets; it may go back."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class FakeLedger:
    """The contract's rules in a few lines: order and once a side; envelopes commit once."""

    anchors: dict[tuple[str, int, AnchorSide], RunAnchor] = field(default_factory=dict)
    heads: dict[tuple[str, AnchorSide], int] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)
    opened: dict[tuple[str, int, AnchorSide], tuple[Digest, ...]] = field(default_factory=dict)
    keyless: set[TerminalIdentifier] = field(default_factory=set)
    """Terminals without a key: their server alone anchors."""
    made: int = 0
    asked: int = 0
    """Runs that were asked for."""
    fault: Callable[[str], None] = lambda _: None
    """Called before and after each settling; raises what is to go wrong."""

    async def endorse_anchor(self, side: Side, due: Sequence[Due]) -> Endorsed:
        self.fault("endorse")
        runs = [one.run for one in due]
        self._check(AnchorSide(side.value), runs)
        self.made += 1
        call = {"side": side.value, "runs": [run.to_bytes().decode() for run in runs]}
        return Endorsed(tx_id=f"tx-{side.value}-{self.made}", data=json.dumps([self.made, call]).encode())

    async def settle(self, envelope: bytes) -> int:
        self.fault("submit")
        number, call = json.loads(envelope)
        tx_id = f"tx-{call['side']}-{number}"
        if tx_id in self.invalid:
            raise CommitConflict(
                tx_id=tx_id, validation_code=ValidationCode.MVCC_READ_CONFLICT, block_number=1
            )
        if tx_id not in self.committed:
            side = AnchorSide(call["side"])
            runs = [Run.from_bytes(text.encode()) for text in call["runs"]]
            try:
                self._check(side, runs)
                self.fault("validate")
            except (AlreadyAnchored, RunOutOfTurn, InvalidNow) as error:
                self.invalid.add(tx_id)
                raise CommitConflict(
                    tx_id=tx_id, validation_code=ValidationCode.MVCC_READ_CONFLICT, block_number=1
                ) from error
            for run in runs:
                anchor = RunAnchor(run=run, side=side, anchored_ms=1, tx_id=tx_id)
                self.anchors[str(run.terminal), run.first, side] = anchor
                self.heads[str(run.terminal), side] = run.last
            self.committed[tx_id] = len(self.committed) + 1
        self.fault("status")
        return self.committed[tx_id]

    async def compare(self, names: Sequence[RunName]) -> tuple[RunComparison, ...]:
        self.fault("compare")
        self.asked += len(names)
        return tuple(self._compare(name) for name in names)

    async def open_run(self, name: RunName, leaves: Sequence[Digest]) -> None:
        self.fault("open")
        for side in AnchorSide:
            anchor = self.anchors.get((str(name.terminal), name.first, side))
            if anchor is not None and anchor.run.root == leaves_root(leaves):
                self.opened[str(name.terminal), name.first, side] = tuple(leaves)

    def numbers(self, terminal: TerminalIdentifier, side: AnchorSide) -> list[int]:
        """Return the numbers that a side anchored, in the order of their runs."""
        runs = [
            one.run for (name, _, by), one in self.anchors.items() if name == str(terminal) and by is side
        ]
        return [number for run in runs for number in range(run.first, run.last + 1)]

    def _check(self, side: AnchorSide, runs: Sequence[Run]) -> None:
        heads = dict(self.heads)
        for run in runs:
            name = str(run.terminal)
            earlier = self.anchors.get((name, run.first, side))
            if earlier is not None:
                raise AlreadyAnchored(name, run.first, earlier.tx_id)
            if run.first <= heads.get((name, side), 0):
                raise RunOutOfTurn(name, run.first, heads[name, side])
            heads[name, side] = run.last

    def _compare(self, name: RunName) -> RunComparison:
        key = (str(name.terminal), name.first)
        one = self.anchors.get((*key, AnchorSide.TERMINAL))
        two = self.anchors.get((*key, AnchorSide.SERVER))
        state = RunState.ABSENCE
        if name.terminal in self.keyless and two is not None:
            state = RunState.SERVER_ALONE
        elif one is not None and two is not None:
            state = RunState.AGREEMENT if one.run == two.run else RunState.MISMATCH
        return RunComparison(
            terminal=name.terminal,
            first=name.first,
            state=state,
            mark_ms=1,
            by_terminal=one,
            by_server=two,
            opened=tuple(side for side in AnchorSide if (*key, side) in self.opened),
        )


class InvalidNow(Exception):
    """The ledger finds a transaction invalid."""


def unknown(tx_id: str = "tx") -> OutcomeUnknown:
    return OutcomeUnknown("no outcome", tx_id=tx_id, result=b"")


@dataclass
class FakeLink:
    """The way from a terminal to a server's store; messages and answers get lost on order."""

    store: ServerStore
    judge: Judge = lambda _, __: None
    fault: Callable[[str], None] = lambda _: None
    sent: int = 0

    async def send(self, message: RecordsMessage) -> RecordsAnswer:
        self.sent += 1
        self.fault("request")
        body = message.to_bytes()
        answer = self.store.receive(RecordsMessage.from_bytes(body), body, self.judge)
        self.fault("answer")
        return RecordsAnswer.from_bytes(answer.to_bytes())


def lost() -> ReplyUnknown:
    return ReplyUnknown("no reply", url="http://server")
