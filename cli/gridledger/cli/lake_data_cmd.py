"""`gridledger lake`: put payloads into a lake, get them, list and find them."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from gridledger.cli.command import with_output
from gridledger.cli.lake_option import with_lake
from gridledger.cli.moment_option import milliseconds
from gridledger.cli.output import Output, fields, table
from gridledger.lake.dataset_path import DatasetPath
from gridledger.lake.download import download
from gridledger.lake.lake import Lake
from gridledger.lake.listing import ListedVersion, find_datasets, list_datasets, list_versions
from gridledger.lake.manifest import PayloadFormat
from gridledger.lake.stored_version import StoredVersion
from gridledger.lake.version_reader import VersionReader
from gridledger.model.errors import ConfigError, FieldValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["commands"]

_STANDARD_INPUT = "-"
_IN_JSON = 8 << 20
"""The most bytes of a payload that are said in JSON."""
_PIECE = 1 << 20
_ROWS = 1 << 14
"""Records that are read at a time."""
_RANGE = re.compile(r"([0-9]{0,18}):([0-9]{0,18})")
_formats = click.Choice([one.value for one in PayloadFormat])
_moment = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


class _Range(click.ParamType):  # type: ignore[type-arg] # generic in click's stubs only
    """`FIRST:END`, from 0, END left out for all that follows."""

    name = "FIRST:END"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        match = _RANGE.fullmatch(str(value))
        first, end = (int(match[1] or 0), int(match[2]) if match[2] else None) if match else (0, -1)
        if end is not None and end < first:
            self.fail(f"{value!r} is no FIRST:END", param, ctx)
        return first, end


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--name", help="Name of the dataset; the file's name by default. Wanted with standard input.")
@click.option("--folder", default="", help="Stands before the names of the files, as in FOLDER/FILE.")
@click.option("--format", "payload_format", type=_formats, help="How it is cut; guessed from the name.")
@with_output
@with_lake
def put(
    lake: Lake,
    output: Output,
    files: tuple[str, ...],
    name: str | None,
    folder: str,
    payload_format: str | None,
) -> None:
    """Store FILES, each as the next version of a dataset; `-` is standard input.

    What the lake has is not stored again. A put that was stopped is gone on with by the same put.
    """
    if name is not None and len(files) > 1:
        raise click.UsageError("--name is for one file")
    if name is None and _STANDARD_INPUT in files:
        raise click.UsageError("standard input has no name: say --name")
    chosen = PayloadFormat(payload_format) if payload_format else None
    inside = f"{folder.rstrip('/')}/" if folder else ""
    for file in files:
        called = inside + (name or Path(file).name)
        if file == _STANDARD_INPUT:
            stored = _put(lake, output, called, sys.stdin.buffer, None, chosen)
        else:
            with _opened(Path(file)) as payload:
                stored = _put(lake, output, called, payload, Path(file).stat().st_size, chosen)
        output.step(_stored(stored), fields)


@click.command()
@click.argument("dataset")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the file if it is there.")
@with_output
@with_lake
def get(lake: Lake, output: Output, dataset: str, target: Path | None, replace: bool) -> None:
    """Get DATASET (NAME or NAME@VERSION) into the file TARGET, its own name by default.

    A get that was stopped is gone on with by the same get. All of the payload is verified.
    """
    path = DatasetPath.parse(dataset)
    reader = lake.reader(path.name, path.version)
    wanted = target or Path(Path(path.name).name)
    if wanted.is_dir():
        wanted /= Path(path.name).name
    with output.bar(str(path), reader.size) as progress:
        try:
            kept = download(reader, wanted, replace=replace, progress=progress)
        except OSError as error:
            raise ConfigError(
                str(error.strerror), key="target", source="argument", value=str(wanted)
            ) from error
    value: dict[str, FieldValue] = {
        "file": str(wanted),
        "size": reader.size,
        "sha256": str(reader.manifest.sha256),
        "kept": kept,
    }
    output.show(value, fields)


@click.command()
@click.argument("dataset")
@click.option("--bytes", "wanted", type=_Range(), help="Only these bytes.")
@click.option(
    "--rows", type=_Range(), help="Only these records of CSV or JSON lines; record 0 is the first line."
)
@with_output
@with_lake
def cat(
    lake: Lake,
    output: Output,
    dataset: str,
    wanted: tuple[int, int | None] | None,
    rows: tuple[int, int | None] | None,
) -> None:
    """Write DATASET (NAME or NAME@VERSION), or a part of it, to standard output.

    Only the blocks of that part are read. With --json, parts of up to 8 MiB are said as text, or as base64 if
    they are none.
    """
    if wanted is not None and rows is not None:
        raise click.UsageError("--bytes and --rows are two ways to say a part")
    path = DatasetPath.parse(dataset)
    reader = lake.reader(path.name, path.version)
    if rows is not None and not reader.manifest.format.has_records:
        raise ConfigError(
            f"{path} has no records that stand one by one", key="rows", source="--rows", value=rows[0]
        )
    pieces = _rows(reader, *rows) if rows is not None else _bytes(reader, *(wanted or (0, None)))
    if output.is_json:
        output.show(_part(path, pieces))
    else:
        output.write_bytes(pieces)


@click.command()
@click.argument("name", required=False)
@with_output
@with_lake
def ls(lake: Lake, output: Output, name: str | None) -> None:
    """List the datasets, or the versions of the dataset NAME."""
    with output.progress("reading manifests"):
        found = list_datasets(lake) if name is None else list_versions(lake, name)
    _show_versions(output, found)


@click.command()
@click.argument("pattern", default="*")
@click.option("--format", "payload_format", type=_formats, help="Only what is cut so.")
@click.option("--at-least", type=click.IntRange(0), default=0, help="Only of this many bytes or more.")
@click.option("--since", type=_moment, help="Only what was written then or later, UTC.")
@with_output
@with_lake
def find(
    lake: Lake,
    output: Output,
    pattern: str,
    payload_format: str | None,
    at_least: int,
    since: datetime | None,
) -> None:
    """Find datasets by name: PATTERN has `*`, `?`, `[…]`, or is looked for anywhere in the name."""
    with output.progress("reading manifests"):
        found = find_datasets(
            lake,
            pattern,
            payload_format=PayloadFormat(payload_format) if payload_format else None,
            at_least=at_least,
            since_ms=milliseconds(since) or 0,
        )
    _show_versions(output, found)


commands = (put, get, cat, ls, find)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigError(str(error.strerror), key="file", source="argument", value=str(path)) from error


def _put(
    lake: Lake,
    output: Output,
    name: str,
    payload: BinaryIO,
    size: int | None,
    payload_format: PayloadFormat | None,
) -> StoredVersion:
    with output.bar(name, size) as progress:
        return lake.put(name, payload, payload_format=payload_format, progress=progress)


def _stored(stored: StoredVersion) -> dict[str, FieldValue]:
    return {
        "name": stored.name,
        "version": stored.version,
        "unchanged": stored.unchanged,
        "size": stored.size,
        "sha256": str(stored.sha256),
        "root": str(stored.root),
        "blocks": stored.blocks,
        "new_blocks": stored.new_blocks,
        "written": stored.written,
        "location": stored.location,
    }


def _bytes(reader: VersionReader, first: int, end: int | None) -> Iterator[bytes]:
    if end is None:
        yield from reader.stream(first)
        return
    for place in range(first, end, _PIECE):
        yield reader.read(place, min(_PIECE, end - place))


def _rows(reader: VersionReader, first: int, end: int | None) -> Iterator[bytes]:
    last = reader.manifest.records if end is None else min(end, reader.manifest.records)
    for row in range(first, last, _ROWS):
        yield from reader.rows(row, min(_ROWS, last - row))


def _part(path: DatasetPath, pieces: Iterator[bytes]) -> dict[str, FieldValue]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > _IN_JSON:
            raise ConfigError(
                "say a part of up to 8 MiB by --bytes or --rows", key="json", source="--json", value=str(path)
            )
    data = b"".join(held)
    value: dict[str, FieldValue] = {"dataset": str(path), "size": size}
    try:
        value["text"] = data.decode()
    except UnicodeDecodeError:
        value["base64"] = base64.b64encode(data).decode()
    return value


def _show_versions(output: Output, found: list[ListedVersion]) -> None:
    values: list[FieldValue] = [
        {
            "name": one.name,
            "version": one.version,
            "generation": one.generation,
            "format": one.format.value,
            "size": one.size,
            "records": one.records,
            "blocks": one.blocks,
            "sha256": str(one.sha256),
            "root": str(one.root),
            "location": one.location,
            "written": datetime.fromtimestamp(one.modified_ms // 1000, UTC).isoformat(),
        }
        for one in found
    ]
    columns = ("name", "version", "format", "size", "records", "written")

    def drawn(rows: list[dict[str, FieldValue]]) -> RenderableType:
        return table(rows, {name: name for name in columns})

    output.show(values, drawn)
