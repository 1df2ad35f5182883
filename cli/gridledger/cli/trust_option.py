"""What a verifier believes of a channel, and files of proofs: `--trust`, or `--orderers` and `--peers`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.client.channel_trust import ChannelTrust, ConfiguredTrust, FolderTrust
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError

__all__ = ["OUT", "TrustChoice", "read_file", "with_trust", "write_out"]

P = ParamSpec("P")
T = TypeVar("T")

OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write."
)
_FOLDER = "MSP=FOLDER"


@dataclass(frozen=True, kw_only=True)
class TrustChoice:
    """What a command was told to believe."""

    block: Path | None
    orderers: tuple[str, ...]
    peers: tuple[str, ...]
    raft: bool = False

    def open(self) -> ChannelTrust:
        """Read it.

        Raises
        ------
        ConfigError
            A file or folder cannot be read.
        """
        if self.block is not None and not self.orderers and not self.peers:
            return ConfiguredTrust.from_block(read_file(self.block))
        if self.block is None and (self.orderers or self.peers):
            return FolderTrust(orderers=_folders(self.orderers), peers=_folders(self.peers), raft=self.raft)
        raise click.UsageError("give --trust, or --orderers and --peers")


def with_trust(function: Callable[Concatenate[TrustChoice, P], T]) -> Callable[P, T]:
    """Give a command the options of what it believes, and the choice as first argument."""

    @click.option(
        "--trust",
        "block",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The channel's first block, or a later configuration block.",
    )
    @click.option(
        "--orderers", multiple=True, metavar=_FOLDER, help="An orderer organisation, instead of --trust."
    )
    @click.option("--peers", multiple=True, metavar=_FOLDER, help="A peer organisation, instead of --trust.")
    @click.option(
        "--raft", is_flag=True, help="With --orderers: the channel is ordered by Raft, one signature a block."
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        block = keywords.pop("block")
        choice = TrustChoice(
            block=block if isinstance(block, Path) else None,
            orderers=_texts(keywords.pop("orderers")),
            peers=_texts(keywords.pop("peers")),
            raft=bool(keywords.pop("raft")),
        )
        return function(choice, *arguments, **keywords)

    return called


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, tuple) else ()


def _folders(given: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in given:
        msp_id, sign, folder = text.partition("=")
        if not sign or not msp_id or not folder:
            raise click.UsageError(f"want {_FOLDER}, not {text}")
        found[msp_id] = Path(folder)
    return found


def read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="file", source=str(file)) from error


def write_out(file: Path, data: bytes) -> None:
    try:
        write_file(file, data)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", key="out", source=str(file)) from error
