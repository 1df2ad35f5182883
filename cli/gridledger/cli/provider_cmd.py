"""`gridledger provider`: an owner's server."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, with_config
from gridledger.exchange.serve import serve as serve_system

__all__ = ["group"]


@click.group("provider")
def group() -> None:
    """Serve a business system's data."""


@group.command()
@click.option(
    "--port-file", type=click.Path(path_type=Path, dir_okay=False), help="Gets the port once it answers."
)
@with_config
@with_output
def serve(_output: Output, config: ConfigChoice, port_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM; say `ready URL` once it answers, log requests on standard error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    serve_system(config.settings(), port_file=port_file)
