"""Sharing between storage nodes: policy, request, grant, receipt.

What is shared are sealed envelopes: who gets them holds copies, and reads none.

Source: Zeng et al.: data sharing between storage nodes by a contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.edge import NodeId, PeriodNumber
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.sharing import AccessMs, Organisation, Purpose

__all__ = [
    "MAX_NODE_RULES",
    "NodePolicy",
    "NodeRule",
    "Share",
    "ShareContent",
    "ShareId",
    "ShareMark",
    "ShareProblem",
    "ShareRequest",
]

MAX_NODE_RULES = 32

ShareId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ShareProblem(StrEnum):
    """What stands against a share request."""

    NODE = "node"
    """The holder is not approved any more."""
    ORGANISATION = "organisation"
    """No rule of the policy is for the asking node's organisation."""
    PURPOSE = "purpose"
    """None of those is for the purpose."""
    VALIDITY = "validity"
    """None of those holds for as long as is wanted."""


@value
class NodeRule(ModelValue):
    """Whose nodes may have envelopes, for what and for how long."""

    organisations: tuple[Organisation, ...]
    """MSPs, sorted."""
    purposes: tuple[Purpose, ...]
    """Sorted."""
    longest_ms: AccessMs

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        for name, words in (("organisations", self.organisations), ("purposes", self.purposes)):
            if not 1 <= len(words) <= 32 or list(words) != sorted(set(words)):
                yield name, "want 1 to 32, sorted, each once"


@record("node-policy/1")
class NodePolicy(Record):
    """What a storage node admits; without rules it admits nobody."""

    node: NodeId
    version: int
    rules: tuple[NodeRule, ...]
    set_ms: int

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.rules) > MAX_NODE_RULES:
            yield "rules", f"are more than {MAX_NODE_RULES}"


@record("share-request/1")
class ShareRequest(Record):
    """What a storage node asks another for: the envelopes of a period that it holds."""

    holder: NodeId
    asker: NodeId
    issuer: SystemIdentifier
    period: PeriodNumber
    purpose: Purpose
    wanted_ms: AccessMs
    made_ms: int
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$")]

    @property
    def id(self) -> str:
        """SHA-256 of the bytes, in hexadecimal: the share's id."""
        return str(Digest.of(self.to_bytes()))


@value
class ShareContent(ModelValue):
    """Which envelopes are meant: number, and digest of their digests in ascending order."""

    count: Annotated[int, Field(ge=0, le=10**9)]
    digest: Digest


@record("share/1")
class Share(Record):
    """A share request with its decision, what was granted, and the asker's receipt for it."""

    request: ShareRequest
    organisation: Organisation
    """MSP of the asking node's agent."""
    policy_version: int
    """0 where the holder has no policy."""
    problems: tuple[ShareProblem, ...] = ()
    """Empty: admitted."""
    decided_ms: int
    valid_until_ms: int | None = None
    granted: ShareContent | None = None
    """What the holder says it hands over."""
    received: ShareContent | None = None
    """What the asker got: the same."""

    @property
    def is_admitted(self) -> bool:
        """Whether the policy admitted it."""
        return not self.problems


@record("share-mark/1")
class ShareMark(Record):
    """A storage node was asked for a share."""

    asker: NodeId
    is_admitted: bool
