"""`gridledger lake`: ask for datasets, grant, revoke, open what was granted, read the access log."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.duration_option import Duration
from gridledger.cli.output import Output, fields
from gridledger.cli.owned_lake_option import LakeChoice, with_owned_lake
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import record_table, show_page, show_record, show_records
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.exchange.party import Party
from gridledger.lake.download import download
from gridledger.lake.ledger import LakeLedger, OwnedLake, OwnerAgent, open_granted
from gridledger.lake.store_address import open_store
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.errors import ConfigError, FieldValue
from gridledger.model.fieldtype import write_base64url
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.sharing import AccessRequest, Grant, PowerPlatform

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["commands", "recipient_key_option"]

_ACCESSES = (
    "decision.id",
    "decision.request.application",
    "decision.platform",
    "decision.problems",
    "grant.sealed.epoch",
    "grant.revoked_ms",
)
_LOG = ("at_ms", "step", "request", "application", "user", "number", "epoch")
_GRANTS = ("request", "application", "sealed.epoch", "valid_until_ms", "revoked_ms", "reason")

recipient_key_option = click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="File of the recipient key, as `lake key` made it.",
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_output
def key(output: Output, file: Path) -> None:
    """Draw a recipient key into FILE: what is granted or entrusted is sealed to it."""
    secret = SecretKey.generate()
    secret.save(file)
    value: dict[str, FieldValue] = {
        "file": str(file),
        "public_key": write_base64url(RecipientSecret(secret).public.raw),
    }
    output.show(value, fields)


@click.command()
@click.argument("system")
@click.argument("platform", type=click.Choice([one.value for one in PowerPlatform]))
@with_party
@with_output
def assign(output: Output, party: PartyChoice, system: str, platform: str) -> None:
    """Say which power PLATFORM a SYSTEM belongs to, as the root's platform administrator."""
    identifier, chosen = SystemIdentifier(system), PowerPlatform(platform)
    show_record(output, party.run(lambda one: LakeLedger(one.network).assign_platform(identifier, chosen)))


@click.command()
@click.argument("dataset")
@click.option("--application", required=True, help="The data application that asks.")
@click.option("--for-user", "for_user", required=True, help="Its user, as registered.")
@click.option("--role", required=True, help="The user's role.")
@click.option("--purpose", required=True, help="What for.")
@click.option("--for", "wanted", type=Duration(), required=True, help="For how long, such as 1d.")
@recipient_key_option
@with_party
@with_output
def request(
    output: Output,
    party: PartyChoice,
    dataset: str,
    application: str,
    for_user: str,
    role: str,
    purpose: str,
    wanted: int,
    key_file: Path,
) -> None:
    """Ask for DATASET; the contract decides at once, and says why it refuses."""
    asked = AccessRequest(
        dataset=DatasetIdentifier.parse(dataset),
        application=SystemIdentifier(application),
        user=for_user,
        user_role=role,
        purpose=purpose,
        wanted_ms=wanted,
        recipient=RecipientSecret(SecretKey.load(key_file)).public.raw,
        made_ms=time.time_ns() // 1_000_000,
        nonce=secrets.token_urlsafe(16),
    )
    show_record(output, party.run(lambda one: LakeLedger(one.network).request_access(asked)))


@click.command()
@click.argument("dataset", required=False)
@click.option("--application", help="Those of this data application.")
@click.option("--granted", is_flag=True, help="Those of DATASET that were granted and not revoked.")
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def requests(
    output: Output,
    party: PartyChoice,
    dataset: str | None,
    application: str | None,
    granted: bool,
    bookmark: str,
) -> None:
    """List the access requests for DATASET, or of an application, with decisions and grants."""
    if dataset is None and (application is None or granted):
        raise click.UsageError("want DATASET or --application")
    name = None if dataset is None else DatasetIdentifier.parse(dataset)

    async def read(one: Party) -> None:
        ledger = LakeLedger(one.network)
        if application is not None:
            page = await ledger.accesses_of(SystemIdentifier(application), name, bookmark)
        elif name is not None and granted:
            page = await ledger.grants(name, bookmark)
        elif name is not None:
            page = await ledger.accesses(name, bookmark)
        show_page(output, page, "accesses", _ACCESSES)

    party.run(read)


@click.command()
@click.argument("dataset")
@click.argument("request_ids", metavar="REQUESTS…", nargs=-1, required=True)
@with_owned_lake
@with_party
@with_output
def grant(
    output: Output, party: PartyChoice, lake: LakeChoice, dataset: str, request_ids: tuple[str, ...]
) -> None:
    """Hand key and location of DATASET over for admitted REQUESTS; the owner's agent does it by itself."""
    name = DatasetIdentifier.parse(dataset)

    async def work(one: Party, owned: OwnedLake) -> Sequence[Grant]:
        return await OwnerAgent(LakeLedger(one.network), name.system, owned).grant(name, request_ids)

    with lake.opened() as owned:
        grants = party.run(lambda one: work(one, owned))
    show_records(output, grants, _GRANTS)


@click.command()
@click.argument("dataset")
@click.argument("request_ids", metavar="REQUESTS…", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; everybody reads it.")
@click.option("--all-versions", is_flag=True, help="Seal every version anew, not only the newest.")
@with_owned_lake
@with_party
@with_output
def revoke(
    output: Output,
    party: PartyChoice,
    lake: LakeChoice,
    dataset: str,
    request_ids: tuple[str, ...],
    reason: str,
    all_versions: bool,
) -> None:
    """Revoke REQUESTS for DATASET, seal it anew, and hand the new key to everybody else.

    Versions before the newest stay under the keys that they were sealed with, unless --all-versions: who had
    those keys can read them while it reaches the store. Copies that were made nobody takes back.
    """
    name = DatasetIdentifier.parse(dataset)

    async def work(one: Party, owned: OwnedLake) -> Sequence[Grant]:
        agent = OwnerAgent(LakeLedger(one.network), name.system, owned, all_versions=all_versions)
        return await agent.revoke(name, request_ids, reason)

    with lake.opened() as owned:
        grants = party.run(lambda one: work(one, owned))
        epochs = owned.lake.epochs(name.name)
    given = max((grant.sealed.epoch for grant in grants if grant.sealed), default=0)
    still_open: list[FieldValue] = [version for version, epoch in epochs.items() if epoch <= given]
    value: dict[str, FieldValue] = {
        "grants": [grant.to_value() for grant in grants],
        "still_open_versions": still_open,
    }
    output.show(value, _revoked)


@click.command()
@click.argument("dataset")
@click.option("--bookmark", default="", help="Where the page before ended.")
@with_party
@with_output
def log(output: Output, party: PartyChoice, dataset: str, bookmark: str) -> None:
    """Show the access log of DATASET, the earliest first."""
    name = DatasetIdentifier.parse(dataset)
    page = party.run(lambda one: LakeLedger(one.network).access_log(name, bookmark))
    show_page(output, page, "entries", _LOG)


@click.command("open")
@click.argument("request_id", metavar="REQUEST")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--version", "number", type=click.IntRange(1), help="The version; the newest by default.")
@click.option("--replace", is_flag=True, help="Replace the file if it is there.")
@recipient_key_option
@with_party
@with_output
def open_(
    output: Output,
    party: PartyChoice,
    request_id: str,
    target: Path,
    number: int | None,
    replace: bool,
    key_file: Path,
) -> None:
    """Get what was granted for REQUEST into the file TARGET; the access log gets a line."""
    secret = RecipientSecret(SecretKey.load(key_file))

    async def work(one: Party) -> dict[str, FieldValue]:
        ledger = LakeLedger(one.network)
        async with await open_granted(ledger, request_id, secret, open_store, number=number) as granted:
            statement = granted.opened.version.statement
            with output.bar(str(statement.dataset), granted.reader.size) as progress:
                try:
                    download(granted.reader, target, replace=replace, progress=progress)
                except OSError as error:
                    raise ConfigError(
                        str(error.strerror), key="target", source="argument", value=str(target)
                    ) from error
            return {
                "file": str(target),
                "dataset": str(statement.dataset),
                "number": statement.number,
                "newest": granted.opened.newest,
                "size_bytes": statement.size_bytes,
                "root": str(statement.root),
            }

    output.show(party.run(work), fields)


def _revoked(value: dict[str, Any]) -> RenderableType:
    from rich.console import Group

    rows = record_table(value["grants"], _GRANTS)
    versions = ", ".join(map(str, value["still_open_versions"]))
    if not versions:
        return rows
    said = (
        f"Versions {versions} are sealed with keys that were handed over: who had them can read these "
        "versions while it reaches the store. --all-versions seals them anew, too."
    )
    return Group(rows, said)


commands = (key, assign, request, requests, grant, revoke, log, open_)
