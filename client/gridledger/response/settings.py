"""The configuration of a terminal or a server: one TOML file.

terminal = "88.1042.7/house-03.iot"  # a terminal's file; or system = "88.1042.7" for a server's
kind = "iot"                         # or "user"
database = "terminal.db"             # from the file's folder; a server's may be postgresql://…
server = "http://127.0.0.1:8443"     # a terminal's server

[listen]                             # a server's
host = "127.0.0.1"
port = 8443                          # 0 takes a free one
origins = ["https://response.example"]

[runs]                               # a terminal's; records = 1 anchors each record by itself
records = 256
age_s = 900

[chain]
runs = 64
pause_s = 1
keep_s = 604800                      # 0 deletes settled rows before each pass
export = "runs"                      # folder that gets each run before its rows go; nothing is kept without

[demand]                             # a server's; values beside rule are the rule's own
rule = "gridledger.response.server.demand:PeakRule"
excess_percent = 30

[baseline]
days = 10
highest = 5

[openadr]                            # a server's; without it no OpenADR is spoken
share_per_mille = 59                 # of a demand, asked of each VEN
url = "https://response.example"     # as VENs know it
callbacks = ["ven.example"]          # hosts that subscriptions may have called

[reply]                              # a user terminal's
per_mille = 59

[network]
connection = "connection.json"       # what `gridledger network connection --json` prints
authorities = { Org1MSP = "msp/org1", Org2MSP = "msp/org2" }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.fieldtype import problems_of
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import TerminalIdentifier, TerminalKind
from gridledger.response.chain_module import WEEK_S, ChainSettings
from gridledger.response.openadr.settings import OpenAdrSettings
from gridledger.response.server.baseline import HighOf
from gridledger.response.server.demand import DemandRule, load_rule
from gridledger.response.terminal.store import RunSettings
from gridledger.response.terminal.user import FixedShare

__all__ = ["ListenSettings", "NetworkSettings", "ResponseSettings", "ServerSettings", "TerminalSettings"]

_PEAKS: Final = "gridledger.response.server.demand:PeakRule"


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """How the ledger is reached, and whom messages may be signed by."""

    connection: Path
    authorities: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class ListenSettings:
    """Where a server listens."""

    host: str
    port: int
    origins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ResponseSettings:
    """What both sides are told."""

    folder: Path
    database: str
    chain: ChainSettings
    network: NetworkSettings

    @staticmethod
    def from_file(path: Path) -> TerminalSettings | ServerSettings:
        """Read the file of a terminal or a server.

        Raises
        ------
        ConfigError
            If it cannot be read, or anything in it is missing, unknown or wrong.
        """
        try:
            document = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
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


@dataclass(frozen=True, kw_only=True)
class TerminalSettings(ResponseSettings):
    """What a terminal is told."""

    terminal: TerminalIdentifier
    kind: TerminalKind
    server: str
    runs: RunSettings
    reply: FixedShare


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ResponseSettings):
    """What a server is told."""

    system: SystemIdentifier
    listen: ListenSettings
    rule: DemandRule
    baseline: HighOf
    openadr: OpenAdrSettings | None
    """None: no OpenADR is spoken."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _Network(_Table):
    connection: str
    authorities: Annotated[dict[str, str], Field(min_length=1)]


class _Listen(_Table):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    origins: list[str] = []


class _Runs(_Table):
    records: int = RunSettings.records
    age_s: float = RunSettings.age_s


class _Chain(_Table):
    runs: int = ChainSettings.runs
    pause_s: float = ChainSettings.pause_s
    keep_s: float = WEEK_S
    export: str | None = None

    def settings(self, folder: Path) -> ChainSettings:
        export = None if self.export is None else folder / self.export
        return ChainSettings(**(self.model_dump() | {"export": export}))


class _Baseline(_Table):
    days: int = HighOf.days
    highest: int = HighOf.highest


class _OpenAdr(_Table):
    program: str = OpenAdrSettings.program
    share_per_mille: int = OpenAdrSettings.share_per_mille
    url: str = OpenAdrSettings.url
    callbacks: list[str] = []
    token_s: int = OpenAdrSettings.token_s

    def settings(self) -> OpenAdrSettings:
        return OpenAdrSettings(**(self.model_dump() | {"callbacks": tuple(self.callbacks)}))


class _Reply(_Table):
    per_mille: int = FixedShare.per_mille


class _File(_Table):
    terminal: str | None = None
    system: str | None = None
    kind: str | None = None
    database: str
    server: str | None = None
    listen: _Listen = _Listen()
    runs: _Runs = _Runs()
    chain: _Chain = _Chain()
    demand: dict[str, Any] = {}
    baseline: _Baseline = _Baseline()
    openadr: _OpenAdr | None = None
    reply: _Reply = _Reply()
    network: _Network


class _Shared(TypedDict):
    """What `ResponseSettings` says of either side."""

    folder: Path
    database: str
    chain: ChainSettings
    network: NetworkSettings


def _settings(path: Path, document: _File) -> TerminalSettings | ServerSettings:
    folder = path.parent
    shared = _Shared(
        folder=folder,
        database=document.database,
        chain=document.chain.settings(folder),
        network=NetworkSettings(
            connection=folder / document.network.connection,
            authorities={msp_id: folder / one for msp_id, one in document.network.authorities.items()},
        ),
    )
    if document.terminal is not None and document.system is None:
        return _terminal(path, document, document.terminal, shared)
    if document.system is None or document.terminal is not None:
        raise ConfigError("want terminal or system", key="terminal, system", source=str(path))
    return _server(document, document.system, shared)


def _terminal(path: Path, document: _File, terminal: str, shared: _Shared) -> TerminalSettings:
    if document.server is None or document.kind not in set(TerminalKind):
        raise ConfigError(
            "a terminal has a server and a kind: user or iot", key="server, kind", source=str(path)
        )
    return TerminalSettings(
        **shared,
        terminal=TerminalIdentifier.parse(terminal),
        kind=TerminalKind(document.kind),
        server=document.server,
        runs=RunSettings(**document.runs.model_dump()),
        reply=FixedShare(**document.reply.model_dump()),
    )


def _server(document: _File, system: str, shared: _Shared) -> ServerSettings:
    values = dict(document.demand)
    rule = values.pop("rule", _PEAKS)
    return ServerSettings(
        **shared,
        system=SystemIdentifier.parse(system),
        listen=ListenSettings(
            host=document.listen.host, port=document.listen.port, origins=tuple(document.listen.origins)
        ),
        rule=load_rule(str(rule), values),
        baseline=HighOf(**document.baseline.model_dump()),
        openadr=None if document.openadr is None else document.openadr.settings(),
    )
