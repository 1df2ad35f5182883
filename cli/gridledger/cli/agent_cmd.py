"""`gridledger agent`: what an organisation lets run for itself beside its peer."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.cli.output import Output
from gridledger.cli.watching_option import with_watching
from gridledger.client import Connection, Gateway
from gridledger.client.time_mark import TimeMarkAgent
from gridledger.model.roles import CertificateAttribute, Role, write_roles

__all__ = ["group"]

_USER = "agent"


@click.group("agent")
def group() -> None:
    """Run an organisation's agent."""


@group.command()
@click.option("--org", help="Organisation, such as org1, of the network that --dir or --world names.")
@click.option(
    "--user", default=_USER, show_default=True, help="Who renews; enrolled as agent if there is none."
)
@click.option("--chaincode", help="Chaincode whose time mark is renewed; the only one by default.")
@click.option(
    "--connection",
    "connection_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Connect as this file says (from `network connection --json`), in place of --org and --user.",
)
@click.option("--once", is_flag=True, help="Renew the mark once and end.")
@with_network
@with_output
@with_watching
def run(
    output: Output,
    choice: NetworkChoice,
    org: str | None,
    user: str,
    chaincode: str | None,
    connection_file: Path | None,
    once: bool,
) -> None:
    """Renew the ledger's time mark every minute, until SIGINT or SIGTERM.

    Contracts refuse what depends on the time while the mark is too old, so every organisation runs an agent.
    """
    if connection_file is not None:
        connection = Connection.from_file(connection_file)
    elif org is not None:
        connection = _agent_connection(choice, org, user, chaincode)
    else:
        raise click.UsageError("want --org or --connection")
    asyncio.run(_run(output, connection, chaincode, once=once))


def _agent_connection(choice: NetworkChoice, org: str, user: str, chaincode: str | None) -> Connection:
    network = choice.open()
    if user == _USER and user not in network.organisation(org).users():
        network.enrol(org=org, user=user, attributes={CertificateAttribute.ROLE: write_roles([Role.AGENT])})
    return network.connection(org=org, user=user, chaincode=chaincode)


async def _run(output: Output, connection: Connection, chaincode: str | None, *, once: bool) -> None:
    end = asyncio.Event() if once else _told_to_end()
    async with Gateway.connect(connection) as gateway:
        agent = TimeMarkAgent(gateway.network(), chaincode, on_failure=output.fail)
        mark = await agent.renew()
        output.step(
            mark.to_value(), lambda value: f"The time mark stands at {value['time_ms']} ms since 1970."
        )
        if not once:
            async with agent:
                await end.wait()


def _told_to_end() -> asyncio.Event:
    """Return what SIGINT and SIGTERM set from now on."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    return end
