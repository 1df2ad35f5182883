"""Endorsement policies, from the words that Fabric's own tools take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import policy_pb2

from gridledger.client.transport import Message
from gridledger.model.errors import ConfigError

__all__ = ["EndorsementPolicy"]

_TOKEN = re.compile(r"\s*(?:(?P<gate>[A-Za-z]+)|(?P<count>\d{1,4})|'(?P<principal>[^']*)'|(?P<mark>[(),]))")
_PRINCIPAL = re.compile(r"(?P<msp_id>[A-Za-z0-9.-]+)\.(?P<role>member|admin|client|peer|orderer)")
# Channel policies are named by their path, such as /Channel/Application/Endorsement.
_REFERENCE = re.compile(r"/?[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)+")
# Deeper ones are no policy that a person has written.
_MAX_DEPTH = 16
_MAX_LENGTH = 10_000


class EndorsementPolicy:
    """Who has to endorse.

    Parameters
    ----------
    text : str
        ``AND(…)``, ``OR(…)`` or ``OutOf(n, …)`` over ``'MSP.role'`` and further such expressions, with the
        roles member, admin, client, peer and orderer; or the name of a policy of the channel, such as
        ``/Channel/Application/Endorsement``.
    source : str, optional
        Where it came from, for error messages.

    Raises
    ------
    ConfigError
        When the text is neither.

    Examples
    --------
    >>> EndorsementPolicy("AND('Org1MSP.peer', 'Org2MSP.peer')").organizations
    ['Org1MSP', 'Org2MSP']
    """

    def __init__(self, text: str, *, source: str = "EndorsementPolicy") -> None:
        self.text = text.strip()
        self._source = source
        self._identities: list[Message] = []
        self._msp_ids: set[str] = set()
        self._rule: Message | None = None
        if len(text) > _MAX_LENGTH:
            raise ConfigError("is too long", key="policy", source=source)
        if not _REFERENCE.fullmatch(self.text):
            tokens = list(self._tokens())
            self._rule = self._gate(tokens, depth=0)
            if tokens:
                raise self._wrong("goes on after its end")

    def __repr__(self) -> str:
        return f"EndorsementPolicy({self.text!r})"

    @property
    def organizations(self) -> list[str]:
        """MSPs that it names, sorted; none for a policy of the channel."""
        return sorted(self._msp_ids)

    def signature_policy(self) -> Message:
        """Return it as ``common.SignaturePolicyEnvelope``.

        Raises
        ------
        ConfigError
            When it is the name of a policy of the channel.
        """
        if self._rule is None:
            raise self._wrong("names a policy of the channel; want AND, OR or OutOf")
        return policies_pb2.SignaturePolicyEnvelope(rule=self._rule, identities=self._identities)

    def to_message(self) -> Message:
        """Return it as ``protos.ApplicationPolicy``, the form that chaincode definitions hold."""
        if self._rule is None:
            return policy_pb2.ApplicationPolicy(channel_config_policy_reference=self.text)
        return policy_pb2.ApplicationPolicy(signature_policy=self.signature_policy())

    def to_bytes(self) -> bytes:
        """Return the bytes of `to_message`: those of Fabric's own tools, since approvals compare bytes."""
        return bytes(self.to_message().SerializeToString(deterministic=True))

    def _tokens(self) -> Iterator[tuple[str, str]]:
        position = 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            if match is None or match.lastgroup is None:
                raise self._wrong(f"has something unexpected at character {position + 1}")
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def _gate(self, tokens: list[tuple[str, str]], depth: int) -> Message:
        """Read a gate; inner gates number their identities before the outer one, as in Fabric's tools."""
        if depth > _MAX_DEPTH:
            raise self._wrong("is nested too deeply")
        gate = self._take(tokens, "gate").upper()
        self._take(tokens, "mark", "(")
        wanted = 0
        if gate == "OUTOF":
            wanted = int(self._take(tokens, "count"))
            self._take(tokens, "mark", ",")
        elif gate not in ("AND", "OR"):
            raise self._wrong(f"has {gate!r} where AND, OR or OutOf may stand")
        members: list[Message | str] = []
        while True:
            inner = bool(tokens) and tokens[0][0] == "gate"
            members.append(self._gate(tokens, depth + 1) if inner else self._take(tokens, "principal"))
            if self._take(tokens, "mark") == ")":
                break
        if gate != "OUTOF":
            wanted = len(members) if gate == "AND" else 1
        if not 1 <= wanted <= len(members):
            raise self._wrong(f"wants {wanted} out of {len(members)}")
        rules = [self._signed_by(one) if isinstance(one, str) else one for one in members]
        return policies_pb2.SignaturePolicy(
            n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=wanted, rules=rules)
        )

    def _signed_by(self, principal: str) -> Message:
        match = _PRINCIPAL.fullmatch(principal)
        if match is None:
            raise self._wrong(f"has {principal[:80]!r} where 'MSP.role' may stand")
        role = msp_principal_pb2.MSPRole(
            msp_identifier=match["msp_id"],
            role=msp_principal_pb2.MSPRole.MSPRoleType.Value(match["role"].upper()),
        )
        self._identities.append(
            msp_principal_pb2.MSPPrincipal(
                principal_classification=msp_principal_pb2.MSPPrincipal.ROLE,
                principal=role.SerializeToString(),
            )
        )
        self._msp_ids.add(match["msp_id"])
        return policies_pb2.SignaturePolicy(signed_by=len(self._identities) - 1)

    def _take(self, tokens: list[tuple[str, str]], kind: str, text: str | None = None) -> str:
        if not tokens:
            raise self._wrong("ends too early")
        found_kind, found = tokens.pop(0)
        if found_kind != kind or (text is not None and found != text):
            raise self._wrong(f"has {found[:80]!r} where {text or kind} may stand")
        return found

    def _wrong(self, problem: str) -> ConfigError:
        return ConfigError(problem, key="policy", source=self._source, value=self.text[:200])
