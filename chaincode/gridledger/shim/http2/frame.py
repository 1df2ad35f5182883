"""Frames of HTTP/2: their bytes, and nothing of what they mean (RFC 9113, sections 4 and 6)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum, IntFlag
from typing import NamedTuple

from gridledger.shim.errors import ProtocolError

__all__ = [
    "DEFAULT_MAX_FRAME_BYTES",
    "MAX_WINDOW",
    "PREFACE",
    "ErrorCode",
    "Flag",
    "Frame",
    "FrameReader",
    "FrameType",
    "Http2Error",
    "Setting",
    "read_settings",
    "strip_padding",
    "write_frame",
    "write_settings",
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEFAULT_MAX_FRAME_BYTES = 16_384
MAX_WINDOW = 2**31 - 1

_HEADER = struct.Struct(">HBBBI")
_SETTING = struct.Struct(">HI")
_STREAM_ID = 2**31 - 1  # the highest bit is reserved
_PADDED = 0x8  # Flag.PADDED as a plain number: this is asked of every message


class FrameType(IntEnum):
    """Types of frames; others are ignored."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Flag(IntFlag):
    """Flags; which of them a frame may have depends on its type."""

    ACK = 0x1
    END_STREAM = 0x1
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20


class Setting(IntEnum):
    """Settings that either side announces."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class ErrorCode(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Http2Error(ProtocolError):
    """The other side broke HTTP/2; the connection ends with this error code.

    Parameters
    ----------
    error_code : ErrorCode
        What GOAWAY says.
    message : str
        For the log.
    """

    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message, error_code=error_code.name)
        self.error_code = error_code


class Frame(NamedTuple):
    """One frame; `kind` may be a number that `FrameType` does not know."""

    kind: int
    flags: int
    stream_id: int
    payload: bytes


def write_frame(kind: FrameType, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Write a frame."""
    length = len(payload)
    return _HEADER.pack(length >> 8, length & 0xFF, kind, flags, stream_id) + payload


def write_settings(settings: Mapping[Setting, int]) -> bytes:
    """Write a frame SETTINGS."""
    payload = b"".join(_SETTING.pack(name, value) for name, value in settings.items())
    return write_frame(FrameType.SETTINGS, 0, 0, payload)


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield names and values; names may be unknown.

    Raises
    ------
    Http2Error
        If the payload is no list of settings.
    """
    if len(payload) % _SETTING.size:
        raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of an odd length")
    yield from _SETTING.iter_unpack(payload)


def strip_padding(frame: Frame) -> bytes:
    """Return the payload of DATA or HEADERS without its padding.

    Raises
    ------
    Http2Error
        If there is more padding than payload.
    """
    if not frame.flags & _PADDED:
        return frame.payload
    if not frame.payload or frame.payload[0] >= len(frame.payload):
        raise Http2Error(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return frame.payload[1 : len(frame.payload) - frame.payload[0]]


class FrameReader:
    """Cuts received bytes into frames.

    Parameters
    ----------
    has_preface : bool
        Whether the preface comes first, with which every client begins.
    """

    def __init__(self, *, has_preface: bool) -> None:
        self._rest = b""
        self._is_preface_read = not has_preface

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes and return the frames that they complete.

        Raises
        ------
        Http2Error
            If they do not begin with the preface, or a frame is longer than the default allows.
        """
        if self._rest:
            data = self._rest + data
        position = 0
        if not self._is_preface_read:
            if data[: len(PREFACE)] != PREFACE[: len(data)]:
                raise Http2Error(ErrorCode.PROTOCOL_ERROR, "no HTTP/2 preface")
            if len(data) < len(PREFACE):
                self._rest = data
                return []
            self._is_preface_read = True
            position = len(PREFACE)
        frames: list[Frame] = []
        end = len(data)
        while end - position >= _HEADER.size:
            high, low, kind, flags, stream_id = _HEADER.unpack_from(data, position)
            length = high << 8 | low
            if length > DEFAULT_MAX_FRAME_BYTES:
                raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            start = position + _HEADER.size
            if end - start < length:
                break
            position = start + length
            frames.append(Frame(kind, flags, stream_id & _STREAM_ID, data[start:position]))
        self._rest = data[position:]
        return frames
