"""Which administrator signs: one of the network's folder, or one whose files are named."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.cli.network_option import NetworkChoice
from gridledger.client.identity import Identity
from gridledger.client.private_key import read_private_key
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ConfigError
from gridledger.network.access import signing_administrator

__all__ = ["administrator", "with_administrator"]

P = ParamSpec("P")
T = TypeVar("T")

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


def administrator(choice: NetworkChoice, organisation: str) -> SigningIdentity:
    """Return the administrator of an organisation of the network's folder."""
    network = choice.open()
    return signing_administrator(network.description, network.directory, organisation)


def with_administrator(
    function: Callable[Concatenate[NetworkChoice, SigningIdentity, P], T],
) -> Callable[Concatenate[NetworkChoice, P], T]:
    """Give a command the options that name who signs, and that one after the network's choice.

    Stands below `with_network`. Who names its files needs no network.
    """

    @click.option(
        "--as", "organisation", help="Organisation of the network's folder whose administrator signs."
    )
    @click.option("--msp-id", help="MSP of an administrator whose files are named.")
    @click.option("--certificate", type=_file, help="The administrator's certificate, PEM.")
    @click.option("--key", type=_file, help="The administrator's private key, PEM.")
    @functools.wraps(function)
    def called(choice: NetworkChoice, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        organisation, msp_id = keywords.pop("organisation"), keywords.pop("msp_id")
        certificate, key = keywords.pop("certificate"), keywords.pop("key")
        if isinstance(organisation, str):
            signing = administrator(choice, organisation)
        elif isinstance(msp_id, str) and isinstance(certificate, Path) and isinstance(key, Path):
            signing = SigningIdentity(Identity.from_file(msp_id, certificate), read_private_key(key))
        else:
            raise ConfigError(
                "want --as, or --msp-id with --certificate and --key", key="administrator", source="sign"
            )
        return function(choice, signing, *arguments, **keywords)

    return called
