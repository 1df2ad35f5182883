"""Header blocks: what a client asks for, and the few that a server answers (RFC 7541)."""

from __future__ import annotations

from collections.abc import Mapping

from hpack import Decoder
from hpack.exceptions import HPACKError

from gridledger.shim.http2.frame import ErrorCode, Flag, Frame, FrameType, Http2Error, strip_padding

__all__ = ["MAX_HEADER_BYTES", "HeaderReader", "grpc_headers", "grpc_trailers", "refusal_of"]

MAX_HEADER_BYTES = 16_384
"""Longest header block and list: a peer sends some 300 bytes."""

# Of the static table (RFC 7541, appendix A): ":status: 200" as a whole, the others by name.
_STATUS_200 = b"\x88"
_STATUS = 8
_CONTENT_TYPE = 31

_LITERAL = 0x00  # a literal that enters no table; the name's index has four bits
_GRPC = b"application/grpc"
_PRIORITY_BYTES = 5
_UNSUPPORTED_MEDIA_TYPE = 415
_UNIMPLEMENTED = 12  # of gRPC's status codes


class HeaderReader:
    """Reads the header blocks of one connection, in their order.

    Attributes
    ----------
    is_open : bool
        Whether a block has begun and not ended: nothing but its continuation may come.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._decoder = Decoder(max_header_list_size=MAX_HEADER_BYTES)
        self._head = Frame(FrameType.HEADERS, 0, 0, b"")
        self._block = b""

    def feed(self, frame: Frame) -> tuple[Frame, dict[str, str]] | None:
        """Take HEADERS or CONTINUATION; at a block's end return the frame that began it, and the headers.

        Raises
        ------
        Http2Error
            If the block is malformed or too long, or the frame is out of place.
        """
        if frame.kind == FrameType.HEADERS:
            self._head = frame
            self._block = strip_padding(frame)
            if frame.flags & Flag.PRIORITY:
                self._block = self._block[_PRIORITY_BYTES:]
        elif self.is_open and frame.stream_id == self._head.stream_id:
            self._block += frame.payload
        else:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of no header block")
        if len(self._block) > MAX_HEADER_BYTES:
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "a header block without end")
        self.is_open = not frame.flags & Flag.END_HEADERS
        return None if self.is_open else (self._head, self._decode())

    def _decode(self) -> dict[str, str]:
        try:
            return {str(name): str(value) for name, value in self._decoder.decode(self._block)}
        except (HPACKError, UnicodeDecodeError) as exc:
            raise Http2Error(ErrorCode.COMPRESSION_ERROR, "a malformed header block") from exc


def refusal_of(headers: Mapping[str, str], path: str) -> bytes | None:
    """Return the header block that refuses a request, None for a call of the gRPC method `path`."""
    media_type = headers.get("content-type", "")
    if headers.get(":method") != "POST" or not media_type.startswith("application/grpc"):
        return _named(_STATUS, b"%d" % _UNSUPPORTED_MEDIA_TYPE)
    if headers.get(":path") != path:
        return grpc_headers() + grpc_trailers(_UNIMPLEMENTED, f"there is {path} only")
    return None


def grpc_headers() -> bytes:
    """Write the headers of a call that is answered."""
    return _STATUS_200 + _named(_CONTENT_TYPE, _GRPC)


def grpc_trailers(status: int, message: str) -> bytes:
    """Write the trailers that end a call.

    Parameters
    ----------
    status : int
        gRPC status code.
    message : str
        For a person; percent-encoded as gRPC wants it.
    """
    block = _literal(b"grpc-status", b"%d" % status)
    if message:
        block += _literal(b"grpc-message", _percent_encode(message))
    return block


def _named(index: int, value: bytes) -> bytes:
    return _integer(index, 4) + _integer(len(value), 7) + value


def _literal(name: bytes, value: bytes) -> bytes:
    return bytes([_LITERAL]) + _integer(len(name), 7) + name + _integer(len(value), 7) + value


def _integer(value: int, prefix_bits: int) -> bytes:
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([value])
    value -= limit
    octets = [limit]
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _percent_encode(text: str) -> bytes:
    return b"".join(
        bytes([octet]) if 0x20 <= octet <= 0x7E and octet != ord("%") else b"%%%02X" % octet
        for octet in text.encode(errors="replace")
    )
