"""Where a command keeps an identity: an MSP folder, a wallet, or the folder of a network."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.model.errors import ConfigError, FieldValue

if TYPE_CHECKING:
    from gridledger.client.msp_identity import MspIdentity

__all__ = ["KeepingChoice", "with_keeping"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class KeepingChoice:
    """The places that a command was told."""

    msp: Path | None
    wallet: Path | None
    label: str | None
    msp_id: str | None
    organisation: str | None
    user: str | None
    network: NetworkChoice

    def check(self, name: str) -> None:
        """Refuse what cannot be kept, before an authority is asked for anything.

        Raises
        ------
        ConfigError
            When no place is named, or an identity stands there already.
        """
        if self.msp is None and self.wallet is None and self.organisation is None:
            raise ConfigError("say where: --msp, --wallet or --org", key="msp", source="--msp")
        if self.msp is not None and self.msp.exists():
            raise ConfigError("is there already", key="msp", source="--msp", value=str(self.msp))
        if self.wallet is not None:
            from gridledger.client.wallet import Wallet

            if not self.msp_id:
                raise ConfigError("a wallet names the MSP", key="msp_id", source="--msp-id")
            label = self.label or name
            if label in Wallet(self.wallet).labels():
                raise ConfigError("is there already", key="label", source=str(self.wallet), value=label)
        if self.organisation is not None:
            organisation = self.network.open().organisation(self.organisation)
            if (self.user or name) in organisation.users():
                raise ConfigError("is there already", key="user", source="--org", value=self.user or name)

    def keep(self, name: str, identity: MspIdentity) -> dict[str, FieldValue]:
        """Write the identity to every place, and return where.

        Raises
        ------
        ConfigError, MaterialError
            When a place cannot be written, or the network's organisation does not know the authority.
        """
        kept: dict[str, FieldValue] = {}
        if self.msp is not None:
            identity.save(self.msp)
            kept["msp"] = str(self.msp)
        if self.wallet is not None:
            from gridledger.client.wallet import Wallet

            label = self.label or name
            Wallet(self.wallet).put(label, identity.credentials(str(self.msp_id)))
            kept |= {"wallet": str(self.wallet), "label": label}
        if self.organisation is not None:
            from gridledger.network.adoption import adopt_user

            user = self.user or name
            organisation = self.network.open().organisation(self.organisation)
            member = adopt_user(organisation, user, identity)
            kept |= {"organisation": self.organisation, "user": user, "folder": str(member.path)}
        return kept


def with_keeping(function: Callable[Concatenate[KeepingChoice, P], T]) -> Callable[P, T]:
    """Give a command the options that name places for an identity, and the choice as first argument."""

    @click.option("--msp", type=click.Path(path_type=Path, file_okay=False), help="New MSP folder.")
    @click.option("--wallet", type=click.Path(path_type=Path, file_okay=False), help="Wallet; see --label.")
    @click.option("--label", help="Label in the wallet; the name by default.")
    @click.option("--msp-id", help="For the wallet: MSP whose root the authority is, such as Org1MSP.")
    @click.option(
        "--org", "organisation", help="Organisation of a network of ours, such as org1; see --user."
    )
    @click.option("--user", help="Name of the user there; the name by default.")
    @with_network
    @functools.wraps(function)
    def called(network: NetworkChoice, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        paths = {key: _path(keywords.pop(key)) for key in ("msp", "wallet")}
        texts = {key: _text(keywords.pop(key)) for key in ("label", "msp_id", "organisation", "user")}
        choice = KeepingChoice(network=network, **paths, **texts)  # type: ignore[arg-type]
        return function(choice, *arguments, **keywords)

    return called


def _path(value: object) -> Path | None:
    return value if isinstance(value, Path) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
