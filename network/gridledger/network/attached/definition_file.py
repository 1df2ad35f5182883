"""What another organisation's administrator needs to approve a chaincode: its definition, as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from gridledger.client.collection import Collection, collections_of
from gridledger.client.lifecycle import ChaincodeDefinition
from gridledger.client.policy import EndorsementPolicy
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError
from gridledger.network.description import ChaincodeName, Sequence

__all__ = ["DefinitionFile"]

_SCHEMA: Final = "gridledger-definition/1"
_MAX_FILE_BYTES: Final = 1 << 20
_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class DefinitionFile:
    """A chaincode's definition, as organisations hand it to each other; it holds no secret.

    Parameters
    ----------
    channel : str
        The channel.
    name : str
        The chaincode.
    version : str
        Free text; approvals must have the same.
    sequence : int
        Which definition of the name it is.
    policy : str or None
        Endorsement policy as text; None for the channel's.
    collections : list
        Collections of private data, in the JSON that Fabric's tools take.
    module : str
        What we serve for it, `module:Class`.
    approved : list of str
        MSPs that had approved it when the file was written.
    """

    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,248}$")]
    name: ChaincodeName
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,128}$")]
    sequence: Sequence
    policy: str | None
    collections: list[dict[str, Any]]
    module: str
    approved: list[str]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; ConfigError if it is none."""
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
            if len(data) > _MAX_FILE_BYTES:
                raise ConfigError("is too large", key="definition", source=str(path))
            read = json.loads(data)
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key="definition", source=str(path)
            ) from error
        except (ValueError, RecursionError) as error:
            raise ConfigError("want JSON", key="definition", source=str(path)) from error
        if not isinstance(read, dict) or read.pop("schema", None) != _SCHEMA:
            raise ConfigError(f"is not of version {_SCHEMA}", key="definition", source=str(path))
        try:
            found = TypeAdapter(cls).validate_json(json.dumps(read))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:10]
            )
            raise ConfigError(wrong, key="definition", source=str(path)) from error
        found.definition(source=str(path))
        return found

    def save(self, path: Path) -> None:
        """Write it, in one step."""
        content = {"schema": _SCHEMA, **TypeAdapter(type(self)).dump_python(self, mode="json")}
        write_file(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())

    def definition(self, *, source: str = "definition") -> ChaincodeDefinition:
        """Return what is approved; ConfigError if policy or collections are none."""
        return ChaincodeDefinition(
            name=self.name,
            version=self.version,
            sequence=self.sequence,
            policy=EndorsementPolicy(self.policy, source=source) if self.policy is not None else None,
            collections=collections_of(self.collections, source=source),
        )

    @classmethod
    def of(
        cls, channel: str, definition: ChaincodeDefinition, *, module: str, approved: list[str]
    ) -> DefinitionFile:
        """Return the file of a definition."""
        return cls(
            channel=channel,
            name=definition.name,
            version=definition.version,
            sequence=definition.sequence,
            policy=definition.policy.text if definition.policy is not None else None,
            collections=[_to_json(one) for one in definition.collections],
            module=module,
            approved=sorted(approved),
        )


def _to_json(collection: Collection) -> dict[str, Any]:
    value: dict[str, Any] = {
        "name": collection.name,
        "policy": collection.policy.text,
        "requiredPeerCount": collection.required_peer_count,
        "maxPeerCount": collection.max_peer_count,
        "blockToLive": collection.block_to_live,
        "memberOnlyRead": collection.member_only_read,
        "memberOnlyWrite": collection.member_only_write,
    }
    if collection.endorsement_policy is not None:
        text = collection.endorsement_policy.text
        kind = "channelConfigPolicy" if text.startswith("/") else "signaturePolicy"
        value["endorsementPolicy"] = {kind: text}
    return value
