"""A reader that has a dataset's key and can write the store: what it seals is not taken for the owner's."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.lake.payloads import meter_csv

from gridledger.crypto.sealing import seal
from gridledger.lake import Lake
from gridledger.lake.errors import PayloadCorrupt
from gridledger.lake.frame import compress
from gridledger.lake.granted import granted_reader
from gridledger.lake.manifest import Manifest, Run
from gridledger.lake.paths import manifest_path

NAME = "meters.csv"
FIRST, SECOND = meter_csv(300), meter_csv(200)
_MAGIC = b"GLMANI01"


def reversed_blocks(manifest: Manifest) -> Manifest:
    places = reversed(range(len(manifest.blocks)))
    return replace(manifest, parts=tuple(Run(place, 1) for place in places))


def other_name(manifest: Manifest) -> Manifest:
    return replace(manifest, name="other.csv")


def other_keys(manifest: Manifest) -> Manifest:
    return replace(manifest, blocks=tuple(replace(one, key=bytes(32)) for one in manifest.blocks))


def forge(lake: Lake, version: int, made: Manifest) -> None:
    """Seal a manifest as a reader can: with the dataset's key, beside the owner's seal that it found."""
    dataset = lake.keys.dataset(NAME)
    head, key, _ = lake.manifest(dataset, version, 1)
    written = replace(head, generation=2).to_bytes()
    sealed = seal(key.secret.reveal(), compress(made._body()), _MAGIC + written)
    data = _MAGIC + len(written).to_bytes(4, "big") + written + sealed
    lake.store.publish(manifest_path(dataset, version, 2), data)


@pytest.mark.parametrize("change", [reversed_blocks, other_name, other_keys], ids=lambda one: one.__name__)
def test_manifest_sealed_by_a_reader_is_refused(lake: Lake, change: Callable[[Manifest], Manifest]) -> None:
    stored = lake.put(NAME, io.BytesIO(FIRST))
    _, key, manifest = lake.manifest(lake.keys.dataset(NAME), 1, 1)
    made = change(manifest)
    assert (made.root, made.size) == (manifest.root, manifest.size)
    forge(lake, 1, made)
    with pytest.raises(PayloadCorrupt, match="not the owner's"):
        lake.reader(NAME)
    with pytest.raises(PayloadCorrupt, match="not the one on the ledger"):
        granted_reader(lake.store, stored.location, key, content=manifest.content)


def test_version_in_the_place_of_another_is_refused(lake: Lake) -> None:
    for payload in (FIRST, SECOND):
        lake.put(NAME, io.BytesIO(payload))
    dataset = lake.keys.dataset(NAME)
    head, key, first = lake.manifest(dataset, 1, 1)
    # The owner's seal of version 1, too.
    written = replace(head, version=2, generation=2).to_bytes()
    sealed = seal(key.secret.reveal(), compress(first._body()), _MAGIC + written)
    data = _MAGIC + len(written).to_bytes(4, "big") + written + sealed
    lake.store.publish(manifest_path(dataset, 2, 2), data)
    with pytest.raises(PayloadCorrupt):
        lake.reader(NAME)
    assert lake.reader(NAME, 1).read() == FIRST


def test_moved_blocks_and_a_rotated_key_leave_the_content(lake: Lake) -> None:
    lake.put(NAME, io.BytesIO(FIRST))
    dataset = lake.keys.dataset(NAME)
    before = lake.manifest(dataset, 1, 1)[2]
    lake.rotate(NAME)
    assert lake.manifest(dataset, 1, 2)[2].content == before.content
    blocks = tuple(replace(one, offset=one.offset + 9, pack=bytes(16)) for one in before.blocks)
    assert replace(before, blocks=blocks).content == before.content
