"""What a certificate authority can end a call with.

ServiceError               GL-SRV-001  exit 70
├─ CaRefused               GL-SRV-080  exit 79  it understood and said no; `codes` are Fabric CA's own
│  ├─ CaUnauthenticated    GL-SRV-081  exit 71  … since name, secret or certificate do not hold (401)
│  └─ CaNotPermitted       GL-SRV-082  exit 73  … since the caller may not do that (403)
├─ CaUnavailable           GL-SRV-083  exit 76  retriable: nothing of the request has left
├─ CaUnanswered            GL-SRV-084  exit 77  sent, and not answered: it may have acted
└─ CaReplyInvalid          GL-SRV-085  exit 78  the answer is malformed, or does not prove itself
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.model.errors import ServiceError

__all__ = [
    "CaNotPermitted",
    "CaRefused",
    "CaReplyInvalid",
    "CaUnanswered",
    "CaUnauthenticated",
    "CaUnavailable",
]


class CaRefused(ServiceError):
    """The certificate authority refused a request.

    Parameters
    ----------
    message : str
        Its words.
    status : int
        HTTP status.
    codes : sequence of int
        Fabric CA's codes, such as 74 for a name that is registered already.
    """

    code = "GL-SRV-080"
    exit_code = 79

    def __init__(self, message: str, *, status: int, codes: Sequence[int] = ()) -> None:
        self.status = status
        self.codes = tuple(codes)
        super().__init__(f"the certificate authority refused: {message}", status=status, codes=list(codes))


class CaUnauthenticated(CaRefused):
    """Name and secret are wrong, or the certificate is revoked, expired or another authority's."""

    code = "GL-SRV-081"
    exit_code = 71


class CaNotPermitted(CaRefused):
    """The caller lacks the attribute (``hf.Registrar.Roles``, ``hf.Revoker``, ``hf.GenCRL``) for this."""

    code = "GL-SRV-082"
    exit_code = 73


class CaUnavailable(ServiceError):
    """It cannot be reached, or is none that the TLS roots vouch for; nothing was sent."""

    code = "GL-SRV-083"
    exit_code = 76
    retriable = True


class CaUnanswered(ServiceError):
    """The request was sent and no whole answer came: the certificate authority may have acted.

    Notes
    -----
    Not retriable by itself. An enrolment may be made again: it gives another certificate and uses up one more
    of the enrolments that the secret is good for. A registration whose secret the caller chose may, too: it
    ends with code 74 if the first was done. A revocation may always.
    """

    code = "GL-SRV-084"
    exit_code = 77


class CaReplyInvalid(ServiceError):
    """The answer is not what Fabric CA's interface says, or a certificate in it does not hold."""

    code = "GL-SRV-085"
    exit_code = 78
