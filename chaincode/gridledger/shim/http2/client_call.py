"""One call of a gRPC method, on the side that makes it."""

from __future__ import annotations

from collections.abc import Mapping

from gridledger.shim.http2.frame import ErrorCode, FrameType, write_frame
from gridledger.shim.http2.header_block import read_status
from gridledger.shim.http2.message_stream import MessageStream

__all__ = ["ClientCall"]


class ClientCall(MessageStream):
    """Messages in, messages out, until either side ends it.

    Attributes
    ----------
    outcome : str
        For a person: why the call has ended; empty while it goes on.
    """

    outcome = ""

    def cancel(self) -> None:
        """End the call: nothing that comes any more counts; ending it again does nothing."""
        if not self.is_finished:
            self.outcome = self.outcome or "it was cancelled"
            self.abandon()
            code = ErrorCode.CANCEL.to_bytes(4, "big")
            self._link.emit(write_frame(FrameType.RST_STREAM, 0, self.stream_id, code))
            self._link.call_finished(self.stream_id)

    def read_headers(self, headers: Mapping[str, str], *, is_last: bool) -> None:
        """Take a header block of the server; `outcome` says whether the call ends with it.

        Parameters
        ----------
        headers : mapping of str to str
            The block.
        is_last : bool
            Whether the server sends nothing after it.
        """
        if headers.get(":status", "200") != "200":
            self.outcome = f"the server answered with HTTP status {headers[':status']}"
        elif is_last:
            self.outcome = read_status(headers)
