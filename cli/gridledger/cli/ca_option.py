"""Which certificate authority a command means, and as whom it asks: `--url`, `--as`, secrets from files."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

import click

from gridledger.client.ca_address import CaAddress
from gridledger.client.signing_identity import SigningIdentity
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError

if TYPE_CHECKING:
    from gridledger.client.ca import FabricCa
    from gridledger.client.credentials import Credentials

__all__ = [
    "SECRET_VARIABLE",
    "CaChoice",
    "Speaker",
    "read_secret",
    "with_ca",
    "with_speaker",
    "write_new_file",
]

P = ParamSpec("P")
T = TypeVar("T")

SECRET_VARIABLE: Final = "GRIDLEDGER_CA_SECRET"  # noqa: S105 - the variable's name
_ANY_MSP: Final = "member"
"""An MSP folder does not say which MSP it belongs to, and its authority does not ask."""
_MOST_SECRET_BYTES: Final = 1024


@dataclass(frozen=True, kw_only=True)
class CaChoice:
    """The authority that a command was told to ask."""

    address: CaAddress

    def run(self, work: Callable[[FabricCa], Awaitable[T]]) -> T:
        """Connect, do the work, close, and return what came of it."""
        return asyncio.run(self._run(work))

    async def _run(self, work: Callable[[FabricCa], Awaitable[T]]) -> T:
        from gridledger.client.ca import FabricCa

        async with FabricCa.open(self.address) as ca:
            return await work(ca)


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """An identity that a command was told to use: in an MSP folder, or in a wallet."""

    name: str
    wallet: Path | None

    def credentials(self) -> Credentials:
        """Read certificate and key.

        Raises
        ------
        ConfigError
            When there is no such identity.
        """
        from gridledger.client.msp_identity import MspIdentity
        from gridledger.client.wallet import Wallet

        if self.wallet is not None:
            return Wallet(self.wallet).get(self.name)
        return MspIdentity.load(Path(self.name)).credentials(_ANY_MSP)

    def signing(self) -> SigningIdentity:
        """Return who signs requests."""
        credentials = self.credentials()
        return SigningIdentity(credentials.identity(), credentials.signer())


def with_ca(function: Callable[Concatenate[CaChoice, P], T]) -> Callable[P, T]:
    """Give a command the options that name an authority, and the choice as first argument.

    Stands above `with_output`, as `with_network` does.
    """

    @click.option(
        "--url", envvar="GRIDLEDGER_CA_URL", show_envvar=True, help="The server, https://host:port."
    )
    @click.option(
        "--ca-name",
        envvar="GRIDLEDGER_CA_NAME",
        show_envvar=True,
        default="",
        help="Which of the server's authorities; its first by default.",
    )
    @click.option(
        "--tls-root",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="GRIDLEDGER_CA_TLS_ROOT",
        show_envvar=True,
        help="Certificates that the server's TLS certificate must lead to; the system's by default.",
    )
    @click.option(
        "--profile",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Take all that from a connection profile, for the authority --ca-name or the client's.",
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        url, name = keywords.pop("url"), str(keywords.pop("ca_name"))
        root, profile = keywords.pop("tls_root"), keywords.pop("profile")
        choice = CaChoice(address=_address(url, name, root, profile))
        return function(choice, *arguments, **keywords)

    return called


def with_speaker(function: Callable[Concatenate[Speaker, P], T]) -> Callable[P, T]:
    """Give a command the options that name an identity, and it as first argument."""

    @click.option(
        "--as",
        "speaker",
        required=True,
        metavar="WHO",
        help="Who asks: an MSP folder, or with --from-wallet a label in it.",
    )
    @click.option(
        "--from-wallet", type=click.Path(path_type=Path, file_okay=False), help="Wallet that WHO stands in."
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        name, wallet = str(keywords.pop("speaker")), keywords.pop("from_wallet")
        speaker = Speaker(name=name, wallet=wallet if isinstance(wallet, Path) else None)
        return function(speaker, *arguments, **keywords)

    return called


def read_secret(file: Path | None, name: str) -> str:
    """Return an enrolment's secret from a file, the environment, or whoever sits at the terminal.

    Raises
    ------
    ConfigError
        When there is none, or the file cannot be read; the message holds nothing of it.
    """
    if file is not None:
        try:
            with file.open("rb") as opened:
                data = opened.read(_MOST_SECRET_BYTES + 1)
            secret = data.decode().rstrip("\r\n")
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", key="secret", source=str(file)) from error
        except UnicodeDecodeError:
            raise ConfigError("want text", key="secret", source=str(file)) from None
        if not secret or "\n" in secret or len(data) > _MOST_SECRET_BYTES:
            raise ConfigError("want one line", key="secret", source=str(file))
        return secret
    given = os.environ.get(SECRET_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise ConfigError(
            f"there is none: name a file by --secret-file, or set {SECRET_VARIABLE}",
            key="secret",
            source="--secret-file",
        )
    return str(click.prompt(f"Secret of {name}", hide_input=True, err=True))


def write_new_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file that must not be there yet, a private one for its owner alone; ConfigError if it fails."""
    try:
        write_file(path, data, mode=0o600 if private else 0o644, replace=False)
    except FileExistsError as error:
        raise ConfigError("is there already", key="file", source=str(path)) from error
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", key="file", source=str(path)) from error


def _address(url: object, name: str, root: object, profile: object) -> CaAddress:
    if isinstance(profile, Path):
        if url or root:
            raise ConfigError("want either a profile or an address", key="url", source="--url")
        from gridledger.client.profile import ConnectionProfile

        return ConnectionProfile.from_file(profile).authority(name or None)
    if not url:
        raise ConfigError("want the authority's address", key="url", source="--url")
    tls_root = root if isinstance(root, Path) else None
    return CaAddress(url=str(url), name=name, tls_root_cert=tls_root, source="--url")
