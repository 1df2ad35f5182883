"""`gridledger backup`: what a server keeps in files: databases of SQLite, salts, keys, settings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, table
from gridledger.host.backup import BackedUpFile, check_backup, make_backup, restore_backup
from gridledger.model.errors import FieldValue

__all__ = ["group"]

_folder = click.Path(path_type=Path, exists=True, file_okay=False)
_COLUMNS = {"path": "file", "kind": "kind", "bytes": "bytes", "sha256": "SHA-256"}


@click.group("backup")
def group() -> None:
    """Back up what a server keeps in files, while it works; check and restore it.

    The copy holds what the files hold, keys and salts included: keep it as the files themselves are kept.
    """


@group.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path), help="Folder to make; not there yet."
)
@with_output
def make(output: Output, sources: tuple[Path, ...], target: Path) -> None:
    """Copy files and folders: databases by SQLite between two transactions, the rest as it stands."""
    with output.progress("Copying"):
        files = make_backup(sources, target)
    output.show(_value(target, files), _shown)


@group.command()
@click.argument("folder", type=_folder)
@with_output
def check(output: Output, folder: Path) -> None:
    """Compare every file of the backup in FOLDER with its hash, and let SQLite check its databases."""
    with output.progress("Checking"):
        files = check_backup(folder)
    output.show(_value(folder, files), _shown)


@group.command()
@click.argument("folder", type=_folder)
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Where it is to stand.")
@with_output
def restore(output: Output, folder: Path, target: Path) -> None:
    """Check the backup in FOLDER, and copy it to where nothing of its names stands yet."""
    with output.progress("Restoring"):
        files = restore_backup(folder, target)
    output.show(_value(target, files), _shown)


def _value(folder: Path, files: list[BackedUpFile]) -> dict[str, FieldValue]:
    return {"folder": str(folder), "files": [{**asdict(one), "kind": one.kind.value} for one in files]}


def _shown(value: Any) -> Any:
    return table(value["files"], _COLUMNS)
