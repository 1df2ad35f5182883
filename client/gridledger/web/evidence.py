"""A reply with the request that it answers, kept so that it can be shown to a third party."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

from gridledger.model.errors import ModelError
from gridledger.web.authorities import Authorities, Caller
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.settings import Window
from gridledger.web.signing import REQUEST_COMPONENTS, REQUEST_TAG
from gridledger.web.verification import ResponseVerifier, check_signature

__all__ = ["Evidence"]

_FORMAT: Final = "gridledger-evidence/1"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was asked and what was answered, both signed.

    Notes
    -----
    The answer's signature covers its own content and status, the request's method, target and content digest,
    and the request's signature: neither can be put beside another one.
    """

    request: RequestMessage
    request_body: bytes = field(repr=False)
    status: int
    headers: HeaderLines
    """Of the answer."""
    body: bytes = field(repr=False)
    """Of the answer."""

    def verify(self, authorities: Authorities) -> tuple[Caller, Caller]:
        """Verify both signatures at the times that they state.

        Parameters
        ----------
        authorities : Authorities
            Those whom the third party trusts.

        Returns
        -------
        tuple of Caller, Caller
            Who asked and who answered.

        Raises
        ------
        Unauthenticated
            If the request's signature does not hold.
        ReplyUnproven
            If the answer's signature does not hold.
        """
        asked = check_signature(
            self.request,
            self.request_body,
            authorities=authorities,
            required=REQUEST_COMPONENTS,
            tag=REQUEST_TAG,
            at=None,
            window=Window(),
        )
        response = ResponseMessage(status_code=self.status, headers=self.headers, request=self.request)
        answered = ResponseVerifier(authorities).verify(response, self.body, fresh=False)
        return asked.caller, answered.caller

    def to_bytes(self) -> bytes:
        """Write it as JSON."""
        document = {
            "format": _FORMAT,
            "request": {
                "method": self.request.method,
                "url": self.request.url,
                "headers": self.request.headers.items(),
                "body": base64.b64encode(self.request_body).decode("ascii"),
            },
            "response": {
                "status": self.status,
                "headers": self.headers.items(),
                "body": base64.b64encode(self.body).decode("ascii"),
            },
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> Evidence:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ModelError
            If it is something else. Nothing is verified here.
        """
        try:
            document = json.loads(data)
            if document["format"] != _FORMAT:
                raise ModelError({"format": f"want {_FORMAT}"}, subject="evidence")
            request, response = document["request"], document["response"]
            return cls(
                request=RequestMessage(
                    method=_text(request["method"]),
                    url=_text(request["url"]),
                    headers=_lines(request["headers"]),
                ),
                request_body=base64.b64decode(_text(request["body"]), validate=True),
                status=int(response["status"]),
                headers=_lines(response["headers"]),
                body=base64.b64decode(_text(response["body"]), validate=True),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ModelError({"": "not an evidence document"}, subject="evidence") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("want a text")
    return value


def _lines(value: Any) -> HeaderLines:
    return HeaderLines((_text(name), _text(text)) for name, text in value)
