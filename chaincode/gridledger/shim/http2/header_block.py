"""Header blocks: what a client asks for, and the few that a server answers (RFC 7541)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Container, Mapping
from urllib.parse import unquote

from hpack import Decoder
from hpack.exceptions import HPACKError

from gridledger.shim.http2.frame import ErrorCode, Flag, Frame, FrameType, Http2Error, strip_padding

__all__ = [
    "MAX_HEADER_BYTES",
    "HeaderReader",
    "grpc_headers",
    "grpc_request",
    "grpc_trailers",
    "read_status",
    "refusal_of",
]

MAX_HEADER_BYTES = 16_384
"""Longest header block and list: a peer sends some 300 bytes."""

# Of the static table (RFC 7541, appendix A): three as a whole, the others by name.
_METHOD_POST = b"\x83"
_SCHEMES = {"http": b"\x86", "https": b"\x87"}
_STATUS_200 = b"\x88"
_AUTHORITY = 1
_PATH = 4
_STATUS = 8
_CONTENT_TYPE = 31

_LITERAL = 0x00  # a literal that enters no table; the name's index has four bits
_GRPC = b"application/grpc"
_PRIORITY_BYTES = 5
_PRIORITY = Flag.PRIORITY.value  # plain numbers: these are asked of every call
_END_HEADERS = Flag.END_HEADERS.value
_UNSUPPORTED_MEDIA_TYPE = 415
_UNIMPLEMENTED = 12  # of gRPC's status codes
_TABLE_ENTRIES = bytes(range(0x80, 0xFF))
_MAX_KNOWN = 256
_KEPT_BLOCK_BYTES = 64


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
        self._known: dict[bytes, dict[str, str]] = {}

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
            if frame.flags & _PRIORITY:
                self._block = self._block[_PRIORITY_BYTES:]
        elif self.is_open and frame.stream_id == self._head.stream_id:
            self._block += frame.payload
        else:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of no header block")
        if len(self._block) > MAX_HEADER_BYTES:
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "a header block without end")
        self.is_open = not frame.flags & _END_HEADERS
        return None if self.is_open else (self._head, self._decode())

    def _decode(self) -> dict[str, str]:
        block = self._block
        known = self._known.get(block)
        if known is not None:
            return known
        try:
            headers = {str(name): str(value) for name, value in self._decoder.decode(block)}
        except (HPACKError, UnicodeDecodeError) as exc:
            raise Http2Error(ErrorCode.COMPRESSION_ERROR, "a malformed header block") from exc
        # A block of nothing but numbers below 127 of the tables leaves them as they are: until one that does
        # not, the same bytes are the same headers. Clients send hardly anything else.
        if block.translate(None, _TABLE_ENTRIES):
            self._known.clear()
        elif len(block) <= _KEPT_BLOCK_BYTES and len(self._known) < _MAX_KNOWN:
            self._known[block] = headers
        return headers


def refusal_of(headers: Mapping[str, str], paths: Container[str]) -> bytes | None:
    """Return the header block that refuses a request, None for a call of a gRPC method of `paths`."""
    media_type = headers.get("content-type", "")
    if headers.get(":method") != "POST" or not media_type.startswith("application/grpc"):
        return _named(_STATUS, b"%d" % _UNSUPPORTED_MEDIA_TYPE)
    path = headers.get(":path")
    if path not in paths:
        return grpc_headers() + grpc_trailers(_UNIMPLEMENTED, f"there is no method {path}")
    return None


def grpc_request(path: str, *, scheme: str, authority: str) -> bytes:
    """Write the headers that call a method.

    Parameters
    ----------
    path : str
        The method, such as ``/protos.Chaincode/Connect``.
    scheme : str
        ``https`` over TLS, else ``http``.
    authority : str
        The server's name and port.
    """
    return b"".join(
        (
            _METHOD_POST,
            _SCHEMES[scheme],
            _named(_PATH, path.encode()),
            _named(_AUTHORITY, authority.encode()),
            _named(_CONTENT_TYPE, _GRPC),
            _literal(b"te", b"trailers"),
        )
    )


def read_status(headers: Mapping[str, str]) -> str:
    """Return how a call ended as its trailers tell it, for a person."""
    message = unquote(headers.get("grpc-message", ""))
    status = headers.get("grpc-status", "none")
    return f"the server ended the call with status {status}" + (f": {message}" if message else "")


def grpc_headers() -> bytes:
    """Write the headers of a call that is answered."""
    return _STATUS_200 + _named(_CONTENT_TYPE, _GRPC)


def grpc_trailers(status: int, message: str, details: bytes = b"") -> bytes:
    """Write the trailers that end a call.

    Parameters
    ----------
    status : int
        gRPC status code.
    message : str
        For a person; percent-encoded as gRPC wants it.
    details : bytes, optional
        A serialised `google.rpc.Status`.
    """
    block = _literal(b"grpc-status", b"%d" % status)
    if message:
        block += _literal(b"grpc-message", _percent_encode(message))
    if details:
        block += _literal(b"grpc-status-details-bin", b64encode(details).rstrip(b"="))
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
