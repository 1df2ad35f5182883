"""The HTTPS listeners of Fabric's nodes: health, metrics, and an orderer's channel participation."""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gridledger.host.errors import NotRunning
from gridledger.host.ports import LOOPBACK
from gridledger.network.errors import ToolFailed
from gridledger.network.material import Member

__all__ = ["AdministrationClient"]

_CHANNELS = "/participation/v1/channels"


@dataclass(frozen=True, kw_only=True)
class AdministrationClient:
    """Speak to one listener over mutual TLS.

    Parameters
    ----------
    component : str
        Whose listener it is, for errors.
    port : int
        Where it listens.
    user : Member
        The user of the node's organisation whose TLS certificate is shown.
    seconds : float, default 10
        Deadline of each call.
    """

    component: str
    port: int
    user: Member = field(repr=False)
    seconds: float = 10.0

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.user.tls_root))
        context.load_cert_chain(self.user.tls_certificate, self.user.tls_key)
        return context

    def is_healthy(self) -> bool:
        """Tell whether the node answers that it is healthy."""
        try:
            return self._call("GET", "/healthz")[0] == http.HTTPStatus.OK
        except NotRunning:
            return False

    def metrics(self) -> dict[str, float]:
        """Return the node's metrics: name with labels, as Prometheus writes it, to value.

        Raises
        ------
        NotRunning
            If the node does not answer.
        ToolFailed
            If it refuses.
        """
        lines = self._expect("GET", "/metrics", http.HTTPStatus.OK).decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def channels(self) -> list[str]:
        """Return the channels that the orderer has joined.

        Raises
        ------
        NotRunning
            If the orderer does not answer.
        ToolFailed
            If it refuses.
        """
        answer = json.loads(self._expect("GET", _CHANNELS, http.HTTPStatus.OK))
        return [entry["name"] for entry in answer["channels"] or []]

    def channel(self, name: str) -> dict[str, Any]:
        """Return what the orderer says of a channel: `status`, `consensusRelation` and `height`.

        Raises
        ------
        NotRunning
            If the orderer does not answer.
        ToolFailed
            If it refuses.
        """
        answer: dict[str, Any] = json.loads(self._expect("GET", f"{_CHANNELS}/{name}", http.HTTPStatus.OK))
        return answer

    def join(self, block: bytes) -> None:
        """Let the orderer join the channel whose configuration block this is.

        Raises
        ------
        NotRunning
            If the orderer does not answer.
        ToolFailed
            If it refuses.
        """
        boundary = secrets.token_hex(16)
        head = (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="config-block"; filename="config.block"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + block + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self._expect("POST", _CHANNELS, http.HTTPStatus.CREATED, body=body, headers=headers)

    def _expect(
        self,
        method: str,
        path: str,
        status: http.HTTPStatus,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        answer, content = self._call(method, path, body=body, headers=headers)
        if answer != status:
            text = content.decode(errors="replace").strip()
            raise ToolFailed(f"{method} {path} of {self.component}", output=f"{answer} {text}")
        return content

    def _call(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(LOOPBACK, self.port, context=self._tls, timeout=self.seconds)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning(
                f"{self.component} does not answer: {error}", component=self.component
            ) from error
        finally:
            connection.close()
