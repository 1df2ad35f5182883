"""Batch registration: identifiers of devices and fields a second, 2,000 a call, by one business system.

python -m tests.bench.registration_bench [--world devnet|fabric] [--in-flight 2] [--record]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from dataclasses import dataclass
from itertools import count, product
from statistics import median

from tests.bench.ground import BOTH, Ground, options
from tests.bench.machine import cpu_seconds
from tests.bench.report import Report

from gridledger.client.time_mark import TimeMarkAgent
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.party import Party
from gridledger.exchange.registrations import BATCHES_IN_FLIGHT, Registrations
from gridledger.model.code_pattern import CodePattern
from gridledger.model.coding_rule import CodeForm, CodingRuleEntry
from gridledger.model.device import MAX_BATCH_ITEMS, DeviceEntry, FieldEntry, FieldMetadata
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.roles import CertificateAttribute, Role, write_roles
from gridledger.model.system import Enterprise, SystemCheck, SystemKind, SystemProfile
from gridledger.network import World
from gridledger.web import Authorities

_CHAINCODE = "gridledger"
_ROOT = SystemIdentifier("88.1042")
_LEAST_RATE = 3_000.0
_KINDS = ("devices", "fields")
_ROLES = {
    "aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "auditor": ("org1", Role.AUDITOR),
    "agent": ("org1", Role.AGENT),
    "owner": ("org2", Role.BUSINESS_SYSTEM),
}


@dataclass(frozen=True, kw_only=True)
class _Round:
    kind: str
    in_flight: int
    identifiers: int
    seconds: float
    cpu_seconds: dict[str, float]
    """By what used it: the chaincode of both organisations, the network, the client."""

    @property
    def rate(self) -> float:
        return self.identifiers / self.seconds


def _profile(kind: SystemKind, name: str) -> SystemProfile:
    enterprise = Enterprise(name=f"{name} (made)", code="91330700MADEBENCH1", region="Jinhua")
    return SystemProfile(
        kind=kind, enterprise=enterprise, name=name, introduction="", server="https://bench.invalid"
    )


def _devices(number: int) -> list[DeviceEntry]:
    return [
        DeviceEntry(
            own_code=f"2050.{number:03}.{device // 100:03}.BLK{device % 100:02}.MTR01",
            name=f"Meter {device}",
            kind="meter",
        )
        for device in range(MAX_BATCH_ITEMS)
    ]


def _fields(devices: list[DeviceEntry]) -> list[FieldEntry]:
    metadata = FieldMetadata(
        title="AC power",
        unit="kW",
        data_type="number",
        frequency=Frequency.DAY,
        roles=("maintenance-worker",),
    )
    return [
        FieldEntry(own_code=device.own_code, name="ac_power", metadata=metadata, price_milliyuan=1200)
        for device in devices
    ]


def _enrol(ground: Ground) -> None:
    for name, (organisation, role) in _ROLES.items():
        attributes = {CertificateAttribute.ROLE.value: write_roles([role])}
        if name not in ground.network.organisation(organisation).users():
            ground.network.enrol(org=organisation, user=name, attributes=attributes)


def _party(ground: Ground, name: str) -> Party:
    organisation, _ = _ROLES[name]
    connection = ground.network.connection(org=organisation, user=name, chaincode=_CHAINCODE)
    folders = {one.msp_id: one.path / "msp" for one in ground.network.organisations}
    return Party.connect(connection, Authorities.from_msp_folders(folders))


async def _registered(parties: dict[str, Party]) -> SystemIdentifier:
    """Register the owner's system, and lay down its coding rule."""
    ledger = {name: party.ledger for name, party in parties.items()}
    await ledger["aggregation"].establish(_ROOT, _profile(SystemKind.AGGREGATION_SYSTEM, "aggregation"))
    await until_seen(lambda: ledger["owner"].system(_ROOT))
    applied = await ledger["owner"].register_system(_ROOT, _profile(SystemKind.BUSINESS_SYSTEM, "owner"))
    await until_seen(lambda: ledger["aggregation"].application(applied.id))
    check = SystemCheck(enterprise_found=True, server_answered=True, credit=80)
    await ledger["aggregation"].deposit_check(applied.id, check)
    system = (await ledger["auditor"].approve_system(applied.id)).identifier
    rule = CodingRuleEntry(
        system=system,
        data_type="readings",
        forms=(
            CodeForm(kind="meter", pattern=CodePattern("2050.{digit:3}.{digit:3}.BLK{digit:2}.MTR{digit:2}")),
        ),
        identifiers=0,
        growth_a_year=100_000,
    )
    await ledger["aggregation"].lay_down_coding_rule(rule)
    await until_seen(lambda: ledger["owner"].coding_rule(system))
    return system


def _cpu(pids: dict[str, list[int]]) -> dict[str, float]:
    return {what: sum(map(cpu_seconds, found)) for what, found in pids.items()}


async def _measure(ground: Ground, pids: dict[str, list[int]], given: argparse.Namespace) -> list[_Round]:
    parties = {name: _party(ground, name) for name in _ROLES}
    async with TimeMarkAgent(parties["agent"].network):
        system = await _registered(parties)
        found: list[_Round] = []
        numbers = count()
        for turn in range(-1, given.rounds):
            for in_flight in (1, given.in_flight):
                owner = Registrations(parties["owner"].ledger, system, in_flight=in_flight)
                devices = [one for _ in range(given.transactions) for one in _devices(next(numbers))]
                for kind in _KINDS:
                    before, started = _cpu(pids), time.perf_counter()
                    if kind == "devices":
                        results = await owner.devices(devices)
                    else:
                        results = await owner.fields(_fields(devices))
                    seconds, after = time.perf_counter() - started, _cpu(pids)
                    if not all(result.accepted for result in results):
                        raise RuntimeError(f"refused: {next(one for one in results if not one.accepted)}")
                    used = {what: after[what] - before[what] for what in after}
                    if turn >= 0:  # The first one fills caches.
                        found.append(
                            _Round(
                                kind=kind,
                                in_flight=in_flight,
                                identifiers=len(results),
                                seconds=seconds,
                                cpu_seconds=used,
                            )
                        )
    await asyncio.gather(*(party.close() for party in parties.values()))
    return found


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=4, rounds=3, in_flight=BATCHES_IN_FLIGHT)
    with Ground.open(given) as ground:
        ground.network.deploy(_CHAINCODE, "gridledger.chaincode:GridLedger", policy=BOTH)
        wanted = {
            ground.network.chaincode_component(_CHAINCODE, one.name) for one in ground.network.organisations
        }
        running = [one for one in ground.network.status().components if one.pid is not None]
        pids = {
            "chaincode": [one.pid for one in running if one.pid and one.name in wanted],
            "network": [one.pid for one in running if one.pid and one.name not in wanted],
            "client": [os.getpid()],
        }
        _enrol(ground)
        found = asyncio.run(_measure(ground, pids, given))
        report = Report(
            target="bench-registration",
            title=f"Batch registration: {MAX_BATCH_ITEMS} identifiers a call, one business system",
            world=ground.world,
            machine=ground.machine,
            headers=(
                "what",
                "calls in flight",
                "identifiers/s",
                "rounds",
                "CPU us each: both chaincodes, network, client",
            ),
        )
        for kind, in_flight in product(_KINDS, (1, given.in_flight)):
            rounds = [one for one in found if (one.kind, one.in_flight) == (kind, in_flight)]
            rate = median(one.rate for one in rounds)
            used = [median(1e6 * one.cpu_seconds[what] / one.identifiers for one in rounds) for what in pids]
            report.row(
                kind,
                str(in_flight),
                f"{rate:.0f}",
                ", ".join(f"{one.rate:.0f}" for one in rounds),
                ", ".join(f"{one:.0f}" for one in used),
            )
            if in_flight == given.in_flight:
                report.compare(f"registered {kind}", rate, ">=", _LEAST_RATE, "/s")
                report.note(
                    f"{kind}: {ground.machine.cores} cores have CPU for"
                    f" {ground.machine.cores * 1e6 / sum(used):.0f}/s, if nothing else runs on them."
                )
        report.note(
            f"Medians of {given.rounds} rounds of {given.transactions} calls; every code is checked against a"
            " coding rule, and a field comes with its charging standard."
        )
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
