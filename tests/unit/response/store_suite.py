"""What a server's store does on any database; a subclass gives the database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.response.fakes import SYSTEM, TERMINAL, Clock, entry, reading

from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import TerminalIdentifier
from gridledger.response.database import Database
from gridledger.response.errors import (
    RecordRefusal,
    RecordsMissing,
    StoreFailed,
    StoreForeign,
    TerminalUnknown,
)
from gridledger.response.message import ClosedRun, RecordsAnswer, RecordsMessage, SentRecord
from gridledger.response.server.store import ServerStore
from gridledger.response.state import RecordState
from gridledger.web import RequestMalformed

__all__ = ["ServerStoreSuite", "message"]


def message(
    first: int, count: int, *, closed: bool = False, what: int = 0, run: int | None = None
) -> RecordsMessage:
    records = tuple(
        SentRecord(
            number=first + n, run=run or first, time_ms=n, salt=bytes(16), data=reading(first + n + what)
        )
        for n in range(count)
    )
    runs = (ClosedRun(first=first, count=count),) if closed else ()
    return RecordsMessage(terminal=TERMINAL, records=records, closed=runs)


class ServerStoreSuite:
    """Receives, completes, de-duplicates, anchors, cleans."""

    @pytest.fixture
    def store(self, database: Database) -> Iterator[ServerStore]:
        store = ServerStore(database, SYSTEM, clock=Clock())
        store.add_terminal(entry())
        yield store
        store.close()

    @staticmethod
    def receive(
        store: ServerStore, one: RecordsMessage, refused: frozenset[int] = frozenset()
    ) -> RecordsAnswer:
        def judge(_: object, record: SentRecord) -> RecordRefusal | None:
            return RecordRefusal.IMPLAUSIBLE if record.number in refused else None

        return store.receive(one, one.to_bytes(), judge)

    def test_record_is_stored_once_however_often_it_comes(self, store: ServerStore) -> None:
        assert self.receive(store, message(1, 5)) == RecordsAnswer(last=5)
        assert store.tally()[RecordState.RECEIVED] == 5
        for _ in range(2):  # The next message of a terminal finds its inbox completed.
            assert self.receive(store, message(1, 5)) == RecordsAnswer(last=5)
        assert self.receive(store, message(1, 5)) == RecordsAnswer(last=5)
        assert store.complete() == 0
        assert {state: count for state, count in store.tally().items() if count} == {
            RecordState.REQUEST_COMPLETED: 5
        }

    def test_refusals_are_repeated_and_another_record_of_a_known_number_is_refused(
        self, store: ServerStore
    ) -> None:
        first = self.receive(store, message(1, 3), frozenset({2}))
        assert [(one.number, one.code) for one in first.refused] == [(2, "implausible")]
        assert self.receive(store, message(1, 3)) == first
        other = self.receive(store, message(1, 3, what=7))
        assert [(one.number, one.code) for one in other.refused] == [
            (1, "differs"),
            (2, "implausible"),
            (3, "differs"),
        ]
        assert store.refused() == [(str(TERMINAL), 2, "implausible")]

    def test_gap_and_foreign_terminal_take_nothing(self, store: ServerStore) -> None:
        with pytest.raises(RecordsMissing):
            self.receive(store, message(2, 1))
        foreign = RecordsMessage(terminal=TerminalIdentifier(SYSTEM, "elsewhere"))
        with pytest.raises(TerminalUnknown):
            self.receive(store, foreign)
        assert store.waiting() == 0

    def test_message_that_was_not_taken_leaves_nothing_behind(
        self, store: ServerStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise StoreFailed("no answer")

        monkeypatch.setattr(store, "_watch", fail)
        with pytest.raises(StoreFailed):
            self.receive(store, message(1, 5, what=7))
        monkeypatch.undo()
        self.receive(store, message(1, 2))  # A database may give it the place of the one before.
        assert store.complete() == 2
        assert store.record(TERMINAL, 2).data == reading(2)

    def test_sender_that_is_faster_than_the_completion_waits_for_it(self, store: ServerStore) -> None:
        for number in range(1, 41):
            assert self.receive(store, message(number, 1)) == RecordsAnswer(last=number)
        assert 0 < store.waiting() < 20
        while store.complete():
            pass
        assert store.tally()[RecordState.REQUEST_COMPLETED] == 40

    def test_message_that_comes_several_times_at_once_is_taken_once(self, store: ServerStore) -> None:
        one = message(1, 5)
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: self.receive(store, one), range(8)))
        assert answers == [RecordsAnswer(last=5)] * 8
        store.complete()
        assert {state: count for state, count in store.tally().items() if count} == {
            RecordState.REQUEST_COMPLETED: 5
        }

    @pytest.mark.parametrize("restarted", [False, True])
    def test_record_of_a_run_that_is_over_is_refused_whole(self, store: ServerStore, restarted: bool) -> None:
        self.receive(store, message(1, 2))
        self.receive(store, message(3, 2))
        if restarted:
            store._runs.clear()
        for run in (1, 2):
            with pytest.raises(RequestMalformed):
                self.receive(store, message(5, 2, run=run))
        assert self.receive(store, message(5, 2, run=3)) == RecordsAnswer(last=6)
        assert self.receive(store, message(7, 1)) == RecordsAnswer(last=7)
        while store.complete():
            pass
        assert [(one.run.first, one.run.count) for one in store.due(10)] == [(1, 2), (3, 4)]

    def test_run_is_due_once_it_is_closed_and_anchored_once(self, store: ServerStore) -> None:
        self.receive(store, message(1, 4))
        store.complete()
        assert store.due(10) == []
        self.receive(store, message(5, 2, closed=True), frozenset({5, 6}))
        store.complete()
        (due,) = store.due(10)  # The second run was refused whole: nothing of it is anchored.
        assert (due.run.first, due.run.count) == (1, 4)
        store.keep_envelope("tx", b"envelope", [due.run])
        assert store.due(10) == []
        assert store.envelopes() == [("tx", b"envelope")]
        store.invalid("tx")
        assert [one.run for one in store.due(10)] == [due.run]
        store.keep_envelope("tx2", b"envelope", [due.run])
        assert store.committed("tx2", 9) == 4
        kept = store.run_of(TERMINAL, 3)
        assert (kept.tx_id, kept.block, kept.leaves) == ("tx2", 9, due.leaves)
        assert store.envelopes() == []

    def test_cleaning_leaves_digests_and_still_knows_duplicates(self, store: ServerStore) -> None:
        self.receive(store, message(1, 4, closed=True))
        store.complete()
        (due,) = store.due(10)
        store.found_anchored(due.run, "tx")
        assert store.clean(1) == 0
        assert store.clean(0) == 4
        assert store.clean(0) == 0
        assert not any(store.tally().values())
        assert store.run_of(TERMINAL, 4).leaves == due.leaves
        assert self.receive(store, message(1, 4)) == RecordsAnswer(last=4)
        assert {one.code for one in self.receive(store, message(1, 4, what=1)).refused} == {"differs"}

    def test_run_that_is_not_whole_is_not_closed_by_its_terminals_word(self, store: ServerStore) -> None:
        part = RecordsMessage(
            terminal=TERMINAL, records=message(1, 2).records, closed=(ClosedRun(first=1, count=3),)
        )
        self.receive(store, part)
        store.complete()
        assert store.due(10) == []

    def test_silent_run_is_closed_by_age(self, store: ServerStore) -> None:
        self.receive(store, message(1, 2))
        store.complete()
        assert store.close_silent(1) == 0
        assert store.close_silent(0) == 1
        assert [one.run.count for one in store.due(10)] == [2]

    def test_database_of_another_system_is_refused(self, store: ServerStore, database: Database) -> None:
        with pytest.raises(StoreForeign):
            ServerStore(database, SystemIdentifier("88.1042.8"))
