"""Merkle trees: RFC 6962's own definition, the reference tree, and proofs that must not hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.merkle import InclusionProof, MerkleTree, merkle_root, row_leaf

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance/vectors/merkle.json").read_text(encoding="utf-8")
)
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]

leaf_lists = st.lists(st.binary(max_size=6), min_size=1, max_size=70)


def rfc6962_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + rfc6962_root(leaves[:split]) + rfc6962_root(leaves[split:])).digest()


def rfc6962_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*rfc6962_path(index, leaves[:split]), rfc6962_root(leaves[split:])]
    return [*rfc6962_path(index - split, leaves[split:]), rfc6962_root(leaves[:split])]


def as_proof(vector: dict[str, Any]) -> InclusionProof:
    path = tuple(Digest.parse(digest) for digest in vector["path"])
    return InclusionProof(index=vector["index"], size=vector["size"], path=path)


def test_root_of_the_empty_tree_is_the_digest_of_nothing() -> None:
    assert str(MerkleTree([]).root) == str(merkle_root([])) == VECTORS["empty_root"]
    assert len(MerkleTree([])) == 0


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_reference_tree(size: int) -> None:
    expected = VECTORS["roots"][size - 1]
    assert str(MerkleTree(LEAVES[:size]).root) == str(merkle_root(iter(LEAVES[:size]))) == expected
    assert rfc6962_root(LEAVES[:size]).hex() == expected


@pytest.mark.parametrize(
    "vector", VECTORS["accept"], ids=lambda vector: f"{vector['index']} of {vector['size']}"
)
def test_proof_of_the_reference_tree_is_made_and_holds(vector: dict[str, Any]) -> None:
    proof = as_proof(vector)
    assert MerkleTree(LEAVES[: vector["size"]]).proof(vector["index"]) == proof
    assert proof.proves(bytes.fromhex(vector["leaf"]), root=Digest.parse(vector["root"]), size=vector["size"])
    assert InclusionProof.from_bytes(proof.to_bytes()) == proof


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=lambda vector: vector["name"])
def test_proof_that_does_not_hold_is_refused(vector: dict[str, Any]) -> None:
    try:
        proof = as_proof(vector)
    except ModelError:
        return
    size = vector.get("deposited_size", vector["size"])
    assert not proof.proves(bytes.fromhex(vector["leaf"]), root=Digest.parse(vector["root"]), size=size)


@pytest.mark.parametrize("vector", VECTORS["rows"])
def test_leaf_of_a_row_is_its_salt_and_its_canonical_bytes(vector: dict[str, Any]) -> None:
    assert row_leaf(vector["row"], bytes.fromhex(vector["salt"])).hex() == vector["leaf"]


def test_row_with_a_short_salt_or_a_float_is_refused() -> None:
    with pytest.raises(ModelError):
        row_leaf({"value": "1"}, bytes(15))
    with pytest.raises(ModelError):
        row_leaf({"value": 1.5}, bytes(16))  # type: ignore[dict-item]


@given(leaf_lists)
def test_root_and_every_path_are_those_of_the_rfc(leaves: list[bytes]) -> None:
    tree = MerkleTree(leaves)
    assert tree.root.raw == merkle_root(leaves).raw == rfc6962_root(leaves)
    assert len(tree) == len(leaves)
    for index, leaf in enumerate(leaves):
        proof = tree.proof(index)
        assert [digest.raw for digest in proof.path] == rfc6962_path(index, leaves)
        assert proof.proves(leaf, root=tree.root, size=len(leaves))


@given(leaf_lists, st.data())
def test_changed_proof_does_not_hold(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    leaf, proof = leaves[index], tree.proof(index)
    other = data.draw(st.binary(max_size=6).filter(lambda some: some != leaf))
    assert not proof.proves(other, root=tree.root, size=len(leaves))
    assert not proof.proves(leaf, root=tree.root, size=len(leaves) + 1)
    if not proof.path:
        return
    level = data.draw(st.integers(0, len(proof.path) - 1))
    changed = bytearray(proof.path[level].raw)
    changed[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    path = (*proof.path[:level], Digest(bytes(changed)), *proof.path[level + 1 :])
    assert not InclusionProof(index=index, size=len(leaves), path=path).proves(
        leaf, root=tree.root, size=len(leaves)
    )


@given(leaf_lists, st.data())
def test_proof_for_another_place_does_not_hold(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    place = data.draw(st.integers(0, len(leaves) - 1))
    try:
        proof = InclusionProof(index=place, size=len(leaves), path=tree.proof(index).path)
    except ModelError:
        assert place != index
        return
    holds = proof.proves(leaves[index], root=tree.root, size=len(leaves))
    assert holds == (
        rfc6962_path(place, leaves) == rfc6962_path(index, leaves) and leaves[place] == leaves[index]
    )


@given(st.integers(1, 2**53 - 1), st.data())
def test_path_has_the_length_that_index_and_size_demand(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    lengths = []
    for length in range(55):
        try:
            InclusionProof(index=index, size=size, path=(Digest(bytes(32)),) * length)
        except ModelError:
            continue
        lengths.append(length)
    assert len(lengths) == 1
    assert lengths[0] <= (size - 1).bit_length()


@pytest.mark.parametrize("index", [-1, 3])
def test_proof_of_a_leaf_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(ModelError, match="there is none in a tree of 3"):
        MerkleTree([b"a", b"b", b"c"]).proof(index)


def test_large_tree_is_built_streamed_and_proven() -> None:
    leaves = [index.to_bytes(4, "big") for index in range(100_000)]
    tree = MerkleTree(leaves)
    assert tree.root == merkle_root(iter(leaves))
    for index in (0, 1, 65_535, 65_536, 99_999):
        proof = tree.proof(index)
        assert len(proof.path) <= 17
        assert proof.proves(leaves[index], root=tree.root, size=100_000)
