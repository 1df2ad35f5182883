"""What the tests of both sides of HTTP/2 share: a transport in memory, frames, and bytes of any kind."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st

from gridledger.shim.http2.frame import FrameType, write_frame


class FakeTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    @property
    def written(self) -> bytes:
        return b"".join(self.writes)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.is_closed = True

    abort = close


def message(data: bytes) -> bytes:
    return b"\x00" + len(data).to_bytes(4, "big") + data


def data_frame(data: bytes, stream_id: int = 1, flags: int = 0) -> bytes:
    return write_frame(FrameType.DATA, flags, stream_id, data)


def any_bytes() -> st.SearchStrategy[list[bytes]]:
    """Return what a broken other side may send: frames that make no sense, and no frames."""
    frames = st.builds(
        write_frame,
        st.sampled_from(FrameType),
        st.integers(0, 255),
        st.integers(0, 9),
        st.binary(max_size=40),
    )
    return st.lists(st.one_of(frames, st.binary(max_size=60)), max_size=12)
