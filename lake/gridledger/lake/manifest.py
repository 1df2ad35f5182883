"""Manifests: a version's blocks, their keys, and how its bytes come out of them (LAYOUT.md, 3.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import accumulate

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.sealing import SEAL_BYTES, open_seal, seal
from gridledger.crypto.secret_key import KEY_BYTES, SecretKey
from gridledger.lake.errors import Malformed
from gridledger.lake.frame import BLOCK_LIMIT, BlockKind, compress, expand
from gridledger.lake.paths import manifest_path
from gridledger.lake.row import ID_BYTES, PACK_HEADER_BYTES
from gridledger.lake.varint import FieldReader, varint
from gridledger.model.canonical import Value, canonical_bytes, parse_canonical
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError, ModelError
from gridledger.model.merkle import merkle_root

__all__ = ["Assembly", "Gather", "Head", "Manifest", "ManifestBlock", "Part", "PayloadFormat", "Run"]

_MAGIC = b"GLMANI01"
_SCHEMA = "lake-manifest/1"
_BODY_LIMIT = 1 << 30
_RUN, _GATHER, _ASSEMBLY = b"\x00", b"\x01", b"\x02"
_MOST_UNITS = 1 << 24
"""Blocks that a payload is made of, repetitions counted: a reader holds the place of each."""
_CONTENT = b"gridledger/content/1\x00"
_OPENED_AT_ONCE = 64 << 20
"""What the blocks of a gather or an assembly may hold together: all of them are opened to read any of it."""
_SHORTEST_BLOCK = 4 + 2 + 32 + KEY_BYTES


class PayloadFormat(StrEnum):
    """How a payload is cut."""

    BYTES = "bytes"
    CSV = "csv"
    JSON_LINES = "json-lines"
    PARQUET = "parquet"

    @property
    def has_records(self) -> bool:
        """Whether records are found in the payload's bytes one by one."""
        return self in (PayloadFormat.CSV, PayloadFormat.JSON_LINES)


@dataclass(frozen=True, slots=True)
class ManifestBlock:
    """A block of a version."""

    pack: bytes
    offset: int
    length: int
    """Length of the frame."""
    size: int
    """Length of the block."""
    kind: BlockKind
    records: int
    identifier: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"ManifestBlock({self.identifier.hex()!r}, size={self.size})"


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks, whole, one after the other."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Records of several blocks in an order of their own (LAYOUT.md, 3.7)."""

    order: int
    """Place of the order block in the manifest's list."""
    fresh: tuple[int, ...]
    """Places of the blocks whose records are taken in order."""
    sources: tuple[int, ...]
    """Places of the blocks whose records are picked."""
    size: int
    """How many bytes it puts out."""
    records: int
    """How many records it puts out."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """A Parquet row group, put together from its form and its records (LAYOUT.md, 3.8)."""

    form: int
    """Place of the form's block in the manifest's list."""
    size: int
    """How many bytes it puts out."""
    rows: Run | Gather
    """What its records come from: cell blocks, or a gather of such."""


Part = Run | Gather | Assembly


@dataclass(frozen=True, slots=True)
class Head:
    """What stands unsealed before a manifest: what it is of."""

    dataset: bytes
    version: int
    generation: int
    epoch: int
    owner_seal: bytes
    """The dataset key and the manifest's content, sealed for the owner."""

    def to_bytes(self) -> bytes:
        """Write the head in its canonical form."""
        return canonical_bytes(
            {
                "dataset": self.dataset.hex(),
                "epoch": self.epoch,
                "generation": self.generation,
                "owner_seal": self.owner_seal.hex(),
                "schema": _SCHEMA,
                "version": self.version,
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Head:
        """Read a head; raises Malformed."""
        try:
            fields = _object(parse_canonical(data))
            if fields.get("schema") != _SCHEMA:
                raise Malformed("the schema is unknown")
            head = cls(
                bytes.fromhex(_text(fields, "dataset")),
                _number(fields, "version"),
                _number(fields, "generation"),
                _number(fields, "epoch"),
                bytes.fromhex(_text(fields, "owner_seal")),
            )
        except (ModelError, ValueError) as error:
            raise Malformed("the head is broken") from error
        if head.to_bytes() != data or len(head.dataset) != ID_BYTES:
            raise Malformed("the head has another form")
        return head

    @staticmethod
    def of(data: bytes, *, path: str) -> Head:
        """Read the head of the manifest at a path; raises Malformed, for another version's, too."""
        head = _split(data)[0]
        if manifest_path(head.dataset, head.version, head.generation) != path:
            raise Malformed("it is the manifest of another version")
        return head

    def open_owner_seal(self, datasets_key: bytes) -> tuple[DatasetKey, Digest]:
        """Open dataset key and content with the owner's key for them; raises Malformed."""
        label = _owner_label(self.dataset, self.epoch, self.version)
        try:
            raw = open_seal(datasets_key, self.owner_seal, label)
            secret, content = SecretKey(raw[:KEY_BYTES]), Digest(raw[KEY_BYTES:])
            return DatasetKey(dataset=self.dataset, epoch=self.epoch, secret=secret), content
        except (CryptoError, ModelError) as error:
            raise Malformed("the owner's seal does not open") from error


@dataclass(frozen=True)
class Manifest:
    """All there is to know of a version."""

    name: str
    format: PayloadFormat
    size: int
    """Length of the payload in bytes."""
    sha256: Digest
    """Of the payload."""
    records: int
    """Of CSV and JSON lines; 0 else."""
    blocks: tuple[ManifestBlock, ...]
    parts: tuple[Part, ...]

    @cached_property
    def root(self) -> Digest:
        """Merkle root over the blocks' identifiers."""
        return merkle_root(block.identifier for block in self.blocks)

    @property
    def content(self) -> Digest:
        """Digest of all that decides what a reader gets: everything but where frames lie.

        Whoever has a dataset's key can seal a manifest with it; only its content on the ledger, and in the
        owner's seal, says which one is the owner's. Block keys are secret, so it confirms no guess.
        """
        return self._content(self._description())

    def _content(self, description: bytes) -> Digest:
        blocks = [
            b"".join((*map(varint, _numbers_of(block)), block.identifier, block.key)) for block in self.blocks
        ]
        written = [_CONTENT, description, varint(len(blocks)), *blocks, *self._written_parts()]
        return Digest.of(b"".join(written))

    def to_bytes(self, key: DatasetKey, datasets_key: bytes, *, version: int, generation: int) -> bytes:
        """Write the manifest, sealed with its dataset's key and, by that key, for the owner.

        Raises
        ------
        Malformed
            The payload has more blocks than readers take: 16,777,216, or a body of more than 1 GiB.
        """
        description = self._description()
        body = self._body(description)
        if len(body) > _BODY_LIMIT:
            raise Malformed("the payload has too many blocks for one version")
        _sizes(self.blocks, self.parts)
        owned = key.secret.reveal() + self._content(description).raw
        owner_seal = seal(datasets_key, owned, _owner_label(key.dataset, key.epoch, version))
        head = Head(key.dataset, version, generation, key.epoch, owner_seal).to_bytes()
        sealed = seal(key.secret.reveal(), compress(body), _MAGIC + head)
        return _MAGIC + len(head).to_bytes(4, "big") + head + sealed

    def _description(self) -> bytes:
        description = canonical_bytes(
            {
                "format": self.format.value,
                "name": self.name,
                "records": self.records,
                "root": str(self.root),
                "sha256": str(self.sha256),
                "size": self.size,
            }
        )
        return len(description).to_bytes(4, "big") + description

    def _body(self, description: bytes | None = None) -> bytes:
        packs = {pack: place for place, pack in enumerate(dict.fromkeys(block.pack for block in self.blocks))}
        written = [description or self._description(), varint(len(packs)), *packs, varint(len(self.blocks))]
        for block in self.blocks:
            numbers = (packs[block.pack], block.offset, *_numbers_of(block))
            written += [*map(varint, numbers), block.identifier, block.key]
        return b"".join([*written, *self._written_parts()])

    def _written_parts(self) -> list[bytes]:
        return [varint(len(self.parts)), *(piece for part in self.parts for piece in _written_part(part))]

    @classmethod
    def parse(cls, data: bytes, key: DatasetKey) -> Manifest:
        """Open a manifest with its dataset's key.

        Raises
        ------
        SealBroken
            The key is another one, or the bytes were changed.
        Malformed
            What was sealed is no manifest.
        """
        _, head, sealed = _split(data)
        packed = open_seal(key.secret.reveal(), sealed, _MAGIC + head)
        reader = FieldReader(expand(packed, limit=_BODY_LIMIT))
        try:
            description = _object(parse_canonical(reader.take(int.from_bytes(reader.take(4), "big"))))
            packs = [reader.take(ID_BYTES) for _ in range(reader.count(each=ID_BYTES))]
            blocks = tuple(_take_block(reader, packs) for _ in range(reader.count(each=_SHORTEST_BLOCK)))
            parts = tuple(_take_part(reader, blocks) for _ in range(reader.count(each=3)))
            reader.end()
            manifest = cls(
                _text(description, "name"),
                PayloadFormat(_text(description, "format")),
                _number(description, "size"),
                Digest.parse(_text(description, "sha256")),
                _number(description, "records"),
                blocks,
                parts,
            )
        except (ModelError, ValueError) as error:
            raise Malformed("the body is broken") from error
        if str(manifest.root) != description.get("root"):
            raise Malformed("the root is not that of the blocks")
        if sum(_sizes(blocks, parts)) != manifest.size:
            raise Malformed("the parts do not make the payload's size")
        return manifest


def _owner_label(dataset: bytes, epoch: int, version: int) -> bytes:
    return dataset + epoch.to_bytes(8, "big") + version.to_bytes(8, "big")


def _numbers_of(block: ManifestBlock) -> tuple[int, ...]:
    return block.length, block.size, block.kind, block.records


def _split(data: bytes) -> tuple[Head, bytes, bytes]:
    reader = FieldReader(data)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise Malformed("it is no manifest")
    head = reader.take(int.from_bytes(reader.take(4), "big"))
    return Head.parse(head), head, reader.take(reader.remaining)


def _take_block(reader: FieldReader, packs: list[bytes]) -> ManifestBlock:
    place, offset, length, size, kind, records = (reader.number() for _ in range(6))
    if place >= len(packs) or offset < PACK_HEADER_BYTES or length <= SEAL_BYTES:
        raise Malformed("a block's place is impossible")
    if size > BLOCK_LIMIT or records > size:
        raise Malformed("a block's size is impossible")
    identifier, key = reader.take(32), reader.take(KEY_BYTES)
    return ManifestBlock(packs[place], offset, length, size, BlockKind(kind), records, identifier, key)


def _written_part(part: Part) -> list[bytes]:
    match part:
        case Run():
            return [_RUN, varint(part.first), varint(part.count)]
        case Gather():
            written = [_GATHER, varint(part.order)]
            for places in (part.fresh, part.sources):
                written += [varint(len(places)), *map(varint, places)]
            return [*written, varint(part.size), varint(part.records)]
        case Assembly():
            return [_ASSEMBLY, varint(part.form), varint(part.size), *_written_part(part.rows)]


def _take_part(reader: FieldReader, blocks: tuple[ManifestBlock, ...]) -> Part:
    tag = reader.take(1)
    if tag != _ASSEMBLY:
        return _take_rows(reader, blocks, tag)
    form, size = reader.number(), reader.number()
    if form >= len(blocks) or blocks[form].kind is not BlockKind.FORM or size > BLOCK_LIMIT:
        raise Malformed("an assembly is impossible")
    rows = _take_rows(reader, blocks, reader.take(1))
    named = range(rows.first, rows.first + rows.count) if isinstance(rows, Run) else rows.fresh + rows.sources
    if any(blocks[place].kind is not BlockKind.CELLS for place in named):
        raise Malformed("an assembly takes records from blocks that have none")
    _limit(blocks, named)
    return Assembly(form, size, rows)


def _take_rows(reader: FieldReader, blocks: tuple[ManifestBlock, ...], tag: bytes) -> Run | Gather:
    if tag == _RUN:
        run = Run(reader.number(), reader.number())
        if run.first + run.count > len(blocks):
            raise Malformed("a part names blocks that are not listed")
        return run
    if tag != _GATHER:
        raise Malformed("a part is of an unknown kind")
    order = reader.number()
    fresh, sources = (
        tuple(reader.number() for _ in range(reader.count(each=1))) for _ in ("fresh", "sources")
    )
    gather = Gather(order, fresh, sources, reader.number(), reader.number())
    places = (order, *fresh, *sources)
    if max(places) >= len(blocks) or blocks[order].kind is not BlockKind.ORDER:
        raise Malformed("a gather names blocks that are not listed")
    if gather.records > gather.size or gather.size > BLOCK_LIMIT:
        raise Malformed("a gather's size is impossible")
    _limit(blocks, places)
    return gather


def _limit(blocks: tuple[ManifestBlock, ...], places: Iterable[int]) -> None:
    if sum(blocks[place].size for place in places) > _OPENED_AT_ONCE:
        raise Malformed("a part takes more than a reader opens at once")


def _sizes(blocks: tuple[ManifestBlock, ...], parts: tuple[Part, ...]) -> list[int]:
    """Return how many bytes each part puts out; raises Malformed where they name more than readers take."""
    if sum(part.count if isinstance(part, Run) else 1 for part in parts) > _MOST_UNITS:
        raise Malformed("the payload has too many blocks for one version")
    ends = [0, *accumulate(block.size for block in blocks)]
    return [
        ends[part.first + part.count] - ends[part.first] if isinstance(part, Run) else part.size
        for part in parts
    ]


def _object(parsed: Value) -> Mapping[str, Value]:
    if not isinstance(parsed, Mapping):
        raise Malformed("an object is missing")
    return parsed


def _text(fields: Mapping[str, Value], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    return value


def _number(fields: Mapping[str, Value], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Malformed(f"{name} is no number")
    return value
