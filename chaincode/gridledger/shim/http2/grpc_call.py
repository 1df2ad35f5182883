"""One call of a gRPC method, on the side that answers it."""

from __future__ import annotations

from gridledger.shim.http2.frame import Flag, FrameType, write_frame
from gridledger.shim.http2.header_block import grpc_headers, grpc_trailers
from gridledger.shim.http2.message_stream import Link, MessageStream

__all__ = ["GrpcCall"]

_HEADERS = grpc_headers()
_OK = grpc_trailers(0, "")
_LAST = Flag.END_HEADERS | Flag.END_STREAM


class GrpcCall(MessageStream):
    """Messages in, messages out, a status at the end.

    Parameters
    ----------
    link : Link
        The connection.
    stream_id : int
        The call's stream on it.
    send_window : int
        How many bytes the client takes before it gives more window.
    max_message_bytes : int
        A longer message of the client ends the call.
    """

    def __init__(self, link: Link, stream_id: int, *, send_window: int, max_message_bytes: int) -> None:
        head = write_frame(FrameType.HEADERS, Flag.END_HEADERS, stream_id, _HEADERS)
        super().__init__(
            link, stream_id, send_window=send_window, max_message_bytes=max_message_bytes, head=head
        )
        self._trailers: bytes | None = None

    @property
    def is_ending(self) -> bool:
        """Whether nothing that the client says counts any more."""
        return self._trailers is not None or self.is_finished

    def reply(self, message: bytes) -> None:
        """Answer with one message and end the call: mostly one write, and one record of TLS."""
        frame = None if self.is_ending else self._whole_frame(message)
        if frame is None:
            self.send(message)
            self.finish(0)
            return
        self._trailers = _OK
        self.is_finished = True
        self._link.emit(frame + write_frame(FrameType.HEADERS, _LAST, self.stream_id, _OK))
        self._link.call_finished(self.stream_id)

    def finish(self, status: int, message: str = "", details: bytes = b"") -> None:
        """End the call once all messages are sent; ending it again does nothing.

        Parameters
        ----------
        status : int
            gRPC status code.
        message : str, optional
            For a person.
        details : bytes, optional
            A serialised `google.rpc.Status`.
        """
        if self._trailers is None:
            self._trailers = grpc_trailers(status, message, details)
            self.pump()

    def pump(self) -> None:
        """Send what the windows allow, and the status after the last message."""
        super().pump()
        if self._trailers is not None and not self._pending and not self.is_finished:
            self.is_finished = True
            # Without a message before it, headers and trailers are one block.
            block = _HEADERS + self._trailers if self._head else self._trailers
            self._link.emit(write_frame(FrameType.HEADERS, _LAST, self.stream_id, block))
            self._link.call_finished(self.stream_id)
