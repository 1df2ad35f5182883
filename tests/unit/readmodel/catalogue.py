"""A catalogue of any size, as records: what a benchmark and tests of searches fill models with."""

from __future__ import annotations

from collections.abc import Iterator

from tests.unit.readmodel.chain import write

from gridledger.chaincode.ledger_key import device_key, field_key, publication_key, standard_key, system_key
from gridledger.client.write_set import KeyWrite
from gridledger.model.catalogue import Publication
from gridledger.model.device import ChargingStandard, DeclaredIdentity, Device, FieldMetadata, RegisteredField
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.search import Viewer
from gridledger.model.states import IdentifierState
from gridledger.model.system import Agent, Enterprise, System, SystemKind, SystemProfile

__all__ = ["ADMITTED", "APPLICATION", "ROOT", "VIEWER", "catalogue"]

ROOT = SystemIdentifier("88.1042")
APPLICATION = ROOT.child(1000)
ADMITTED = "maintenance-worker"
VIEWER = Viewer(system=APPLICATION, user="worker-7", user_role=ADMITTED)

_FIELDS_A_DEVICE = 10
_DEVICES_A_SYSTEM = 100
_SEEN_A_SYSTEM = 5
"""Of a device's fields the first five are published; of them, the owner admits the role to three."""
_REGIONS = ("Zhejiang", "Jiangsu", "Qinghai", "Hebei")
_QUANTITIES = ("power", "energy", "voltage", "current", "temperature")


def system(identifier: SystemIdentifier, kind: SystemKind, name: str, region: str) -> System:
    return System(
        identifier=identifier,
        root=ROOT,
        profile=SystemProfile(
            kind=kind,
            enterprise=Enterprise(name=f"{name} company", code="91330700MA2XXXXXX1", region=region),
            name=name,
            introduction="made",
            server="https://made.example",
        ),
        agent=Agent(msp_id="Org2MSP", subject=name, public_key=b"\x02" + bytes(32)),
        credit=80,
        state=IdentifierState.ACTIVE,
        registered_ms=1,
    )


def catalogue(fields: int) -> Iterator[list[KeyWrite]]:
    """Make writes of about that many fields: ten a device, a thousand a system, one list for each system.

    Every field says `active`, a fifth each quantity, one field in a thousand `rarity`, one in ten thousand
    `singular` as well; titles are in English and Chinese.
    """
    yield [
        write(system_key(ROOT), system(ROOT, SystemKind.AGGREGATION_SYSTEM, "aggregation", "Beijing")),
        write(
            system_key(APPLICATION), system(APPLICATION, SystemKind.DATA_APPLICATION, "lifecycle", "Beijing")
        ),
    ]
    made = number = 0
    while made < fields:
        number += 1
        count = min(fields - made, _FIELDS_A_DEVICE * _DEVICES_A_SYSTEM)
        yield list(_system_writes(ROOT.child(number), number, made, count))
        made += count


def _system_writes(owner: SystemIdentifier, number: int, first: int, fields: int) -> Iterator[KeyWrite]:
    region = _REGIONS[number % len(_REGIONS)]
    names = [f"q{place}_{_QUANTITIES[place % len(_QUANTITIES)]}" for place in range(_FIELDS_A_DEVICE)]
    yield write(system_key(owner), system(owner, SystemKind.BUSINESS_SYSTEM, f"monitoring {number}", region))
    published = Publication(
        application=APPLICATION, system=owner, names=tuple(sorted(names[:_SEEN_A_SYSTEM])), published_ms=1
    )
    yield write(publication_key(APPLICATION, owner), published)
    for place in range(fields):
        device_number, field_number = divmod(place, _FIELDS_A_DEVICE)
        device = owner.device(f"INV{device_number:03}")
        if field_number == 0:
            found = Device(
                identifier=device,
                name=f"逆变器 inverter {device_number}",
                kind="inverter",
                identities=(DeclaredIdentity(scheme="plant", value=f"P{device_number % 20}"),),
                fields=(),
                state=IdentifierState.ACTIVE,
                registered_ms=1,
            )
            yield write(device_key(device), found)
        name = names[field_number]
        rare = " rarity" * ((first + place) % 1000 == 2) + " singular" * ((first + place) % 10_000 == 2)
        metadata = FieldMetadata(
            title=f"光伏功率 active {name}{rare}",
            unit="kW",
            data_type="number",
            frequency=Frequency.DAY,
            roles=(ADMITTED,) if field_number < 3 else ("auditor",),
        )
        field = device.field(name)
        registered = RegisteredField(
            identifier=field, metadata=metadata, state=IdentifierState.ACTIVE, registered_ms=1
        )
        yield write(field_key(field), registered)
        standard = ChargingStandard(field=field, version=1, price_milliyuan=100, valid_from_ms=1)
        yield write(standard_key(field), standard)
