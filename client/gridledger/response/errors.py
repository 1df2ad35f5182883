"""What demand response's programs can meet beyond the errors of servers: GL-SRV-060 to GL-SRV-069.

ServiceError                GL-SRV-001  exit 70
├─ TransitionRefused        GL-SRV-060  exit 78  500
├─ StoreFailed              GL-SRV-061  exit 78  503
├─ RecordsMissing           GL-SRV-062  exit 76  409
├─ TerminalUnknown          GL-SRV-063  exit 76  403
├─ RecordUnknown            GL-SRV-064  exit 76  404
├─ AnchoredOtherwise        GL-SRV-065  exit 78  500
├─ StoreForeign             GL-SRV-066  exit 78  500
├─ ObjectExists             GL-SRV-067  exit 76  409
└─ ExportFailed             GL-SRV-068  exit 78  503
"""

from __future__ import annotations

from enum import StrEnum

from gridledger.web.errors import WebError

__all__ = [
    "AnchoredOtherwise",
    "ExportFailed",
    "ObjectExists",
    "RecordRefusal",
    "RecordUnknown",
    "RecordsMissing",
    "StoreFailed",
    "StoreForeign",
    "TerminalUnknown",
    "TransitionRefused",
]


class RecordRefusal(StrEnum):
    """Why a server refuses a record for good; the code that the terminal shows its user."""

    MALFORMED = "malformed"
    """The data are not what the terminal's kind sends."""

    DIFFERS = "differs"
    """Its unique id was used for another record."""

    IMPLAUSIBLE = "implausible"
    """A value or a time that the server's settings do not admit."""

    NO_DEMAND = "no-demand"
    """It answers a demand that was not published, or that is over."""


class TransitionRefused(WebError):
    """A state does not lead where it was to be led: a defect, and nothing was written."""

    code = "GL-SRV-060"
    exit_code = 78
    status = 500


class StoreFailed(WebError):
    """The database did not take or give something; nothing of the transaction stands."""

    code = "GL-SRV-061"
    exit_code = 78
    status = 503
    retriable = True


class RecordsMissing(WebError):
    """A message leaves out records: the server expects `expected`; nothing of it was taken."""

    code = "GL-SRV-062"
    exit_code = 76
    status = 409


class TerminalUnknown(WebError):
    """A terminal is not the server's, or the caller does not act for it."""

    code = "GL-SRV-063"
    exit_code = 76
    status = 403


class RecordUnknown(WebError):
    """There is no such record here, or its run is not anchored yet."""

    code = "GL-SRV-064"
    exit_code = 76
    status = 404


class AnchoredOtherwise(WebError):
    """The ledger has another root for a run of this side than the store: its database was rolled back."""

    code = "GL-SRV-065"
    exit_code = 78
    status = 500


class StoreForeign(WebError):
    """A database is of another terminal, system or version."""

    code = "GL-SRV-066"
    exit_code = 78
    status = 500


class ObjectExists(WebError):
    """A VEN has an object of that name or content already."""

    code = "GL-SRV-067"
    exit_code = 76
    status = 409


class ExportFailed(WebError):
    """A run could not be written to `file`: its rows stay, and it is tried again."""

    code = "GL-SRV-068"
    exit_code = 78
    status = 503
    retriable = True
