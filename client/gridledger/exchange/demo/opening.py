"""The first acts: systems, devices, fields, the association catalogue, a rule, deposits.

Source: CN112508707B, [0055] to [0079], [0101], [0102].
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gridledger.exchange.demo.made import USER, USER_ROLE
from gridledger.exchange.demo.scene import (
    APPLICATION,
    IDENTITY,
    ROOT,
    Scene,
    aggregation_profile,
    application_profile,
)
from gridledger.exchange.demo.step import ChainEntry, Sheet, Step
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.device import DeviceApproval, ItemResult
from gridledger.model.digest import Digest, DigestTag
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import format_yuan
from gridledger.model.resolution import RuleEntry
from gridledger.model.system import System

__all__ = [
    "FUNCTION",
    "approve_devices",
    "associate",
    "deposit",
    "establish",
    "publish",
    "register_application",
    "register_devices",
    "register_systems",
    "set_rule",
]

FUNCTION = "maintenance"
PAID_IN = (20_000, 20_000, 10_000)
"""Milli-yuan, a note each."""


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
    """Let three business systems apply, be checked and be approved."""
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
    return Step(
        title="Three business systems register",
        text="Each applies; the aggregation system looks up its enterprise (made) and asks its server for a"
        " signed answer; an auditor approves; the ledger gives an identifier and opens an account.",
        chain=chain,
    )


async def register_application(scene: Scene) -> Step:
    """Register the data application and its user, and pay money in."""
    party = scene.cast[APPLICATION]
    applied = await party.ledger.register_system(ROOT, application_profile())
    await scene.aggregation.check(applied.id)
    system = await scene.cast["auditor"].ledger.approve_system(applied.id)
    scene.systems[APPLICATION] = system.identifier
    await scene.cast.even()
    user = await party.ledger.register_user(system.identifier, USER, [USER_ROLE])
    await scene.cast["administrator"].ledger.pay_in(system.identifier, PAID_IN)
    await scene.cast.even()
    notes = await scene.application.purse.notes()
    amounts = ", ".join(format_yuan(note.amount_milliyuan) for note in notes)
    return Step(
        title="A data application registers",
        text="It has a user with a role, and money that the platform recorded as paid in.",
        chain=[
            _system_entry(await party.ledger.system(system.identifier)),
            ChainEntry(key=f"user {system.identifier} {user.name}", value=", ".join(user.roles)),
            ChainEntry(key=f"note {system.identifier} ×{len(notes)}", value=f"{amounts} yuan"),
        ],
    )


async def register_devices(scene: Scene) -> Step:
    """Register devices with own codes, and fields with charging standards."""
    chain: list[ChainEntry] = []
    for owner in scene.owners.values():
        _require_accepted(await owner.register_devices())
        _require_accepted(await owner.register_fields())
        system = await owner.identifier()
        page = await owner.party.ledger.fields(system)
        for device in (await owner.party.ledger.devices(system)).devices:
            known = ", ".join(str(identity) for identity in device.identities)
            chain.append(
                ChainEntry(key=f"device {device.identifier}", value=f"{device.state}, known as {known}")
            )
        for field in page.fields:
            standard = await owner.party.ledger.charging_standard(field.identifier)
            unit = f" in {field.metadata.unit}" if field.metadata.unit else ""
            price = format_yuan(standard.price_milliyuan)
            value = f"{field.metadata.title}{unit}; {price} yuan a query, version {standard.version}"
            chain.append(ChainEntry(key=f"field #{field.identifier.name}", value=value))
    return Step(
        title="Devices, fields and charging standards",
        text="Every owner embeds its own codes in the identifiers. Prices are made.",
        chain=chain,
    )


async def approve_devices(scene: Scene) -> Step:
    """Let the auditor approve that the devices exist."""
    auditor = scene.cast["auditor"].ledger
    devices = [
        device for name, owner in scene.owners.items() for device in owner.devices(scene.systems[name])
    ]
    approvals = [
        DeviceApproval(
            device=device,
            evidence=Digest.tagged(DigestTag.EVIDENCE, f"photograph of {device} (made)".encode()),
        )
        for device in devices
    ]
    _require_accepted(await auditor.approve_devices(ROOT, approvals))
    records = await asyncio.gather(*(auditor.device(device) for device in devices))
    return Step(
        title="An auditor approves that the devices exist",
        text="Until then an identifier is allocated and does not resolve. The evidence stands as a digest.",
        chain=[
            ChainEntry(
                key=f"device {record.identifier}",
                value=f"{record.state}, evidence {str(record.evidence)[:12]}…",
            )
            for record in records
        ],
    )


async def associate(scene: Scene) -> Step:
    """Find the key device and deposit its association catalogue."""
    _require_accepted(await scene.aggregation.associate([IDENTITY]))
    await scene.cast.even()
    association = await scene.cast[APPLICATION].ledger.association(ROOT, IDENTITY)
    return Step(
        title="The key device and its association catalogue",
        text=f"Three systems declare {IDENTITY}: it is a key device. The contract builds the catalogue.",
        chain=[
            ChainEntry(
                key=f"association {association.identity}",
                value=f"{member.device}: {', '.join(member.fields)}",
            )
            for member in association.members
        ],
    )


async def publish(scene: Scene) -> Step:
    """Publish the fields that concern the data application."""
    ledger = scene.cast[APPLICATION].ledger
    association = await ledger.association(ROOT, IDENTITY)
    selectors = tuple(
        Selector(system=member.device.system, name=name)
        for member in association.members
        for name in member.fields
    )
    entry = PublicationEntry(application=scene.systems[APPLICATION], identity=IDENTITY, selectors=selectors)
    publications = await scene.aggregation.publish(entry)
    return Step(
        title="Fields are published to the data application",
        text="Rules can be built on these and no others.",
        chain=[
            ChainEntry(key=f"publication {one.application} {one.system}", value=", ".join(one.names))
            for one in publications
        ],
    )


async def set_rule(scene: Scene) -> Step:
    """Write the resolution rule of the function."""
    party = scene.cast[APPLICATION]
    association = await party.ledger.association(ROOT, IDENTITY)
    selectors = tuple(
        Selector(system=member.device.system, name=name)
        for member in association.members
        for name in member.fields
    )
    application = scene.systems[APPLICATION]
    await party.ledger.set_rule(RuleEntry(application=application, function=FUNCTION, selectors=selectors))
    rule = await party.ledger.rule(application, FUNCTION)
    return Step(
        title="The resolution rule",
        text="The application says which fields its function needs; owners' roles narrow it further.",
        chain=[
            ChainEntry(
                key=f"rule {application} {rule.function}",
                value=f"version {rule.version}: {', '.join(str(one) for one in rule.selectors)}",
            )
        ],
    )


async def deposit(scene: Scene) -> Step:
    """Deposit the Merkle roots of all rows."""
    rows: dict[SystemIdentifier, tuple[int, int]] = {}
    chain: list[ChainEntry] = []
    for name, owner in scene.owners.items():
        deposited = await owner.deposit()
        _require_accepted([one.result for one in deposited])
        rows[scene.systems[name]] = (len(deposited), sum(one.root.rows for one in deposited))
        shown = max(deposited, key=lambda one: one.root.rows).root
        on_chain = await owner.party.ledger.deposit(shown.field, shown.period)
        value = f"{on_chain.root.rows} rows, root {str(on_chain.root.root)[:16]}…"
        chain.append(ChainEntry(key=f"deposit {shown.field} {shown.period}", value=value))
    return Step(
        title="Owners deposit the roots of their rows",
        text="A Merkle root per field and period; each row's leaf has a secret salt of 16 bytes, so a root"
        " says nothing about values. One of each system is shown.",
        chain=chain,
        sheets=[
            Sheet(
                title="Deposited",
                columns=("system", "roots", "leaves"),
                rows=[(str(system), str(count), str(leaves)) for system, (count, leaves) in rows.items()],
            )
        ],
    )


def _system_entry(system: System) -> ChainEntry:
    profile = system.profile
    value = f"{profile.name}, {profile.enterprise.name}, {system.agent.msp_id}, {system.state}"
    return ChainEntry(key=f"system {system.identifier}", value=value)


def _require_accepted(results: Iterable[ItemResult]) -> None:
    problems = {result.item: result.message or "" for result in results if not result.accepted}
    if problems:
        raise ModelError(problems, subject="batch")
