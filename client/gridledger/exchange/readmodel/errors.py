"""What can go wrong with a read model: GL-SRV-036 to GL-SRV-037.

ServiceError                GL-SRV-001  exit 70
├─ ReadModelUnusable        GL-SRV-036  exit 76  503
└─ ChainDiffers             GL-SRV-037  exit 78  409
"""

from __future__ import annotations

from gridledger.web.errors import WebError

__all__ = ["ChainDiffers", "ReadModelUnusable"]


class ReadModelUnusable(WebError):
    """The file is no read model, is of another version or chaincode, or cannot be read or written."""

    code = "GL-SRV-036"
    exit_code = 76
    status = 503


class ChainDiffers(WebError):
    """The next block does not follow the last one that the model took: the model is of another chain."""

    code = "GL-SRV-037"
    exit_code = 78
    status = 409
