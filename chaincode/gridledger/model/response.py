"""Demand response: terminals, their records, runs in which these are anchored, how both sides compare.

A terminal numbers its records from 1 without a gap. Consecutive records are a run: both the terminal and its
server anchor a run by the Merkle root over the digests of its canonical records. A run of one record is the
patent's transaction a record.

Source: CN115334117A, claims 1 to 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.canonical import MAX_INTEGER, canonical_text
from gridledger.model.digest import Digest
from gridledger.model.merkle import MerkleTree, merkle_root
from gridledger.model.named import NamedInSystem
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import RunState
from gridledger.model.system import Agent, ShortText

__all__ = [
    "MAX_NUMBER",
    "MAX_RUN",
    "AnchorHead",
    "AnchorSide",
    "AnchoredRuns",
    "ComparisonPage",
    "OpenedRun",
    "RecordNumber",
    "RefusedRecord",
    "Run",
    "RunAnchor",
    "RunComparison",
    "RunLeaves",
    "RunMark",
    "RunName",
    "Terminal",
    "TerminalEntry",
    "TerminalIdentifier",
    "TerminalKind",
    "TerminalPage",
    "TerminalRecord",
    "leaf_of",
    "leaves_root",
    "leaves_tree",
    "record_leaves",
]

MAX_RUN = 1024
"""Records of one run: its digests, deposited when it is opened, take some 70 KB."""

MAX_NUMBER = 10**10 - 1
"""Keys have numbers in ten digits."""

RecordNumber = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
RunLength = Annotated[int, Field(ge=1, le=MAX_RUN)]
RunLeaves = Annotated[tuple[Digest, ...], Field(min_length=1, max_length=MAX_RUN)]
Site = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$")]
Moment = Annotated[int, Field(ge=0)]


class TerminalKind(StrEnum):
    """What a terminal sends."""

    USER = "user"
    """Responses of a user to a demand."""

    IOT = "iot"
    """Measured loads."""


class AnchorSide(StrEnum):
    """Who anchored a run."""

    TERMINAL = "terminal"
    SERVER = "server"


class TerminalIdentifier(NamedInSystem):
    """Identifier of a terminal: its server's system identifier, `/`, the terminal's name.

    Parameters
    ----------
    system : SystemIdentifier
        The system whose server it reports to.
    name : str
        Lower-case letters, digits, `.` and `-`; at most 64, the first a letter or digit.

    Raises
    ------
    ModelError
        The name is malformed.

    Examples
    --------
    >>> terminal = TerminalIdentifier.parse("88.1042.17/house-03.iot")
    >>> terminal.system, terminal.name
    (SystemIdentifier('88.1042.17'), 'house-03.iot')
    """

    __slots__ = ()
    subject = "terminal"
    grammar = "lower-case letters, digits, '.' and '-'"
    most_bytes = 64
    name_form = re.compile("[a-z0-9][a-z0-9.-]{0,63}")


@value
class TerminalEntry(ModelValue):
    """What a server's system says of a terminal."""

    identifier: TerminalIdentifier
    kind: TerminalKind
    site: Site
    """Where it stands: what a site's IoT terminals measure is what its user terminal answers for."""
    agent: Agent | None = None
    """Whose key signs its messages and transactions; None: it has none, and its server alone anchors."""


@record("terminal/1")
class Terminal(Record):
    """A registered terminal."""

    entry: TerminalEntry
    registered_ms: Moment
    ended_ms: Moment | None = None
    """From then on it anchors nothing."""
    reason: ShortText | None = None
    """Why it was ended."""


@record("terminal-record/1")
class TerminalRecord(Record):
    """The canonical transaction of a record: terminal and server make the same bytes of it."""

    terminal: TerminalIdentifier
    number: RecordNumber
    """With the terminal the record's unique id: from 1, without a gap."""
    run: RecordNumber
    """Number of the first record of its run."""
    time_ms: Moment
    """When the terminal accepted it, by its own clock."""
    data: Digest
    """Of the business data, salted (`Digest.salted`)."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not self.run <= self.number < self.run + MAX_RUN:
            yield "number", f"is not one of the {MAX_RUN} from {self.run} on"

    @property
    def leaf(self) -> Digest:
        """What stands for it in its run."""
        return Digest.of(self.to_bytes())


@record("refused-record/1")
class RefusedRecord(Record):
    """Stands in a run for a record that the server refused: its number was used, its data do not count."""

    terminal: TerminalIdentifier
    number: RecordNumber
    run: RecordNumber

    @property
    def leaf(self) -> Digest:
        """What stands for it in its run."""
        return Digest.of(self.to_bytes())


def leaf_of(one: TerminalRecord, *, refused: bool) -> Digest:
    """Return what stands for a record in its run, accepted or refused by the server."""
    if not refused:
        return one.leaf
    return RefusedRecord(terminal=one.terminal, number=one.number, run=one.run).leaf


def record_leaves(
    terminal: TerminalIdentifier, records: Iterable[tuple[int, int, int, Digest]]
) -> Iterator[Digest]:
    """Yield what stands for records in their runs: `TerminalRecord.leaf`, in a third of its time.

    Parameters
    ----------
    terminal : TerminalIdentifier
    records : iterable of (int, int, int, Digest)
        Number, run, time in milliseconds, and digest of the data of each.

    Raises
    ------
    ModelError
        A record breaks the rules of `TerminalRecord`.

    Examples
    --------
    >>> terminal, data = TerminalIdentifier.parse("88.1042.17/house-03.iot"), Digest.of(b"")
    >>> one = TerminalRecord(terminal=terminal, number=7, run=5, time_ms=9, data=data)
    >>> [one.leaf] == list(record_leaves(terminal, [(7, 5, 9, data)]))
    True
    """
    name = canonical_text(str(terminal))
    middle = f',"schema":"{TerminalRecord.schema}","terminal":{name},"time_ms":'
    for number, run, time_ms, data in records:
        if not (1 <= run <= number < run + MAX_RUN and number <= MAX_NUMBER and 0 <= time_ms <= MAX_INTEGER):
            # It says what is wrong.
            yield TerminalRecord(terminal=terminal, number=number, run=run, time_ms=time_ms, data=data).leaf
            continue
        text = f'{{"data":"{data}","number":{number},"run":{run}{middle}{time_ms}}}'
        yield Digest.of(text.encode())


def leaves_root(leaves: Sequence[Digest]) -> Digest:
    """Return the root of a run.

    Examples
    --------
    >>> leaves_root([Digest.of(b"a")]) == leaves_tree([Digest.of(b"a")]).root
    True
    """
    return merkle_root(leaf.raw for leaf in leaves)


def leaves_tree(leaves: Sequence[Digest]) -> MerkleTree:
    """Return the tree of a run, to make proofs from."""
    return MerkleTree(leaf.raw for leaf in leaves)


@value
class RunName(ModelValue):
    """Which run."""

    terminal: TerminalIdentifier
    first: RecordNumber


@value
class Run(ModelValue):
    """Consecutive records of one terminal, as one side has them."""

    terminal: TerminalIdentifier
    first: RecordNumber
    count: RunLength
    root: Digest
    """Over the digests of its canonical records, in their order (`leaves_root`)."""

    @property
    def last(self) -> int:
        """Number of its last record."""
        return self.first + self.count - 1


@record("run-anchor/1")
class RunAnchor(Record):
    """A run that one side anchored; written once."""

    run: Run
    side: AnchorSide
    anchored_ms: Moment
    tx_id: str
    record: TerminalRecord | None = None
    """The record itself, where the terminal anchored it as a transaction of its own."""


@record("anchor-head/1")
class AnchorHead(Record):
    """The last record of a terminal that one side anchored: runs are anchored in order."""

    last: RecordNumber


@record("opened-run/1")
class OpenedRun(Record):
    """The digests of a run's records, as one side deposited them after a mismatch."""

    side: AnchorSide
    leaves: RunLeaves
    opened_ms: Moment


@record("run-mark/1")
class RunMark(Record):
    """Says that a run under this key was opened."""

    opened_ms: Moment


@value
class AnchoredRuns(ModelValue):
    """What one transaction anchored."""

    side: AnchorSide
    runs: tuple[RunName, ...]


@value
class RunComparison(ModelValue):
    """What the ledger says of a run at a moment."""

    terminal: TerminalIdentifier
    first: RecordNumber
    state: RunState
    mark_ms: Moment
    """The ledger's time mark at the read."""
    by_terminal: RunAnchor | None = None
    by_server: RunAnchor | None = None
    opened: tuple[AnchorSide, ...] = ()
    """Which sides deposited the digests of its records."""
    differing: tuple[RecordNumber, ...] = ()
    """Records in which both sides differ, or that only one of them has; known once both have opened it."""

    @property
    def missing(self) -> tuple[AnchorSide, ...]:
        """Sides that have not anchored it and may still."""
        if self.state is RunState.SERVER_ALONE:
            return ()
        sides = {AnchorSide.TERMINAL: self.by_terminal, AnchorSide.SERVER: self.by_server}
        return tuple(side for side, anchor in sides.items() if anchor is None)


@value
class ComparisonPage(ModelValue):
    """Runs in their order; the bookmark of the next page is empty at the end."""

    runs: tuple[RunComparison, ...]
    bookmark: str


@value
class TerminalPage(ModelValue):
    """Terminals of a system, by name."""

    terminals: tuple[Terminal, ...]
    bookmark: str
