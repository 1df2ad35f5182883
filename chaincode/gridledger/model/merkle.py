"""Merkle trees with inclusion proofs, hashed as RFC 6962 (Certificate Transparency) says.

    empty tree   SHA-256 of nothing
    leaf         SHA-256( 0x00, leaf )
    node         SHA-256( 0x01, left, right )

A tree of n leaves splits at the largest power of two below n; read from the bottom, nodes pair up and a last
one without a partner moves up as it is. The two first bytes keep leaves and nodes apart, so that no node can
be passed off as a leaf.

A proof is only worth what root and size are worth that it is checked against: both come from the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from gridledger.model.canonical import WritableValue, canonical_bytes
from gridledger.model.digest import Digest, check_salt
from gridledger.model.errors import ModelError
from gridledger.model.record import ModelValue, value

__all__ = ["InclusionProof", "MerkleTree", "merkle_root", "row_leaf"]

_LEAF = b"\x00"
_NODE = b"\x01"
_sha256 = hashlib.sha256


def row_leaf(row: WritableValue, salt: bytes) -> bytes:
    """Return the leaf of a row: its salt, then its canonical bytes.

    Parameters
    ----------
    row : WritableValue
        Everything that the leaf proves: which row of which field, and its value.
    salt : bytes of length 16
        Random, one for each row: a proof shows digests of neighbours, and without salt a neighbour's value
        could be found by trying.

    Raises
    ------
    ModelError
        The row is out of the canonical domain, or the salt has another length.
    """
    return check_salt(salt) + canonical_bytes(row)


def merkle_root(leaves: Iterable[bytes]) -> Digest:
    """Return the root over leaves.

    Notes
    -----
    Time is linear; memory is a digest per level, so leaves may be streamed.

    Examples
    --------
    >>> str(merkle_root([]))[:16], merkle_root([b"a", b"b"]) == MerkleTree([b"a", b"b"]).root
    ('e3b0c44298fc1c14', True)
    """
    peaks: list[bytes] = []  # Roots of complete subtrees, the largest first.
    for size, leaf in enumerate(leaves, start=1):
        node = _sha256(_LEAF + leaf).digest()
        complete = size
        while complete % 2 == 0:
            node = _sha256(_NODE + peaks.pop() + node).digest()
            complete //= 2
        peaks.append(node)
    if not peaks:
        return Digest(_sha256().digest())
    root = peaks.pop()
    while peaks:
        root = _sha256(_NODE + peaks.pop() + root).digest()
    return Digest(root)


@value
class InclusionProof(ModelValue):
    """Proof that a leaf stands at a place of a tree.

    Its construction checks that the path has exactly the length that index and size demand.
    """

    index: int
    """Place of the leaf, from 0."""
    size: int
    """Number of leaves of the tree."""
    path: tuple[Digest, ...]
    """Digests of the siblings, from the leaf up."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.size < 1:
            yield "size", "want 1 or more"
        elif not 0 <= self.index < self.size:
            yield "index", f"want 0 to {self.size - 1}"
        elif len(self.path) != (expected := sum(_has_sibling(self.index, self.size))):
            yield "path", f"want {expected} digests, not {len(self.path)}"

    def root_of(self, leaf: bytes) -> Digest:
        """Return the root of the tree in which the leaf stands at this place, beside this path."""
        node = _sha256(_LEAF + leaf).digest()
        index = self.index
        siblings = iter(self.path)
        for has_sibling in _has_sibling(self.index, self.size):
            if has_sibling:
                sibling = next(siblings).raw
                node = _sha256(_NODE + (sibling + node if index % 2 else node + sibling)).digest()
            index //= 2
        return Digest(node)

    def proves(self, leaf: bytes, *, root: Digest, size: int) -> bool:
        """Tell whether the leaf stands at `index` of the tree with this root and size.

        Parameters
        ----------
        leaf : bytes
            What is to be proven; for a row, `row_leaf`.
        root : Digest
            The deposited root.
        size : int
            The deposited number of leaves. It must be given: a proof could name another one and still lead to
            the root.

        Notes
        -----
        One digest per level: 17 for 100,000 leaves.
        """
        return self.size == size and hmac.compare_digest(self.root_of(leaf).raw, root.raw)


class MerkleTree:
    """All digests of a tree, to make proofs from.

    Parameters
    ----------
    leaves : iterable of bytes
        In order; their digests are kept, they themselves are not.

    Notes
    -----
    Building takes two digests a leaf; memory is about 160 bytes a leaf. A proof takes logarithmic time.

    Examples
    --------
    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> proof = tree.proof(2)
    >>> len(proof.path), [proof.proves(leaf, root=tree.root, size=3) for leaf in (b"c", b"b")]
    (1, [True, False])
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = [_sha256(_LEAF + leaf).digest() for leaf in leaves]
        self._levels: list[Sequence[bytes]] = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            above = [_sha256(_NODE + left + right).digest() for left, right in pairs]
            if len(level) % 2:
                above.append(level[-1])
            self._levels.append(above)
            level = above

    def __len__(self) -> int:
        return len(self._levels[0])

    def __repr__(self) -> str:
        return f"MerkleTree(size={len(self)}, root={str(self.root)!r})"

    @property
    def root(self) -> Digest:
        """The root."""
        top = self._levels[-1]
        return Digest(top[0]) if top else merkle_root(())

    def proof(self, index: int) -> InclusionProof:
        """Make the proof for the leaf at a place.

        Raises
        ------
        ModelError
            There is no leaf at `index` (places count from 0 only).
        """
        if not 0 <= index < len(self):
            raise ModelError({"index": f"there is none in a tree of {len(self)}"}, subject="inclusion proof")
        path: list[Digest] = []
        place = index
        for level in self._levels[:-1]:
            sibling = place ^ 1
            if sibling < len(level):
                path.append(Digest(level[sibling]))
            place //= 2
        return InclusionProof(index=index, size=len(self), path=tuple(path))


def _has_sibling(index: int, size: int) -> list[bool]:
    """Tell for each level below the root whether the node on the way has a sibling there."""
    found: list[bool] = []
    while size > 1:
        found.append(index ^ 1 < size)
        index //= 2
        size = (size + 1) // 2
    return found
