"""Files on HDFS whose closing the NameNode refuses at first: they are closed as soon as it can."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from gridledger.lake import HdfsStore, LakeUnavailable
from gridledger.lake import hdfs_store as module

_DEADLINE_S = 120.0
PAYLOAD = b"0123456789" * 3


@dataclass
class NameNode:
    """What a NameNode answers, and a writer of hdfs-native that waits until it is let go."""

    lengths: list[int]
    """Of the file, each time it is asked; the last one from then on."""
    recoveries: list[bool] = field(default_factory=list)
    """Of its lease: whether that closed the file; refused where there is none."""
    failure: Exception | None = None
    """Of the writer's own closing."""
    closes: threading.Event = field(default_factory=threading.Event)
    """The writer's own closing returns when it is set."""
    asked: list[str] = field(default_factory=list)
    written: bytes = b""

    def create(self, place: str, options: object) -> NameNode:
        return self

    def write(self, piece: bytes) -> int:
        self.written += piece
        return len(piece)

    def close(self) -> None:
        assert self.closes.wait(_DEADLINE_S)
        if self.failure is not None:
            raise self.failure

    def get_file_info(self, place: str) -> NameNode:
        self.asked.append("length")
        return self

    @property
    def length(self) -> int:
        return self.lengths.pop(0) if len(self.lengths) > 1 else self.lengths[0]

    def recover_lease(self, place: str) -> bool:
        self.asked.append("lease")
        if not self.recoveries:
            raise FileExistsError("committed blocks are waiting to be minimally replicated")
        return self.recoveries.pop(0)


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[NameNode], None]]:
    """Send a file to a NameNode; let its writer's closing go at the end."""
    used: list[NameNode] = []

    def sent(namenode: NameNode) -> None:
        used.append(namenode)
        monkeypatch.setattr(module, "Client", lambda *_: namenode)
        store = HdfsStore("hdfs://127.0.0.1:1", "/lake")
        store.send("packs/a", iter([PAYLOAD[:10], PAYLOAD[10:]]))
        assert namenode.written == PAYLOAD

    yield sent
    for namenode in used:
        namenode.closes.set()


def test_file_that_the_namenode_takes_is_closed_by_its_writer(send: Callable[[NameNode], None]) -> None:
    namenode = NameNode(lengths=[0])
    namenode.closes.set()
    send(namenode)
    assert "lease" not in namenode.asked


def test_file_is_closed_when_the_namenode_knows_all_of_it(send: Callable[[NameNode], None]) -> None:
    namenode = NameNode(lengths=[0, 10, 0, len(PAYLOAD)], recoveries=[True])
    send(namenode)
    assert not namenode.closes.is_set()
    assert namenode.asked == ["length"] * 4 + ["lease", "length"]


def test_lease_is_left_alone_while_the_length_is_not_the_whole_one(
    send: Callable[[NameNode], None],
) -> None:
    class Slow(NameNode):
        def get_file_info(self, place: str) -> NameNode:
            if len(self.asked) == 5:
                self.closes.set()
            return super().get_file_info(place)

    namenode = Slow(lengths=[len(PAYLOAD) - 1])
    send(namenode)
    assert set(namenode.asked) == {"length"}


def test_file_whose_block_nobody_told_of_is_asked_for_again(send: Callable[[NameNode], None]) -> None:
    class Told(NameNode):
        def recover_lease(self, place: str) -> bool:
            if self.asked.count("lease") == 2:
                self.recoveries.append(True)
            return super().recover_lease(place)

    namenode = Told(lengths=[len(PAYLOAD)])
    send(namenode)
    assert namenode.asked.count("lease") == 3


@pytest.mark.parametrize(
    ("lengths", "recovery"),
    [([len(PAYLOAD)], False), ([len(PAYLOAD), len(PAYLOAD) - 1], True)],
    ids=["recovery-begun", "cut-short"],
)
def test_file_that_was_taken_from_its_writer_is_sent_again(
    send: Callable[[NameNode], None], lengths: list[int], recovery: bool
) -> None:
    class Taken(NameNode):
        def recover_lease(self, place: str) -> bool:
            self.closes.set()
            return super().recover_lease(place)

    lost = RuntimeError('RPCError("org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException", "gone")')
    namenode = Taken(lengths=lengths, recoveries=[recovery], failure=lost)
    with pytest.raises(LakeUnavailable):
        send(namenode)
    assert namenode.asked.count("lease") == 1


def test_writer_says_how_it_ended_where_the_namenode_cannot_be_asked(
    send: Callable[[NameNode], None],
) -> None:
    class Unreachable(NameNode):
        def get_file_info(self, place: str) -> NameNode:
            self.closes.set()
            raise ConnectionRefusedError("nobody there")

    send(Unreachable(lengths=[0]))
    with pytest.raises(LakeUnavailable, match="cannot be reached"):
        send(Unreachable(lengths=[0], failure=OSError("nobody there")))
