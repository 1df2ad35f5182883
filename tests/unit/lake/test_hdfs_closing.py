"""Files on HDFS whose closing the NameNode refuses at first: they are closed as soon as it can."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hdfs_native import FileWriter

from gridledger.lake import HdfsStore, LakeUnavailable
from gridledger.lake import hdfs_store as module

_DEADLINE_S = 120.0
PAYLOAD = b"0123456789" * 3


@dataclass
class NameNode:
    """What a NameNode answers, and a writer of hdfs-native that waits until it is let go."""

    lengths: list[int]
    """Of the file's complete blocks, each time it is asked; the last one from then on."""
    recovery: bool = True
    """Whether recovering the lease closes the file."""
    failure: Exception | None = None
    """Of the writer's own closing."""
    closes: threading.Event = field(default_factory=threading.Event)
    """The writer's own closing returns when it is set."""
    asked: list[str] = field(default_factory=list)
    written: bytes = b""

    closings: int = 0

    def create(self, place: str, options: object) -> FileWriter:
        return FileWriter(cast("Any", self))

    def write(self, piece: bytes) -> int:
        self.written += piece
        return len(piece)

    def close(self) -> None:
        self.closings += 1
        assert self.closes.wait(_DEADLINE_S)
        if self.failure is not None:
            raise self.failure

    def read(self, place: str) -> NameNode:
        self.asked.append("length")
        return self

    def __len__(self) -> int:
        return self.lengths.pop(0) if len(self.lengths) > 1 else self.lengths[0]

    def recover_lease(self, place: str) -> bool:
        self.asked.append("lease")
        return self.recovery


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
    gc.collect()
    assert namenode.closings == 1


def test_file_is_closed_when_the_namenode_knows_all_of_it(send: Callable[[NameNode], None]) -> None:
    namenode = NameNode(lengths=[0, 10, 0, len(PAYLOAD)])
    send(namenode)
    assert not namenode.closes.is_set()
    assert namenode.asked == ["length"] * 4 + ["lease"]


def test_lease_is_left_alone_while_a_block_is_not_complete(send: Callable[[NameNode], None]) -> None:
    class Slow(NameNode):
        def read(self, place: str) -> NameNode:
            if len(self.asked) == 5:
                self.closes.set()
            return super().read(place)

    namenode = Slow(lengths=[len(PAYLOAD) - 1])
    send(namenode)
    assert set(namenode.asked) == {"length"}


@pytest.mark.parametrize("failure", [None, OSError("nobody there")], ids=["closed", "failed"])
@pytest.mark.parametrize("refusal", [None, OSError("refused"), RuntimeError("RPCError")], ids=repr)
def test_writers_own_closing_decides_where_the_lease_is_not_recovered(
    send: Callable[[NameNode], None], refusal: Exception | None, failure: Exception | None
) -> None:
    class Refusing(NameNode):
        def recover_lease(self, place: str) -> bool:
            self.closes.set()
            closed = super().recover_lease(place)
            if refusal is not None:
                raise refusal
            return closed

    namenode = Refusing(lengths=[len(PAYLOAD)], recovery=False, failure=failure)
    if failure is None:
        send(namenode)
    else:
        with pytest.raises(LakeUnavailable, match="cannot be reached"):
            send(namenode)
    assert namenode.asked.count("lease") == 1
