"""Makes rows again from the blocks themselves, where trailers or table files are broken."""

from __future__ import annotations

import hashlib

from gridledger.lake.errors import PayloadCorrupt, PayloadNotFound
from gridledger.lake.frame import look_up_key
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.hooks import hooks_of
from gridledger.lake.lake import Lake
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.manifest import ManifestBlock
from gridledger.lake.paths import pack_path
from gridledger.lake.row import Row
from gridledger.lake.version_reader import open_block

__all__ = ["rebuild", "row_of"]


def row_of(keys: LakeKeys, block: ManifestBlock, data: bytes) -> Row:
    """Make the row of a block that a manifest names.

    Parameters
    ----------
    keys : LakeKeys
        Of the lake.
    block : ManifestBlock
        Where it lies.
    data : bytes
        The block.
    """
    return Row(
        look_up_key(data),
        hashlib.sha256(data).digest(),
        block.identifier,
        block.pack,
        block.offset,
        block.length,
        block.size,
        block.kind,
        block.records,
        hooks_of(keys.hook, block.kind, data)[0],
    )


def rebuild(lake: Lake) -> int:
    """Write the hash index table anew: from trailers and, for what they lack, blocks.

    Returns
    -------
    int
        How many rows were made from blocks.

    Notes
    -----
    A block that no version names and whose row is broken stays unknown: it is stored again when it is put
    again, and pruned. Manifests and frames that are broken are passed over; `check` names them.
    """
    table = HashIndexTable.load(lake.store, lake.keys)
    known = {row.identifier for state in table.packs.values() for row in state.rows}
    made = 0
    for place in lake.manifests():
        try:
            _, _, manifest = lake.manifest(*place)
        except (PayloadCorrupt, PayloadNotFound):
            continue
        for block in manifest.blocks:
            state = table.packs.get(block.pack)
            if block.identifier in known or state is None:
                continue
            try:
                frame = lake.store.read(pack_path(block.pack), block.offset, block.length)
                data = open_block(block, frame)
            except (PayloadCorrupt, PayloadNotFound):
                continue
            state.rows.append(row_of(lake.keys, block, data))
            state.is_known = True
            known.add(block.identifier)
            made += 1
    table.merge(lake.store, lake.keys, least=0)
    return made
