"""Which lake an owner's command means, and the address under which others reach it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit

import click

from gridledger.cli.lake_option import config_option
from gridledger.lake.ledger import OwnedLake
from gridledger.lake.settings import LakeSettings
from gridledger.lake.store_address import StoreKind

__all__ = ["LakeChoice", "with_owned_lake"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class LakeChoice:
    """The lake that a command was told to use."""

    config: Path
    address: str | None

    @contextmanager
    def opened(self) -> Iterator[OwnedLake]:
        """Open the lake, and close its store at the end."""
        settings = LakeSettings.from_file(self.config)
        lake = settings.open()
        with lake.store:
            yield OwnedLake(lake=lake, address=self.address or _address(settings))


def with_owned_lake(function: Callable[Concatenate[LakeChoice, P], T]) -> Callable[P, T]:
    """Give a command the options `--config` and `--address`, and the choice as first argument."""

    @config_option
    @click.option(
        "--address", help="Where others reach the lake's store; as in the configuration by default."
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        address = keywords.pop("address")
        choice = LakeChoice(
            config=Path(str(keywords.pop("config"))), address=str(address) if address else None
        )
        return function(choice, *arguments, **keywords)

    return called


def _address(settings: LakeSettings) -> str:
    """Return the store's address, a folder's as a whole path."""
    parts = urlsplit(settings.store)
    if parts.scheme not in ("", StoreKind.FOLDER):
        return settings.store
    path = unquote(parts.path) if parts.scheme else settings.store
    return (settings.source.parent / path).resolve().as_uri()
