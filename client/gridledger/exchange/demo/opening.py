"""The first acts: systems, users, devices and the label on one of them.

Source: CN112508707B, [0055] to [0074].
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from gridledger.exchange.demo.devices import INVERTER
from gridledger.exchange.demo.made import ENGINEER, ENGINEER_ROLE, USER, USER_ROLE
from gridledger.exchange.demo.scene import (
    APPLICATION,
    ROOT,
    Scene,
    aggregation_profile,
    application_profile,
)
from gridledger.exchange.demo.step import ChainEntry, Sheet, Step
from gridledger.exchange.label import Label, label_sheet
from gridledger.model.device import MAX_BATCH_ITEMS, DeviceApproval, ItemResult
from gridledger.model.digest import Digest, DigestTag
from gridledger.model.errors import ModelError
from gridledger.model.money import format_yuan
from gridledger.model.system import System

__all__ = [
    "ACTS",
    "FUNCTION",
    "PAID_IN",
    "approve_devices",
    "establish",
    "parts",
    "put_labels",
    "register_application",
    "register_devices",
    "register_systems",
    "require_accepted",
]

Item = TypeVar("Item")

FUNCTION: Final = "maintenance"
PAID_IN: Final = (40_000, 40_000, 40_000)
"""Milli-yuan, a note each."""

_LABELS_SHOWN: Final = 24
"""Labels on the sheet: one page."""


async def establish(scene: Scene) -> Step:
    """Establish the aggregation system."""
    await scene.aggregation.establish(aggregation_profile())
    system = await scene.cast["auditor"].ledger.system(ROOT)
    return Step(
        title="The aggregation system is established",
        text=f"It holds the root {ROOT}; auditors and administrators of its organisation count below it.",
        chain=[_system_entry(system)],
    )


async def register_systems(scene: Scene) -> Step:
    """Let five business systems apply, be checked and be approved."""
    chain: list[ChainEntry] = []
    for name, owner in scene.owners.items():
        application = await owner.apply(scene.servers.urls[name])
        checked = await scene.aggregation.check(application.id)
        await scene.cast["auditor"].ledger.approve_system(application.id)
        identifier = await owner.wait_approved()
        scene.systems[name] = identifier
        check = checked.check
        if check is not None:
            found = f"enterprise found, server answers with the agent's key, credit {check.credit}"
            problems = "; ".join(check.problems()) or found
            chain.append(ChainEntry(key=f"application {application.id[:12]}…", value=problems))
        chain.append(_system_entry(await scene.cast["auditor"].ledger.system(identifier)))
    databases = [(owner.settings.name, scene.stores.kind(name)) for name, owner in scene.owners.items()]
    lacking = scene.stores.lacking
    return Step(
        title="Five business systems register",
        text="Each applies; the aggregation system looks up its enterprise (made) and asks its server for a"
        " signed answer; an auditor approves; the ledger gives an identifier and opens an account."
        + (f" All stand on SQLite: there is no PostgreSQL here ({lacking})." if lacking else ""),
        chain=chain,
        sheets=[Sheet(title="Their own databases", columns=("system", "database"), rows=databases)],
    )


async def register_application(scene: Scene) -> Step:
    """Register the data application and its users, and pay money in."""
    party = scene.cast[APPLICATION]
    applied = await party.ledger.register_system(ROOT, application_profile())
    await scene.aggregation.check(applied.id)
    system = await scene.cast["auditor"].ledger.approve_system(applied.id)
    scene.systems[APPLICATION] = system.identifier
    await scene.cast.even()
    users = [
        await party.ledger.register_user(system.identifier, name, [role])
        for name, role in ((USER, USER_ROLE), (ENGINEER, ENGINEER_ROLE))
    ]
    await scene.cast["administrator"].ledger.pay_in(system.identifier, PAID_IN)
    await scene.cast.even()
    notes = await scene.application.purse.notes()
    amounts = ", ".join(format_yuan(note.amount_milliyuan) for note in notes)
    return Step(
        title="A data application registers",
        text="It has two users with a role each, and money that the platform recorded as paid in.",
        chain=[
            _system_entry(await party.ledger.system(system.identifier)),
            *(
                ChainEntry(key=f"user {system.identifier} {user.name}", value=", ".join(user.roles))
                for user in users
            ),
            ChainEntry(key=f"note {system.identifier} ×{len(notes)}", value=f"{amounts} yuan"),
        ],
    )


async def register_devices(scene: Scene) -> Step:
    """Register devices with own codes, and fields with charging standards, in batches."""
    rows: list[tuple[str, str, str]] = []
    # One system after the other: those that name the same devices write the same keys.
    for owner in scene.owners.values():
        require_accepted(await owner.register_devices())
    fields = await asyncio.gather(*(owner.register_fields() for owner in scene.owners.values()))
    for (name, owner), results in zip(scene.owners.items(), fields, strict=True):
        require_accepted(results)
        devices = len(owner.settings.devices)
        rows.append((f"{scene.systems[name]} {owner.settings.name}", str(devices), str(len(results))))
    chain = [entry for name in scene.owners for entry in await _catalogue_entries(scene, name)]
    return Step(
        title="Devices, fields and charging standards",
        text="Every owner embeds its own codes in the identifiers, up to 2,000 in a transaction. Shown is"
        f" what stands on chain of the {INVERTER.name[0].lower()}{INVERTER.name[1:]}; prices are made.",
        chain=chain,
        sheets=[Sheet(title="Registered", columns=("system", "devices", "fields"), rows=rows)],
    )


async def approve_devices(scene: Scene) -> Step:
    """Let the auditor approve that the devices exist."""
    auditor = scene.cast["auditor"].ledger
    owned = {name: owner.devices(scene.systems[name]) for name, owner in scene.owners.items()}
    approvals = [
        DeviceApproval(
            device=device,
            evidence=Digest.tagged(DigestTag.EVIDENCE, f"photograph of {device} (made)".encode()),
        )
        for devices in owned.values()
        for device in devices
    ]
    for part in parts(approvals, MAX_BATCH_ITEMS):
        require_accepted(await auditor.approve_devices(ROOT, part))
    records = await asyncio.gather(*(auditor.device(devices[0]) for devices in owned.values()))
    return Step(
        title=f"An auditor approves that {len(approvals)} devices exist",
        text="Until then an identifier is allocated and does not resolve. The evidence stands as a digest.",
        chain=[
            ChainEntry(
                key=f"device {record.identifier}",
                value=f"{record.state}, evidence {str(record.evidence)[:12]}…",
            )
            for record in records
        ],
    )


async def put_labels(scene: Scene) -> Step:
    """Let the manufacturer print labels, and put one on the inverter."""
    await asyncio.to_thread(scene.label_image.write_bytes, scene.label.png())
    system = scene.systems["production"]
    devices = scene.owners["production"].settings.devices[:_LABELS_SHOWN]
    labels = [
        Label(identifier=system.device(one.own_code), resolver=scene.label.resolver, title=one.name)
        for one in devices
    ]
    sheet = await asyncio.to_thread(label_sheet, labels, heading=f"Labels of {system}")
    path = scene.folder / "labels.html"
    await asyncio.to_thread(path.write_text, sheet, encoding="utf-8")
    written = [
        (path.name, f"a page of {len(labels)} labels to print"),
        (scene.label_image.name, scene.label.url),
    ]
    return Step(
        title="The manufacturer puts labels on its devices",
        text="A QR code holds the identifier as a URL and nothing else.",
        sheets=[Sheet(title="Written", columns=("file", "holds"), rows=written)],
    )


ACTS: Final = (
    establish,
    register_systems,
    register_application,
    register_devices,
    approve_devices,
    put_labels,
)


def require_accepted(results: Iterable[ItemResult]) -> None:
    """Refuse a batch of which an item was refused.

    Raises
    ------
    ModelError
        Naming the refused items.
    """
    problems = {result.item: result.message or "" for result in results if not result.accepted}
    if problems:
        raise ModelError(problems, subject="batch")


def parts(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """Part items into batches."""
    for start in range(0, len(items), most):
        yield items[start : start + most]


async def _catalogue_entries(scene: Scene, name: str) -> list[ChainEntry]:
    """Read back the first device of an owner, with its fields and what they cost."""
    ledger = scene.owners[name].party.ledger
    device = await ledger.device(scene.owners[name].devices(scene.systems[name])[0])
    known = ", ".join(str(identity) for identity in device.identities)
    chain = [ChainEntry(key=f"device {device.identifier}", value=f"{device.state}, known as {known}")]
    for field_name in device.fields:
        identifier = device.identifier.field(field_name)
        field, standard = await asyncio.gather(ledger.field(identifier), ledger.charging_standard(identifier))
        unit = f" in {field.metadata.unit}" if field.metadata.unit else ""
        price = format_yuan(standard.price_milliyuan)
        roles = ", ".join(field.metadata.roles)
        value = f"{field.metadata.title}{unit}; {price} yuan a query; {roles}"
        chain.append(ChainEntry(key=f"field #{field_name}", value=value))
    return chain


def _system_entry(system: System) -> ChainEntry:
    profile = system.profile
    value = f"{profile.name}, {profile.enterprise.name}, {system.agent.msp_id}, {system.state}"
    return ChainEntry(key=f"system {system.identifier}", value=value)
