"""What a server of ours refuses, and what a caller of one can meet: GL-SRV-002 to GL-SRV-029.

ServiceError             GL-SRV-001  exit 70  500
├─ Unauthenticated       GL-SRV-002  exit 71  401
├─ Replayed              GL-SRV-003  exit 72  409
├─ NotPermitted          GL-SRV-004  exit 73  403
├─ NotPaid               GL-SRV-005  exit 74  402
├─ Undelivered           GL-SRV-006  exit 75  502
├─ ServiceUnavailable    GL-SRV-007  exit 76  503  retriable
├─ Overloaded            GL-SRV-008  exit 76  503  retriable
├─ DeadlineExceeded      GL-SRV-009  exit 77  504
├─ ReplyUnknown          GL-SRV-010  exit 77  (raised by the caller only)
├─ ReplyUnproven         GL-SRV-011  exit 78  (raised by the caller only)
├─ RemoteFailure         GL-SRV-012  exit 78  502
├─ RequestMalformed      GL-SRV-013  exit 79  400
├─ RequestTooLarge       GL-SRV-014  exit 79  413
├─ Misdirected           GL-SRV-015  exit 79  421
├─ NoSuchResource        GL-SRV-016  exit 79  404
├─ MethodNotAllowed      GL-SRV-017  exit 79  405
├─ MediaTypeRefused      GL-SRV-018  exit 79  415
└─ ServiceDefect         GL-SRV-019  exit 70  500
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from gridledger.model.errors import ServiceError

__all__ = [
    "DeadlineExceeded",
    "Fault",
    "MediaTypeRefused",
    "MethodNotAllowed",
    "Misdirected",
    "NoSuchResource",
    "NotPaid",
    "NotPermitted",
    "Overloaded",
    "RemoteFailure",
    "Replayed",
    "ReplyUnknown",
    "ReplyUnproven",
    "RequestMalformed",
    "RequestTooLarge",
    "ServiceDefect",
    "ServiceUnavailable",
    "Unauthenticated",
    "Undelivered",
    "WebError",
]


class Fault(StrEnum):
    """Why a signature was not accepted; the `reason` field of Unauthenticated and ReplyUnproven."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    CERTIFICATE_MALFORMED = "certificate-malformed"
    CERTIFICATE_FOREIGN = "certificate-foreign"
    CERTIFICATE_OUT_OF_VALIDITY = "certificate-out-of-validity"
    CERTIFICATE_REVOKED = "certificate-revoked"
    CERTIFICATE_UNFIT = "certificate-unfit"
    SIGNATURE_INVALID = "signature-invalid"
    OUT_OF_WINDOW = "out-of-window"
    OTHER_SIGNER = "other-signer"


class WebError(ServiceError):
    """Base of the errors below: a ServiceError that knows its HTTP status."""

    status: ClassVar[int] = 500


class Unauthenticated(WebError):
    """The request carries no signature that this server accepts; `reason` is a Fault."""

    code = "GL-SRV-002"
    exit_code = 71
    status = 401


class Replayed(WebError):
    """This signer has used this nonce before: the request is a copy, or a retry that was not signed anew."""

    code = "GL-SRV-003"
    exit_code = 72
    status = 409


class NotPermitted(WebError):
    """The caller is known and may not do this."""

    code = "GL-SRV-004"
    exit_code = 73
    status = 403


class NotPaid(WebError):
    """No committed hold covers the request."""

    code = "GL-SRV-005"
    exit_code = 74
    status = 402


class Undelivered(WebError):
    """The owner did not deliver what was ordered."""

    code = "GL-SRV-006"
    exit_code = 75
    status = 502


class ServiceUnavailable(WebError):
    """The server could not be reached, is stopping, or lacks something that it needs; nothing was done."""

    code = "GL-SRV-007"
    exit_code = 76
    retriable = True
    status = 503


class Overloaded(WebError):
    """The server is at a limit of its own and turned the request away; nothing was done."""

    code = "GL-SRV-008"
    exit_code = 76
    retriable = True
    status = 503


class DeadlineExceeded(WebError):
    """The server's deadline for one request passed; part of the work may be done."""

    code = "GL-SRV-009"
    exit_code = 77
    status = 504


class ReplyUnknown(WebError):
    """The request was sent and no reply came back: whether the server acted on it is unknown."""

    code = "GL-SRV-010"
    exit_code = 77
    status = 502


class ReplyUnproven(WebError):
    """A reply came back without a signature that proves it; `reason` is a Fault. Its content is not used."""

    code = "GL-SRV-011"
    exit_code = 78
    status = 502


class RemoteFailure(WebError):
    """The server reports trouble of its own; `remote_code` is the code it gave."""

    code = "GL-SRV-012"
    exit_code = 78
    status = 502


class RequestMalformed(WebError):
    """The request's body or parameters are not what the route takes."""

    code = "GL-SRV-013"
    exit_code = 79
    status = 400


class RequestTooLarge(WebError):
    """A body is longer than `limit_bytes`."""

    code = "GL-SRV-014"
    exit_code = 79
    status = 413


class Misdirected(WebError):
    """The request names an origin that this server does not answer for."""

    code = "GL-SRV-015"
    exit_code = 79
    status = 421


class NoSuchResource(WebError):
    """There is nothing at this path."""

    code = "GL-SRV-016"
    exit_code = 79
    status = 404


class MethodNotAllowed(WebError):
    """The path exists and does not take this method."""

    code = "GL-SRV-017"
    exit_code = 79
    status = 405


class MediaTypeRefused(WebError):
    """A body is not `application/json`."""

    code = "GL-SRV-018"
    exit_code = 79
    status = 415


class ServiceDefect(WebError):
    """The server met an error that it does not know; its log has the traceback under `request_id`."""

    code = "GL-SRV-019"
    exit_code = 70
    status = 500
