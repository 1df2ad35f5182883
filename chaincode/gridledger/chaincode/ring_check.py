"""Checks of what side devices and receivers sign: points, rings, one-time signatures.

All of it depends on its arguments alone. hash_to_point of a ring's keys is kept by the process: every
organisation computes the same.

Source: CryptoNote 2.0, sections 4.3 and 4.4; as the format of Monero has it, and stricter.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.crypto.cryptonote.point import in_group
from gridledger.crypto.cryptonote.ring import check_ring_signature
from gridledger.crypto.cryptonote.signature import check_signature
from gridledger.model.digest import Digest
from gridledger.model.edge_refusals import RingSignatureRefused
from gridledger.model.envelope import SignedEnvelope, SignedEnvelopeReceipt
from gridledger.model.errors import CryptoError
from gridledger.model.refusals import BadArgument

__all__ = ["check_receipt", "check_ring", "require_points"]


def require_points(*points: bytes) -> None:
    """Refuse what is no point of the prime-order group, or its neutral element.

    Raises
    ------
    BadArgument

    Notes
    -----
    A point with a torsion part would let two key images stand for one key.
    """
    for point in points:
        if not in_group(point):
            raise BadArgument({"point": f"{point.hex()} is no point of the prime-order group"})


def check_ring(signed: SignedEnvelope, keys: Sequence[bytes]) -> None:
    """Check an envelope's ring signature.

    Parameters
    ----------
    signed : SignedEnvelope
    keys : sequence of bytes of length 32
        The membership keys of its ring, in the order of their places.

    Raises
    ------
    RingSignatureRefused
    """
    statement = signed.statement
    message = Digest.of(statement.to_bytes()).raw
    try:
        holds = check_ring_signature(message, signed.key_image, keys, signed.signature)
    except CryptoError as error:
        raise RingSignatureRefused(f"the ring signature is malformed: {error.message}") from error
    if not holds:
        raise RingSignatureRefused("the ring signature does not hold")


def check_receipt(signed: SignedEnvelopeReceipt, one_time_key: bytes) -> None:
    """Check a receipt's signature by a deposit's one-time key.

    Raises
    ------
    RingSignatureRefused
    """
    message = Digest.of(signed.receipt.to_bytes()).raw
    if not check_signature(message, one_time_key, signed.signature):
        raise RingSignatureRefused("the receipt is not signed by the envelope's one-time key")
