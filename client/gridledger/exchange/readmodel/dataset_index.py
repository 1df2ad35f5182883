"""Datasets of lakes in the read model: which words find one, and who may see it.

A dataset has a token for its owner, one for the platform of its root, and one for each rule and user role of
its sharing policy: an application finds what its power platform, organisation and user's role are admitted
to. Which platform an application belongs to is looked up when it searches, so that an assignment changes no
dataset.
"""

from __future__ import annotations

import sqlite3

from gridledger.exchange.readmodel.index import owner_viewer, platform_viewer
from gridledger.exchange.readmodel.words import Token, index_tokens, token, viewer_token
from gridledger.model.dataset import Dataset, DatasetIdentifier, DatasetVersion
from gridledger.model.record import Record
from gridledger.model.sharing import PlatformMembership, SharingPolicy

__all__ = ["DatasetIndex", "data_type_of", "member_viewer"]


def member_viewer(root: str, platform: str, role: str, organisation: str | None) -> str:
    """Return the token of users with a role, of applications on a power platform; None: any organisation."""
    return viewer_token("member", root, platform, role, organisation or "")


def data_type_of(dataset: DatasetIdentifier) -> str:
    """Return the ending of a dataset's name, such as csv; empty where it has none.

    Examples
    --------
    >>> data_type_of(DatasetIdentifier.parse("88.1042.17/charging/stations.CSV"))
    'csv'
    """
    return dataset.name.rpartition("/")[2].rpartition(".")[2].lower() if "." in dataset.name else ""


class DatasetIndex:
    """Takes records of datasets, and writes the tokens of those that have changed in a block.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._changed: dict[str, None] = {}

    def dataset(self, dataset: Dataset) -> None:
        """Take a dataset, new or changed."""
        identifier = dataset.entry.identifier
        self._connection.execute(
            "INSERT INTO dataset (identifier, system, record) VALUES (?, ?, ?)"
            " ON CONFLICT (identifier) DO UPDATE SET record = excluded.record",
            (str(identifier), str(identifier.system), _text(dataset)),
        )
        self._changed[str(identifier)] = None

    def policy(self, policy: SharingPolicy) -> None:
        """Take a dataset's sharing policy."""
        self._set("policy", policy.dataset, policy)

    def version(self, version: DatasetVersion) -> None:
        """Take a version; the newest stored one counts."""
        if version.is_stored:
            self._set("version", version.statement.dataset, version)

    def membership(self, membership: PlatformMembership) -> None:
        """Take the power platform of a system."""
        self._connection.execute(
            "INSERT OR REPLACE INTO membership VALUES (?, ?)",
            (str(membership.system), membership.platform.value),
        )

    def system_changed(self, system: str) -> None:
        """Note that a system has changed, and so what finds its datasets."""
        found = self._connection.execute(
            "SELECT identifier FROM dataset WHERE system = ? ORDER BY id", (system,)
        )
        self._changed.update(dict.fromkeys(identifier for (identifier,) in found))

    def write(self) -> None:
        """Write the tokens of what has changed."""
        for identifier in self._changed:
            row = self._connection.execute(
                "SELECT id, dataset.record, policy, version, root, name, enterprise, region FROM dataset"
                " JOIN system ON system.identifier = dataset.system WHERE dataset.identifier = ?",
                (identifier,),
            ).fetchone()
            if row is not None:
                number, *found = row
                self._connection.execute(
                    "INSERT OR REPLACE INTO dataset_index (rowid, tokens) VALUES (?, ?)",
                    (number, " ".join(sorted(_tokens(*found)))),
                )

    def _set(self, column: str, dataset: DatasetIdentifier, record: Record) -> None:
        self._connection.execute(
            f"UPDATE dataset SET {column} = ? WHERE identifier = ?",  # noqa: S608 - one of two names
            (_text(record), str(dataset)),
        )
        self._changed[str(dataset)] = None


def _tokens(
    record: str, policy: str, version: str, root: str, name: str, enterprise: str, region: str
) -> set[str]:
    dataset = Dataset.from_bytes(record.encode())
    entry = dataset.entry
    data_type = data_type_of(entry.identifier)
    unit = DatasetVersion.from_bytes(version.encode()).statement.unit if version else ""
    texts = (entry.identifier.name, entry.title, entry.description, unit, *entry.labels)
    found = index_tokens((*texts, name, enterprise, region))
    system = str(entry.identifier.system)
    found |= {token(Token.OWNER, system), token(Token.REGION, region), token(Token.UNIT, unit)}
    found |= {token(Token.DATA_TYPE, data_type), owner_viewer(system), platform_viewer(root)}
    found |= {token(Token.LABEL, label) for label in entry.labels}
    if policy and dataset.withdrawn_ms is None:
        found |= {
            member_viewer(root, rule.platform.value, role, organisation)
            for rule in SharingPolicy.from_bytes(policy.encode()).rules
            for role in rule.roles
            for organisation in rule.organisations or (None,)
        }
    return found


def _text(record: Record) -> str:
    return record.to_bytes().decode()
