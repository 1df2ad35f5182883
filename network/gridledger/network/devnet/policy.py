"""Policies: which signatures together are enough (signature policies, implicit meta policies, references)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from fabric_protos.common import configtx_pb2, policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import policy_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import Identity, SignedData
from gridledger.network.devnet.msp import MspManager

__all__ = ["Policy", "PolicyManager", "SignaturePolicy", "member_policy", "role_policy"]

_Check: TypeAlias = Callable[[Sequence[Identity], list[bool]], bool]
_DEPTH_LIMIT = 64
"""Rules nest less than that in any policy that a person wrote; deeper ones are refused, not recursed into."""
_COMPILED_LIMIT = 1024
"""Policies kept compiled; key-level ones come from transactions, so there must be an end."""


class Policy(Protocol):
    """Something that a set of identities satisfies or not."""

    def check(self, identities: Sequence[Identity]) -> None:
        """Refuse identities that do not satisfy the policy."""


class SignaturePolicy:
    """Signatures of named principals, n out of a list, nested.

    Parameters
    ----------
    envelope : policies_pb2.SignaturePolicyEnvelope
        Rule and principals.

    Raises
    ------
    Malformed
        If the rule names a principal that is not there, is empty, or nests too deep.
    """

    def __init__(self, envelope: policies_pb2.SignaturePolicyEnvelope) -> None:
        if envelope.version != 0:
            raise Malformed(
                f"This evaluator only understands messages of version 0, but version was {envelope.version}"
            )
        self.envelope = envelope
        self._check = _compile(envelope.rule, list(envelope.identities), _DEPTH_LIMIT)

    def check(self, identities: Sequence[Identity]) -> None:
        """Refuse identities that do not satisfy the rule; each counts for one principal only."""
        if not self._check(identities, [False] * len(identities)):
            raise Refused("signature set did not satisfy policy")


class _ImplicitMeta:
    """So many of the policies of one name in the groups below."""

    def __init__(self, parts: Sequence[Policy], threshold: int, name: str) -> None:
        self._parts = parts
        self._threshold = threshold
        self._name = name

    def check(self, identities: Sequence[Identity]) -> None:
        satisfied = 0
        for part in self._parts:
            if satisfied >= self._threshold:
                return
            try:
                part.check(identities)
            except Refused:
                continue
            satisfied += 1
        if satisfied < self._threshold:
            raise Refused(
                f"implicit policy evaluation failed - {satisfied} sub-policies were satisfied, but this "
                "policy requires "
                f"{self._threshold} of the '{self._name}' sub-policies to be satisfied"
            )


class _Absent:
    """Fabric's answer for a policy that nobody defined: it rejects."""

    def __init__(self, path: str) -> None:
        self._path = path

    def check(self, identities: Sequence[Identity]) -> None:
        del identities
        raise Refused(f"no such policy: '{self._path}'")


class PolicyManager:
    """The policies of a channel's configuration by their paths.

    Parameters
    ----------
    msps : MspManager
        Tells signers from others.
    group : configtx_pb2.ConfigGroup
        The channel's root group.
    """

    def __init__(self, msps: MspManager, group: configtx_pb2.ConfigGroup) -> None:
        self._msps = msps
        self._policies: dict[str, Policy] = {}
        self._compiled: dict[tuple[type, bytes], Policy] = {}
        self._load("/Channel", group)

    def _load(self, path: str, group: configtx_pb2.ConfigGroup) -> None:
        for name, child in group.groups.items():
            self._load(f"{path}/{name}", child)
        for name, entry in group.policies.items():
            kind = entry.policy.type
            if kind == policies_pb2.Policy.PolicyType.SIGNATURE:
                policy: Policy = SignaturePolicy(
                    policies_pb2.SignaturePolicyEnvelope.FromString(entry.policy.value)
                )
            elif kind == policies_pb2.Policy.PolicyType.IMPLICIT_META:
                policy = self._implicit(
                    path, policies_pb2.ImplicitMetaPolicy.FromString(entry.policy.value), group
                )
            else:
                raise Malformed(f"policy {path}/{name} has the unknown type {kind}")
            self._policies[f"{path}/{name}"] = policy

    def _implicit(
        self, path: str, meta: policies_pb2.ImplicitMetaPolicy, group: configtx_pb2.ConfigGroup
    ) -> _ImplicitMeta:
        parts = [self.get(f"{path}/{child}/{meta.sub_policy}") for child in group.groups]
        rules = policies_pb2.ImplicitMetaPolicy.Rule
        threshold = {rules.ANY: 1, rules.ALL: len(parts), rules.MAJORITY: len(parts) // 2 + 1}[meta.rule]
        return _ImplicitMeta(parts, threshold if parts else 0, meta.sub_policy)

    def get(self, path: str) -> Policy:
        """Return the policy at a path; one that rejects where there is none."""
        return self._policies.get(path) or _Absent(path)

    def has(self, path: str) -> bool:
        """Tell whether a policy stands at a path."""
        return path in self._policies

    def application_policy(self, data: bytes) -> Policy:
        """Return the policy that a chaincode or a collection names: its own or the channel's.

        Raises
        ------
        Malformed
            If the bytes are no `ApplicationPolicy`.
        """
        key = (policy_pb2.ApplicationPolicy, data)
        policy = self._compiled.get(key)
        if policy is None:
            try:
                message = policy_pb2.ApplicationPolicy.FromString(data)
            except DecodeError as error:
                raise Malformed("failed to unmarshal ApplicationPolicy bytes") from error
            kind = message.WhichOneof("Type")
            if kind == "signature_policy":
                policy = SignaturePolicy(message.signature_policy)
            elif kind == "channel_config_policy_reference":
                policy = self.get(message.channel_config_policy_reference)
            else:
                raise Malformed("unsupported policy type")
            self._keep(key, policy)
        return policy

    def signature_policy(self, data: bytes) -> Policy:
        """Return the policy of a `SignaturePolicyEnvelope`, as key-level policies are kept."""
        key = (policies_pb2.SignaturePolicyEnvelope, data)
        policy = self._compiled.get(key)
        if policy is None:
            try:
                policy = SignaturePolicy(policies_pb2.SignaturePolicyEnvelope.FromString(data))
            except DecodeError as error:
                raise Malformed("error unmarshalling SignaturePolicyEnvelope") from error
            self._keep(key, policy)
        return policy

    def _keep(self, key: tuple[type, bytes], policy: Policy) -> None:
        if len(self._compiled) >= _COMPILED_LIMIT:
            self._compiled.clear()
        self._compiled[key] = policy

    def check_one(self, path: str, signed: SignedData) -> None:
        """Refuse a signature that is bad, or whose signer alone does not satisfy the policy at `path`."""
        self.get(path).check(self._msps.signers([signed]))


def member_policy(*msp_ids: str, role: int | None = None) -> policies_pb2.SignaturePolicyEnvelope:
    """Return the policy that one identity of any of the MSPs satisfies.

    Parameters
    ----------
    *msp_ids : str
        The MSPs.
    role : MSPRoleType, optional
        Member by default.
    """
    member = msp_principal_pb2.MSPRole.MSPRoleType.MEMBER if role is None else role
    return role_policy(1, [(msp_id, member) for msp_id in msp_ids])


def role_policy(count: int, roles: Sequence[tuple[str, int]]) -> policies_pb2.SignaturePolicyEnvelope:
    """Return the policy that asks for `count` of the (MSP, role) pairs."""
    rules = [policies_pb2.SignaturePolicy(signed_by=index) for index in range(len(roles))]
    principals = [
        msp_principal_pb2.MSPPrincipal(
            principal_classification=msp_principal_pb2.MSPPrincipal.Classification.ROLE,
            principal=msp_principal_pb2.MSPRole(msp_identifier=msp_id, role=role).SerializeToString(
                deterministic=True
            ),
        )
        for msp_id, role in roles
    ]
    rule = policies_pb2.SignaturePolicy(n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=count, rules=rules))
    return policies_pb2.SignaturePolicyEnvelope(version=0, rule=rule, identities=principals)


def _compile(
    rule: policies_pb2.SignaturePolicy, principals: list[msp_principal_pb2.MSPPrincipal], depth: int
) -> _Check:
    if depth == 0:
        raise Malformed("signature policy nests too deep")
    kind = rule.WhichOneof("Type")
    if kind == "n_out_of":
        needed = rule.n_out_of.n
        parts = [_compile(part, principals, depth - 1) for part in rule.n_out_of.rules]

        def gate(identities: Sequence[Identity], used: list[bool]) -> bool:
            satisfied = 0
            for part in parts:
                trial = used.copy()
                if part(identities, trial):
                    satisfied += 1
                    used[:] = trial
            return bool(satisfied >= needed)

        return gate
    if kind == "signed_by":
        index = rule.signed_by
        if not 0 <= index < len(principals):
            raise Malformed(
                f"identity index out of range, requested {index}, but identities length is {len(principals)}"
            )
        principal = principals[index]

        def signed(identities: Sequence[Identity], used: list[bool]) -> bool:
            for position, identity in enumerate(identities):
                if not used[position] and identity.msp.satisfies(identity, principal):
                    used[position] = True
                    return True
            return False

        return signed
    raise Malformed("Empty policy element")
