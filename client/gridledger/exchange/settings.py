"""The configuration of a business system: one TOML file for its registration, its fields and its server.

root = "88.1042"
database = "monitoring.db"          # paths start from the file's folder; or postgresql://…: database_address
statement_s = 10                    # the database ends a statement that takes longer
vault = "vault.db"

[system]
name = "PV monitoring"
introduction = "15-minute readings of plant meters"
enterprise = { name = "…", code = "…", region = "…" }

[server]
port = 8443                         # 0 takes a free one
margin_s = 300                      # holds that end sooner are not delivered on
access_log = "access.jsonl"         # see gridledger.exchange.access_log

[deposits]                          # without it, deposits are made by hand; see …deposit_schedule
grace_s = 3600

[network]
connection = "connection.json"      # what `gridledger network connection --json` prints
authorities = { Org1MSP = "msp/org1", Org2MSP = "msp/org2" }

[[device]]
own_code = "2050.15.003.BLK01.PAD01.MTR01"
name = "Meter of plant 27"
kind = "meter"
identities = ["plant=R27"]

[[field]]
name = "ac_power"
title = "AC power"
unit = "kW"
data_type = "number"
frequency = "day"
roles = ["maintenance-worker"]
price = "1.2"                       # yuan a query
table = "reading"                   # see gridledger.exchange.field_source
own_code = "meter"
key = "measured_at"
value = "ac_power_kw"
time = "measured_at"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridledger.exchange.access_log import AccessLogSettings
from gridledger.exchange.database_address import DEFAULT_STATEMENT_S, DatabaseAddress
from gridledger.exchange.deposit_schedule import DepositSettings
from gridledger.exchange.field_source import FieldSource
from gridledger.model.device import DeclaredIdentity, DeviceEntry, FieldEntry, FieldMetadata
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.fieldtype import problems_of
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import parse_yuan
from gridledger.model.period import Frequency
from gridledger.model.system import Enterprise, SystemKind, SystemProfile

__all__ = ["BusinessSettings", "FieldSettings", "ServerSettings", "parse_identity"]

DEFAULT_MARGIN_S: Final = 300
"""Holds that end sooner are not delivered on: the chain knows the time to two minutes on either side."""


@dataclass(frozen=True, kw_only=True)
class FieldSettings:
    """A field: what it is, what it costs, where it stands."""

    metadata: FieldMetadata
    price_milliyuan: int
    source: FieldSource

    def entry(self, own_code: str) -> FieldEntry:
        """Return the registration of this field for a device."""
        return FieldEntry(
            own_code=own_code,
            name=self.source.name,
            metadata=self.metadata,
            price_milliyuan=self.price_milliyuan,
        )


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How the owner's server listens."""

    host: str
    port: int
    origins: tuple[str, ...]
    """Addresses under which callers know it, besides its own."""
    margin_s: int
    access_log: AccessLogSettings


@dataclass(frozen=True, kw_only=True)
class BusinessSettings:
    """All that a business system is told."""

    source: Path
    """The file."""
    root: SystemIdentifier
    database: DatabaseAddress
    vault: Path
    name: str
    """The system's name."""
    introduction: str
    enterprise: Enterprise
    server: ServerSettings
    connection: Path
    authorities: Mapping[str, Path]
    devices: tuple[DeviceEntry, ...]
    fields: Mapping[str, FieldSettings]
    """By name."""
    deposits: DepositSettings | None = None
    """When the server deposits by itself; None where it does not."""

    def profile(self, server: str) -> SystemProfile:
        """Return what the system says of itself when it applies; `server` is its server's origin."""
        return SystemProfile(
            kind=SystemKind.BUSINESS_SYSTEM,
            enterprise=self.enterprise,
            name=self.name,
            introduction=self.introduction,
            server=server,
        )

    @classmethod
    def from_file(cls, path: Path) -> BusinessSettings:
        """Read the file.

        Raises
        ------
        ConfigError
            If it cannot be read, or anything in it is missing, unknown or wrong; it names all such keys.
        """
        try:
            text = path.read_text("utf-8")
            document = _File.model_validate(tomllib.loads(text))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", key="config", source=str(path)) from error
        except ValidationError as error:
            problems = problems_of(error)
            raise ConfigError(
                "; ".join(problems.values()), key=", ".join(problems), source=str(path)
            ) from error
        try:
            return _settings(path, document)
        except ModelError as error:
            raise ConfigError(error.message, key=", ".join(error.problems), source=str(path)) from error


def parse_identity(text: str) -> DeclaredIdentity:
    """Read a common identity, `scheme=value`.

    Raises
    ------
    ModelError
        If it is none.

    Examples
    --------
    >>> str(parse_identity("plant=R27"))
    'plant=R27'
    """
    scheme, sign, value = text.partition("=")
    if not sign:
        raise ModelError({"identity": "want scheme=value"}, subject="identity")
    return DeclaredIdentity(scheme=scheme, value=value)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _Enterprise(_Table):
    name: str
    code: str
    region: str


class _System(_Table):
    name: str
    introduction: str = ""
    enterprise: _Enterprise


class _Server(_Table):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    origins: list[str] = []
    margin_s: Annotated[int, Field(ge=0, le=86_400)] = DEFAULT_MARGIN_S
    access_log: str = "access.jsonl"
    access_log_bytes: Annotated[int, Field(ge=4096)] = AccessLogSettings.file_bytes
    access_log_files: Annotated[int, Field(ge=0, le=1000)] = AccessLogSettings.files


class _Deposits(_Table):
    grace_s: Annotated[int, Field(ge=0, le=31 * 86_400)] = DepositSettings.grace_s
    check_s: Annotated[int, Field(ge=1, le=86_400)] = DepositSettings.check_s
    attempts: Annotated[int, Field(ge=1, le=10)] = DepositSettings.attempts
    late_rows: bool = DepositSettings.late_rows


class _Network(_Table):
    connection: str
    authorities: Annotated[dict[str, str], Field(min_length=1)]


class _Device(_Table):
    own_code: str
    name: str
    kind: str
    identities: list[str] = []
    description: str | None = None
    region: str | None = None


class _Field(_Table):
    name: str
    title: str
    unit: str = ""
    data_type: str = "text"
    frequency: str
    description: str | None = None
    region: str | None = None
    roles: list[str]
    price: str
    table: str
    own_code: str
    key: str
    value: str
    time: str | None = None
    table_schema: Annotated[str | None, Field(alias="schema")] = None


class _File(_Table):
    root: str
    database: str
    database_password_file: str | None = None
    statement_s: Annotated[float, Field(gt=0, le=60)] = DEFAULT_STATEMENT_S
    vault: str
    system: _System
    server: _Server = _Server()
    deposits: _Deposits | None = None
    network: _Network
    device: list[_Device] = []
    field: list[_Field] = []


def _settings(path: Path, document: _File) -> BusinessSettings:
    folder = path.absolute().parent
    fields = [_field(path, one) for one in document.field]
    names = [one.source.name for one in fields]
    if len(set(names)) != len(names):
        raise ConfigError("one stands twice", key="field.name", source=str(path))
    return BusinessSettings(
        source=path,
        root=SystemIdentifier(document.root),
        database=DatabaseAddress.parse(
            document.database,
            folder,
            password_file=document.database_password_file,
            statement_s=document.statement_s,
        ),
        vault=folder / document.vault,
        name=document.system.name,
        introduction=document.system.introduction,
        enterprise=Enterprise(
            name=document.system.enterprise.name,
            code=document.system.enterprise.code,
            region=document.system.enterprise.region,
        ),
        server=ServerSettings(
            host=document.server.host,
            port=document.server.port,
            origins=tuple(document.server.origins),
            margin_s=document.server.margin_s,
            access_log=AccessLogSettings(
                path=folder / document.server.access_log,
                file_bytes=document.server.access_log_bytes,
                files=document.server.access_log_files,
            ),
        ),
        connection=folder / document.network.connection,
        authorities={msp: folder / place for msp, place in document.network.authorities.items()},
        devices=tuple(_device(one) for one in document.device),
        fields=dict(zip(names, fields, strict=True)),
        deposits=None if document.deposits is None else DepositSettings(**document.deposits.model_dump()),
    )


def _field(path: Path, field: _Field) -> FieldSettings:
    if field.frequency not in list(Frequency):
        raise ConfigError(
            f"want one of {', '.join(Frequency)}",
            key=f"field {field.name}: frequency",
            source=str(path),
            value=field.frequency,
        )
    frequency = Frequency(field.frequency)
    if frequency is not Frequency.ONCE and field.time is None:
        raise ConfigError(
            "is missing: rows belong to days by it", key=f"field {field.name}: time", source=str(path)
        )
    metadata = FieldMetadata(
        title=field.title,
        unit=field.unit,
        data_type=field.data_type,
        frequency=frequency,
        roles=tuple(sorted(set(field.roles))),
        description=field.description,
        region=field.region,
    )
    columns: dict[str, Any] = {
        name: getattr(field, name)
        for name in ("name", "table", "own_code", "key", "value", "time", "data_type")
    }
    source = FieldSource(schema=field.table_schema, **columns)
    return FieldSettings(metadata=metadata, price_milliyuan=parse_yuan(field.price), source=source)


def _device(device: _Device) -> DeviceEntry:
    return DeviceEntry(
        own_code=device.own_code,
        name=device.name,
        kind=device.kind,
        identities=tuple(parse_identity(text) for text in device.identities),
        description=device.description,
        region=device.region,
    )
