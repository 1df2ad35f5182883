"""From datasets to entries: what an extractor of features is."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from gridledger.lake.errors import PayloadCorrupt
from gridledger.lake.index.entry import Entry
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.manifest import PayloadFormat
from gridledger.lake.version_reader import VersionReader
from gridledger.model.dataset import MAX_LABELS
from gridledger.model.errors import ModelError

__all__ = ["Extractor", "TableRow", "content_of", "entry_data", "labels_of", "table_rows"]

_PAGE = 1 << 14
"""Records that are read at a time."""
_WHOLE = 1 << 20
"""Bytes of a payload without records that an answer brings."""
_WORD = re.compile(r"[a-z0-9]+")
_LABEL_LENGTH = 32
_LABELS = "labels"


class Extractor(ABC):
    """Makes entries of one type of dataset.

    Attributes
    ----------
    features : FeatureSet
        What it computes; whatever it does otherwise is another version of it.
    declares : mapping of str to str
        What may be declared of a dataset, each with what it says.
    wants : frozenset of str
        What has to be.
    """

    features: ClassVar[FeatureSet]
    declares: ClassVar[Mapping[str, str]]
    wants: ClassVar[frozenset[str]] = frozenset()

    def check(self, declared: Mapping[str, str]) -> None:
        """Refuse a declaration that says too little or too much; raises ModelError with all problems."""
        problems = dict.fromkeys({*declared} - {*self.declares, _LABELS}, "is not declared of such data")
        problems |= {name: f"is wanted: {self.declares[name]}" for name in self.wants - {*declared}}
        try:
            labels_of(declared)
        except ModelError as error:
            problems |= error.problems
        if problems:
            raise ModelError(problems, subject=self.features.name)

    @abstractmethod
    def entries(
        self, reader: VersionReader, dataset: str, version: int, declared: Mapping[str, str]
    ) -> Iterator[Entry | None]:
        """Yield a version's entries; None for each piece of it that has no features, such as missing values.

        Raises
        ------
        ModelError
            The dataset is of another type, or has no such columns.
        """


class TableRow(NamedTuple):
    """A record of a table, as it lies and as it is read."""

    number: int
    raw: bytes
    cells: Mapping[str, str]


def table_rows(reader: VersionReader, columns: Iterable[str]) -> Iterator[TableRow]:
    """Read the records of CSV, whose first record names the columns, or of JSON lines.

    Raises
    ------
    ModelError
        It is neither, or lacks a column.
    """
    wanted = set(columns)
    name = reader.manifest.name
    kind = reader.manifest.format
    if kind not in (PayloadFormat.CSV, PayloadFormat.JSON_LINES):
        raise ModelError({"format": f"is {kind.value}, not CSV or JSON lines"}, subject=name)
    heading: list[str] | None = None
    for first in range(0, reader.manifest.records, _PAGE):
        for number, raw in enumerate(reader.rows(first, _PAGE), first):
            try:
                text = raw.decode("utf-8-sig" if number == 0 else "utf-8")
                if kind is PayloadFormat.JSON_LINES:
                    held = json.loads(text)
                    cells = {key: str(held.get(key, "")) for key in wanted}
                elif heading is None:
                    heading = next(csv.reader([text]))
                    if missing := wanted - {*heading}:
                        raise ModelError(dict.fromkeys(missing, "is no column"), subject=name)
                    continue
                else:
                    cells = dict(zip(heading, next(csv.reader([text]), []), strict=False))
            except (ValueError, AttributeError, csv.Error, StopIteration) as error:
                raise ModelError({f"record {number}": "cannot be read"}, subject=name) from error
            yield TableRow(number, raw, cells)


def content_of(records: Iterable[bytes]) -> bytes:
    """Return what tells the data of an entry: SHA-256 of its records."""
    return hashlib.sha256(b"".join(records)).digest()


def labels_of(declared: Mapping[str, str], *more: str) -> tuple[str, ...]:
    """Return the labels that are declared, joined by commas, and those that follow from the data.

    Raises
    ------
    ModelError
        One is no label.
    """
    given = [label.strip() for label in declared.get(_LABELS, "").split(",") if label.strip()]
    wrong = [one for one in given if len(one) > _LABEL_LENGTH or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", one)]
    if wrong or len(given) > MAX_LABELS:
        problem = f"want at most {MAX_LABELS} words of up to 32 lower-case letters, digits and hyphens"
        raise ModelError({_LABELS: problem}, subject="labels")
    return tuple(sorted({*given, *(word[:_LABEL_LENGTH] for text in more for word in _words(text))}))


def _words(text: str) -> list[str]:
    """Return a label as it is, and the words of what is none."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
        return [text]
    return _WORD.findall(text.lower())


def entry_data(reader: VersionReader, entry: Entry) -> bytes:
    """Read an entry's data: its records, or the first MiB of a payload without records.

    Raises
    ------
    PayloadCorrupt
        They are not those that were indexed.
    """
    at = entry.location
    if at.count:
        data = b"".join(reader.rows(at.first, at.count))
        actual = hashlib.sha256(data).digest()
    else:
        data = reader.read(0, _WHOLE)
        actual = reader.manifest.sha256.raw
    if actual != entry.content:
        raise PayloadCorrupt(
            f"{at.dataset}@{at.version}",
            "the data are not those that were indexed",
            offset=at.first,
            expected=entry.content.hex(),
            actual=actual.hex(),
        )
    return data
