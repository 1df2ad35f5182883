"""`gridledger system`: systems apply, are checked and looked up."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_record
from gridledger.cli.system_care_cmd import commands
from gridledger.exchange.aggregation_system import AggregationSystem
from gridledger.exchange.credit_register import FileCreditRegister
from gridledger.exchange.demo.configuration import set_up_system
from gridledger.exchange.demo.made import write_register
from gridledger.exchange.demo.scene import APPLICATION
from gridledger.exchange.demo.systems import SYSTEMS, system_named
from gridledger.exchange.enterprise_register import FileRegister
from gridledger.exchange.party import Party
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.system import Enterprise, SystemApplication, SystemKind, SystemProfile

__all__ = ["group"]


@click.group("system")
def group() -> None:
    """Apply for system identifiers, check applications, lay down coding rules, rate, deregister."""


def _with_profile(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--server", help="Origin of its server, such as https://host:8443."),
        click.option("--introduction", default="", help="What it is for."),
        click.option("--region", required=True, help="The enterprise's region."),
        click.option("--code", required=True, help="The enterprise's number in the register."),
        click.option("--enterprise", required=True, help="The enterprise's name."),
        click.option("--name", required=True, help="The system's name."),
        click.option("--root", required=True, help="The root, such as 88.1042."),
    ):
        function = option(function)
    return function


def _profile(
    kind: SystemKind,
    *,
    name: str,
    enterprise: str,
    code: str,
    region: str,
    introduction: str,
    server: str | None,
) -> SystemProfile:
    return SystemProfile(
        kind=kind,
        enterprise=Enterprise(name=enterprise, code=code, region=region),
        name=name,
        introduction=introduction,
        server=server,
    )


@group.command()
@_with_profile
@with_party
@with_output
def establish(
    output: Output,
    party: PartyChoice,
    root: str,
    name: str,
    enterprise: str,
    code: str,
    region: str,
    introduction: str,
    server: str | None,
) -> None:
    """Establish the identity as the aggregation system of a root."""
    profile = _profile(
        SystemKind.AGGREGATION_SYSTEM,
        name=name,
        enterprise=enterprise,
        code=code,
        region=region,
        introduction=introduction,
        server=server,
    )
    identifier = SystemIdentifier(root)
    show_record(output, party.run(lambda one: one.ledger.establish(identifier, profile)))


@group.command()
@click.argument("name", type=click.Choice([system.name for system in SYSTEMS]))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--root", required=True, help="The root, such as 88.1042.")
@click.option(
    "--modules",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="Modules of the plant beside its inverter.",
)
@with_party
@with_output
def example(output: Output, party: PartyChoice, name: str, folder: Path, root: str, modules: int) -> None:
    """Write a business system to try things with, in a new FOLDER.

    It gets a database of plant R27, a connection, a configuration, and an enterprise register; the last two
    hold made enterprises and prices.
    """
    connection, authorities = party.connection(), party.authorities()
    config = set_up_system(system_named(name), folder, root, connection, authorities, modules=modules)
    register = folder / "register.json"
    write_register(register, [*(one.name for one in SYSTEMS), APPLICATION])
    output.show({"config": str(config), "register": str(register)}, fields)


@group.command()
@click.argument("server")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_config
@with_output
def apply(output: Output, config: ConfigChoice, server: str, call_key: str | None) -> None:
    """Let a business system apply, whose server answers at SERVER."""
    show_record(output, config.run(lambda one: one.apply(server, call_key=call_key)))


@group.command("apply-application")
@_with_profile
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def apply_application(
    output: Output,
    party: PartyChoice,
    root: str,
    name: str,
    enterprise: str,
    code: str,
    region: str,
    introduction: str,
    server: str | None,
    call_key: str | None,
) -> None:
    """Let a data application apply."""
    profile = _profile(
        SystemKind.DATA_APPLICATION,
        name=name,
        enterprise=enterprise,
        code=code,
        region=region,
        introduction=introduction,
        server=server,
    )
    identifier = SystemIdentifier(root)
    show_record(
        output,
        party.run(lambda one: one.ledger.register_system(identifier, profile, call_key=call_key)),
    )


@group.command()
@click.argument("application")
@click.option("--root", required=True, help="The aggregation system's root.")
@click.option(
    "--register",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The enterprise register, a JSON file.",
)
@click.option(
    "--credits",
    "credit_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The register of first credit, a JSON file; the enterprise register's own credit by default.",
)
@with_party
@with_output
def check(
    output: Output,
    party: PartyChoice,
    application: str,
    root: str,
    register: Path,
    credit_file: Path | None,
) -> None:
    """Check an application, as the aggregation system: enterprise, server and its key, credit."""
    enterprises = FileRegister(register)
    credit_register = None if credit_file is None else FileCreditRegister(credit_file)

    async def work(one: Party) -> SystemApplication:
        aggregation = AggregationSystem(
            one, SystemIdentifier(root), register=enterprises, credit_register=credit_register
        )
        return await aggregation.check(application)

    show_record(output, party.run(work))


@group.command()
@click.argument("system")
@with_party
@with_output
def show(output: Output, party: PartyChoice, system: str) -> None:
    """Show a system by its identifier."""
    show_record(output, party.run(lambda one: one.ledger.system(SystemIdentifier(system))))


@group.command()
@click.argument("application")
@with_party
@with_output
def application(output: Output, party: PartyChoice, application: str) -> None:
    """Show an application by its id."""
    show_record(output, party.run(lambda one: one.ledger.application(application)))


@group.command()
@click.argument("application")
@click.argument("name")
@click.argument("roles", nargs=-1, required=True)
@with_party
@with_output
def user(output: Output, party: PartyChoice, application: str, name: str, roles: tuple[str, ...]) -> None:
    """Register a user of a data application with user roles."""
    show_record(
        output,
        party.run(
            lambda one: one.ledger.register_user(SystemIdentifier(application), name, sorted(set(roles)))
        ),
    )


@group.command("remove-user")
@click.argument("application")
@click.argument("name")
@with_party
@with_output
def remove_user(output: Output, party: PartyChoice, application: str, name: str) -> None:
    """Remove a user of a data application."""
    show_record(output, party.run(lambda one: one.ledger.remove_user(SystemIdentifier(application), name)))


for _command in commands:
    group.add_command(_command)
