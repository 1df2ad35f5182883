"""What the exchange's programs can meet beyond the errors of servers: GL-SRV-030 to GL-SRV-039.

ServiceError                GL-SRV-001  exit 70
├─ SourceUnreadable         GL-SRV-030  exit 70  500
├─ RowsUnproven             GL-SRV-031  exit 75  502
├─ NothingForwarded         GL-SRV-032  exit 75  409
├─ VerdictMissing           GL-SRV-033  exit 77  504
├─ LabelUnreadable          GL-SRV-038  exit 79  400
└─ LabelForeign             GL-SRV-039  exit 79  400
"""

from __future__ import annotations

from gridledger.web.errors import WebError

__all__ = [
    "DeliveryTooLong",
    "LabelForeign",
    "LabelUnreadable",
    "NothingForwarded",
    "RowsUnproven",
    "SourceUnreadable",
    "VerdictMissing",
]


class SourceUnreadable(WebError):
    """An owner's database cannot be read as its configuration says; `field` names the field."""

    code = "GL-SRV-030"
    exit_code = 70
    status = 500


class RowsUnproven(WebError):
    """Delivered rows do not prove themselves; `field`, `period` and `row` name the first."""

    code = "GL-SRV-031"
    exit_code = 75
    status = 502


class NothingForwarded(WebError):
    """Every field of a resolution is withheld, so there is nothing to order."""

    code = "GL-SRV-032"
    exit_code = 75
    status = 409


class VerdictMissing(WebError):
    """The verdict's event did not come before the deadline; without it nothing is forwarded."""

    code = "GL-SRV-033"
    exit_code = 77
    status = 504


class LabelUnreadable(WebError):
    """An image is none, is too large, or does not have exactly one QR code."""

    code = "GL-SRV-038"
    exit_code = 79
    status = 400


class LabelForeign(WebError):
    """A QR code holds no identifier of this resolver and root; `text` is what it holds."""

    code = "GL-SRV-039"
    exit_code = 79
    status = 400


class DeliveryTooLong(WebError):
    """A delivery has more rows (`rows`) than one answer holds (`limit`); it is read in pages."""

    code = "GL-SRV-034"
    exit_code = 75
    status = 413
