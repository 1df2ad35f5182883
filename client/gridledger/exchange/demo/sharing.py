"""The acts of sharing: association catalogues, publication, rules, deposits.

Source: CN112508707B, [0075] to [0079], [0086], [0101], [0102].
"""

from __future__ import annotations

import asyncio
from typing import Final

from gridledger.exchange.demo.opening import FUNCTION, parts, require_accepted
from gridledger.exchange.demo.scene import APPLICATION, IDENTITY, ROOT, Scene
from gridledger.exchange.demo.step import ChainEntry, Sheet, Step
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.resolution import Rule, RuleEntry

__all__ = ["ACTS", "TRACING", "associate", "deposit", "publish", "set_rules"]

TRACING: Final = "quality-traceability"

_ASSOCIATIONS_A_CALL: Final = 500


async def associate(scene: Scene) -> Step:
    """Deposit the association catalogues of the key devices."""
    declared = {
        identity: None
        for owner in scene.owners.values()
        for device in owner.settings.devices
        for identity in device.identities
    }
    for part in parts(list(declared), _ASSOCIATIONS_A_CALL):
        require_accepted(await scene.aggregation.associate(part))
    await scene.cast.even()
    association = await scene.cast[APPLICATION].ledger.association(ROOT, IDENTITY)
    return Step(
        title="Key devices and their association catalogues",
        text=f"{len(declared)} devices are declared by two systems or more: they are key devices. The"
        f" contract builds their catalogues. {IDENTITY}, which all five know, is shown.",
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
    entry = PublicationEntry(
        application=scene.systems[APPLICATION], identity=IDENTITY, selectors=await _selectors(scene)
    )
    publications = await scene.aggregation.publish(entry)
    return Step(
        title="Fields are published to the data application",
        text="Rules can be built on these and no others.",
        chain=[
            ChainEntry(key=f"publication {one.application} {one.system}", value=", ".join(one.names))
            for one in publications
        ],
    )


async def set_rules(scene: Scene) -> Step:
    """Write the resolution rules of both functions."""
    party, application = scene.cast[APPLICATION], scene.systems[APPLICATION]
    selectors = await _selectors(scene)
    rules: list[Rule] = []
    for function in (FUNCTION, TRACING):
        entry = RuleEntry(application=application, function=function, selectors=selectors)
        await party.ledger.set_rule(entry)
        rules.append(await party.ledger.rule(application, function))
    return Step(
        title="Two functions and their resolution rules",
        text="The application says which fields a function needs. Both name the same; who asks decides"
        " which come of it, since owners' roles narrow a rule.",
        chain=[
            ChainEntry(
                key=f"rule {application} {rule.function}",
                value=f"version {rule.version}: {', '.join(str(one) for one in rule.selectors)}",
            )
            for rule in rules
        ],
    )


async def deposit(scene: Scene) -> Step:
    """Deposit the Merkle roots of all rows."""
    rows: list[tuple[str, str, str]] = []
    chain: list[ChainEntry] = []
    found = await asyncio.gather(*(owner.deposit() for owner in scene.owners.values()))
    for (name, owner), deposited in zip(scene.owners.items(), found, strict=True):
        require_accepted([one.result for one in deposited])
        leaves = sum(one.root.rows for one in deposited)
        rows.append((str(scene.systems[name]), str(len(deposited)), str(leaves)))
        shown = max(deposited, key=lambda one: one.root.rows).root
        on_chain = await owner.party.ledger.deposit(shown.field, shown.period)
        value = f"{on_chain.root.rows} rows, root {str(on_chain.root.root)[:16]}…"
        chain.append(ChainEntry(key=f"deposit {shown.field} {shown.period}", value=value))
    return Step(
        title="Owners deposit the roots of their rows",
        text="A Merkle root per field and period, 1,000 in a transaction; each row's leaf has a secret salt"
        " of 16 bytes, so a root says nothing about values. One of each system is shown.",
        chain=chain,
        sheets=[Sheet(title="Deposited", columns=("system", "roots", "leaves"), rows=rows)],
    )


ACTS: Final = (associate, publish, set_rules, deposit)


async def _selectors(scene: Scene) -> tuple[Selector, ...]:
    association = await scene.cast[APPLICATION].ledger.association(ROOT, IDENTITY)
    return tuple(
        Selector(system=member.device.system, name=name)
        for member in association.members
        for name in member.fields
    )
