"""What can go wrong with a key in a PKCS#11 token.

CryptoError            GL-CRY-001  exit 30
└─ TokenError          GL-CRY-021  exit 33   the token refused, or its module failed
   ├─ TokenMissing     GL-CRY-022  exit 34   no such module, no such token, or it was taken out
   ├─ PinRefused       GL-CRY-023  exit 35   the PIN is wrong, locked or not there
   └─ TokenKeyMissing  GL-CRY-024  exit 36   no such key in the token, more than one, or not on P-256
"""

from __future__ import annotations

from gridledger.model.errors import CryptoError

__all__ = ["PinRefused", "TokenError", "TokenKeyMissing", "TokenMissing"]


class TokenError(CryptoError):
    """A token refused what it was asked for, or its module failed.

    Parameters
    ----------
    message : str
        What was tried and what the module said; never a PIN.
    token : str
        Which token, as the URI names it.
    """

    code = "GL-CRY-021"
    exit_code = 33

    def __init__(self, message: str, *, token: str) -> None:
        super().__init__(f"token {token}: {message}", token=token)


class TokenMissing(TokenError):
    """The module cannot be loaded, no token is as the URI says, or the token was taken out."""

    code = "GL-CRY-022"
    exit_code = 34


class PinRefused(TokenError):
    """The token does not open to this PIN; it is not tried a second time, since tokens lock themselves."""

    code = "GL-CRY-023"
    exit_code = 35


class TokenKeyMissing(TokenError):
    """The token has no such key, more than one, or none that signs on P-256."""

    code = "GL-CRY-024"
    exit_code = 36
