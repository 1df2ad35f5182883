"""Commands that change states and validity of what is registered: the same for devices and for fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

import click

from gridledger.cli.command import with_output
from gridledger.cli.moment_option import validity_of, with_validity
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, with_config
from gridledger.cli.record_view import show_items
from gridledger.exchange.ledger import ExchangeLedger
from gridledger.exchange.party import Party
from gridledger.model.change import DeviceChange, FieldChange
from gridledger.model.device import ItemResult
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.states import IdentifierState

__all__ = ["DEVICES", "FIELDS", "Changed", "state_commands", "validity_command"]

C = TypeVar("C", DeviceChange, FieldChange)


@dataclass(frozen=True, kw_only=True)
class Changed(Generic[C]):
    """What is changed: how a change of it is made, and submitted."""

    plural: str
    make: Callable[[str, Mapping[str, Any]], C]
    """Of an identifier and what changes."""
    owner: Callable[[C], SystemIdentifier]
    call: Callable[[ExchangeLedger], Callable[[SystemIdentifier, list[C]], Awaitable[Sequence[ItemResult]]]]
    """The ledger's call that takes changes of one system."""

    async def submit(self, party: Party, changes: Iterable[C]) -> list[ItemResult]:
        """Submit changes, a call for each system."""
        results: list[ItemResult] = []
        for system, part in groupby(changes, key=self.owner):
            results += await self.call(party.ledger)(system, list(part))
        return results

    def run(self, output: Output, config: ConfigChoice, identifiers: Sequence[str], **members: Any) -> None:
        """Make the same change of each identifier as its owner, and show what became of it."""
        changes = [self.make(one, members) for one in identifiers]
        show_items(output, config.run(lambda one: self.submit(one.party, changes)))


DEVICES: Final = Changed[DeviceChange](
    plural="devices",
    make=lambda text, members: DeviceChange(device=DeviceIdentifier.parse(text), **members),
    owner=lambda change: change.device.system,
    call=lambda ledger: ledger.change_devices,
)
FIELDS: Final = Changed[FieldChange](
    plural="fields",
    make=lambda text, members: FieldChange(field=FieldIdentifier.parse(text), **members),
    owner=lambda change: change.field.system,
    call=lambda ledger: ledger.change_fields,
)


def state_commands(
    changed: Changed[C], states: Mapping[str, tuple[IdentifierState, str]]
) -> Iterable[click.Command]:
    """Make a command for each way that an owner takes through the life cycle.

    Parameters
    ----------
    states : mapping of str to IdentifierState and str
        Name of the command to the state that it gives, and the command's help.
    """
    for name, (state, text) in states.items():
        yield _state_command(changed, name, state, text)


def _state_command(changed: Changed[C], name: str, state: IdentifierState, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("identifiers", metavar=f"{changed.plural.upper()}...", nargs=-1, required=True)
    @click.option("--reason", help="Why; it stands on the ledger.")
    @with_config
    @with_output
    def command(
        output: Output, config: ConfigChoice, identifiers: tuple[str, ...], reason: str | None
    ) -> None:
        changed.run(output, config, identifiers, state=state, reason=reason)

    return command


def validity_command(changed: Changed[C]) -> click.Command:
    """Make the command `validity`."""

    @click.command(
        "validity", help=f"Set when {changed.plural} are valid; without --from and --until always."
    )
    @click.argument("identifiers", metavar=f"{changed.plural.upper()}...", nargs=-1, required=True)
    @with_validity
    @with_config
    @with_output
    def command(
        output: Output,
        config: ConfigChoice,
        identifiers: tuple[str, ...],
        begin: datetime | None,
        until: datetime | None,
    ) -> None:
        changed.run(output, config, identifiers, validity=validity_of(begin, until))

    return command
