"""The full-text index: which words find a field or a device, and who may see it.

Who may see what is part of what is searched, so the store filters and no row is read in vain. A field has a
token for its owner, one for the platform of its root, and one for each application and user role by which it
may be had now: field, device and system are active, its name is published to the application, its owner
admits the role. A device is seen by whoever sees one of its fields, and found by its own words alone: not by
names of fields that a viewer does not see. Whatever changes one of these writes the tokens anew, in the
transaction that takes the change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from pydantic_core import to_json

from gridledger.exchange.readmodel.words import Token, index_tokens, token, viewer_token
from gridledger.model.device import ChargingStandard, Device, RegisteredField
from gridledger.model.states import IdentifierState

__all__ = ["Index", "application_viewer", "owner_viewer", "platform_viewer"]

_ACTIVE = IdentifierState.ACTIVE.value

_Prices: TypeAlias = "list[tuple[int, int | None, int]]"


def owner_viewer(system: str) -> str:
    """Return the token of a system that sees what is its own."""
    return viewer_token("owner", system)


def platform_viewer(root: str) -> str:
    """Return the token of those who see everything below a root."""
    return viewer_token("platform", root)


def application_viewer(application: str, user_role: str) -> str:
    """Return the token of a data application's users with a role."""
    return viewer_token("application", application, user_role)


@dataclass(frozen=True, kw_only=True, slots=True)
class _System:
    identifier: str
    root: str
    state: str
    name: str
    enterprise: str
    region: str


class Index:
    """Collects what has changed in a block, and writes its tokens anew.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._fields: dict[str, None] = {}
        self._devices: dict[str, None] = {}
        self._systems: dict[str, _System | None] = {}
        self._published: dict[tuple[str, str], list[str]] = {}
        # What the block has brought need not be read from the tables again.
        self._new_fields: dict[str, RegisteredField] = {}
        self._new_standards: dict[str, ChargingStandard] = {}
        self._new_devices: dict[str, Device] = {}
        self._hits: dict[str, list[tuple[str, int]]] = {"device": [], "field": []}
        self._tokens: dict[str, list[tuple[int, str]]] = {"device": [], "field": []}
        self._seeing: list[tuple[int, str, str]] = []

    def field_changed(self, field: str, record: RegisteredField) -> None:
        """Note that a field has changed."""
        self._fields[field] = None
        self._new_fields[field] = record

    def standard_changed(self, field: str, record: ChargingStandard) -> None:
        """Note that a field's charging standard has changed."""
        self._fields[field] = None
        self._new_standards[field] = record

    def device_changed(self, device: str, record: Device) -> None:
        """Note that a device has changed, and so what finds its fields."""
        self._devices[device] = None
        self._new_devices[device] = record

    def selector_changed(self, system: str, name: str) -> None:
        """Note that the applications have changed to which a system's fields of a name are published."""
        found = self._connection.execute(
            "SELECT identifier FROM field WHERE name = ?2 AND system IN"
            " (SELECT ?1 UNION SELECT system FROM former WHERE prefix = ?1) ORDER BY id",
            (system, name),
        )
        self._fields.update(dict.fromkeys(identifier for (identifier,) in found))

    def system_changed(self, system: str) -> None:
        """Note that a system has changed, and so what finds its devices and fields."""
        found = self._connection.execute(
            "SELECT identifier FROM device WHERE system = ? ORDER BY id", (system,)
        )
        self._devices.update(dict.fromkeys(identifier for (identifier,) in found))

    def remove_field(self, field: str) -> None:
        """Take a field out of the index."""
        self._connection.execute(
            "DELETE FROM field_index WHERE rowid = (SELECT id FROM field WHERE identifier = ?)", (field,)
        )
        self._fields.pop(field, None)
        self._new_fields.pop(field, None)
        self._devices[field.rpartition("#")[0]] = None

    def remove_device(self, device: str) -> None:
        """Take a device out of the index."""
        key = "(SELECT id FROM device WHERE identifier = ?)"
        self._connection.execute(f"DELETE FROM device_index WHERE rowid = {key}", (device,))  # noqa: S608
        self._connection.execute(f"DELETE FROM device_viewer WHERE device = {key}", (device,))  # noqa: S608
        self._devices.pop(device, None)
        self._new_devices.pop(device, None)

    def write(self) -> None:
        """Write the tokens of what has changed, device by device."""
        changed: dict[str, set[str]] = {device: set() for device in self._devices}
        for field in self._fields:
            changed.setdefault(field.rpartition("#")[0], set()).add(field)
        for device, fields in changed.items():
            self._find_device(device, None if device in self._devices else fields)
        many = self._connection.executemany
        for table, hits in self._hits.items():
            many(f"UPDATE {table} SET hit = ? WHERE id = ?", hits)  # noqa: S608
            many(
                f"INSERT OR REPLACE INTO {table}_index (rowid, tokens) VALUES (?, ?)",  # noqa: S608
                self._tokens[table],
            )
        many("DELETE FROM device_viewer WHERE device = ?", [(row,) for _, row in self._hits["device"]])
        many("INSERT INTO device_viewer VALUES (?, ?, ?)", self._seeing)

    def _find_device(self, identifier: str, changed: set[str] | None) -> None:
        """Say what finds a device and those of its fields that have changed, all with None."""
        row = self._connection.execute(
            "SELECT id, system, state, record FROM device WHERE identifier = ?", (identifier,)
        ).fetchone()
        system = None if row is None else self._system(row[1])
        if system is None:
            # Its record could not be read, and stands in the table of those.
            return
        device_id, _, state, record = row
        device = self._new_devices.get(identifier) or Device.from_bytes(record.encode())
        about = _about(device, system)
        seeing: dict[str, str] = {}
        active = state == _ACTIVE and system.state == _ACTIVE
        fields = self._connection.execute(
            "SELECT field.id, identifier, name, state, field.record, standard.record FROM field"
            " LEFT JOIN standard ON standard.field = identifier WHERE device = ? ORDER BY name",
            (identifier,),
        ).fetchall()
        hit = _device_hit(device, system)
        for field_id, field, name, field_state, field_record, standard in fields:
            seen = active and field_state == _ACTIVE
            applications = self._applications(system.identifier, name) if seen else []
            is_changed = changed is None or field in changed
            if not (applications or is_changed):
                continue
            found = self._new_fields.get(field) or RegisteredField.from_bytes(field_record.encode())
            viewers = [application_viewer(one, role) for one in applications for role in found.metadata.roles]
            for viewer in viewers:
                seeing.setdefault(viewer, field)
            if is_changed:
                prices = self._prices(field, standard)
                self._find_field(field_id, found, prices, hit, [*about, *viewers])
        self._seeing += [(device_id, viewer, field) for viewer, field in seeing.items()]
        self._put("device", device_id, {*about, *seeing}, hit)

    def _prices(self, field: str, standard: str | None) -> _Prices:
        if standard is None:
            return []
        return _prices(self._new_standards.get(field) or ChargingStandard.from_bytes(standard.encode()))

    def _find_field(
        self,
        field_id: int,
        field: RegisteredField,
        prices: _Prices,
        device: Mapping[str, object],
        tokens: list[str],
    ) -> None:
        metadata = field.metadata
        texts = (metadata.title, metadata.description, metadata.unit, metadata.data_type, metadata.region)
        told = _all_tokens(field.identifier.name, *texts)
        exact = [token(Token.UNIT, metadata.unit), token(Token.DATA_TYPE, metadata.data_type)]
        if metadata.region is not None:
            exact.append(token(Token.REGION, metadata.region))
        hit = {
            "field": str(field.identifier),
            "title": metadata.title,
            "unit": metadata.unit,
            "data_type": metadata.data_type,
            "frequency": metadata.frequency.value,
            "state": field.state.value,
            "prices": prices,
            "device": device,
        }
        self._put("field", field_id, {*tokens, *told, *exact}, hit)

    def _put(self, table: str, row: int, tokens: set[str], hit: Mapping[str, object]) -> None:
        self._hits[table].append((to_json(hit).decode(), row))
        self._tokens[table].append((row, " ".join(sorted(tokens))))

    def _system(self, identifier: str) -> _System | None:
        if identifier not in self._systems:
            row = self._connection.execute(
                "SELECT root, state, name, enterprise, region FROM system WHERE identifier = ?", (identifier,)
            ).fetchone()
            self._systems[identifier] = (
                None
                if row is None
                else _System(
                    identifier=identifier,
                    root=row[0],
                    state=row[1],
                    name=row[2],
                    enterprise=row[3],
                    region=row[4],
                )
            )
        return self._systems[identifier]

    def _applications(self, system: str, name: str) -> list[str]:
        if (system, name) not in self._published:
            found = self._connection.execute(
                "SELECT DISTINCT application FROM publication WHERE name = ?2 AND system IN"
                " (SELECT ?1 UNION SELECT prefix FROM former WHERE system = ?1) ORDER BY application",
                (system, name),
            )
            self._published[system, name] = [application for (application,) in found]
        return self._published[system, name]


def _about(device: Device, system: _System) -> list[str]:
    """Return the tokens that a device and each of its fields share."""
    identities = [text for one in device.identities for text in (one.scheme, one.value)]
    former = [one.own_code for one in device.former or ()]
    return [
        *_all_tokens(device.name, device.kind, device.identifier.own_code, *identities, *former),
        *_all_tokens(device.description, device.region, system.name, system.enterprise, system.region),
        token(Token.KIND, device.kind),
        *(token(Token.REGION, region) for region in (device.region, system.region) if region is not None),
        token(Token.OWNER, system.identifier),
        *(token(Token.IDENTITY, str(one)) for one in device.identities),
        owner_viewer(system.identifier),
        platform_viewer(system.root),
    ]


def _prices(standard: ChargingStandard) -> _Prices:
    """Return beginning, end and price of a charging standard's terms, the last first."""
    terms = (standard, standard.earlier)
    return [(one.valid_from_ms, one.valid_until_ms, one.price_milliyuan) for one in terms if one is not None]


def _device_hit(device: Device, system: _System) -> dict[str, object]:
    return {
        "device": str(device.identifier),
        "name": device.name,
        "kind": device.kind,
        "state": device.state.value,
        "identities": [one.to_value() for one in device.identities],
        "owner": system.enterprise,
        "region": device.region or system.region,
    }


def _all_tokens(*texts: str | None) -> list[str]:
    return [one for text in texts if text is not None for one in _tokens(text)]


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(sorted(index_tokens([text])))
