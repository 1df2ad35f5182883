"""Endorsement policies of single keys."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from google.protobuf.message import DecodeError

from gridledger.model.errors import ModelError

__all__ = ["KeyEndorsementPolicy", "RoleType"]


class RoleType(IntEnum):
    """Who of an organisation endorses; the numbers are Fabric's."""

    MEMBER = 0
    PEER = 3


class KeyEndorsementPolicy:
    """A policy that wants one endorsement of every listed organisation.

    Parameters
    ----------
    policy : bytes, optional
        What `get_state_validation_parameter` returned; organisations named in it by role are taken over, as
        in the official shims, whatever its rule is. Empty or None starts with nobody.

    Raises
    ------
    ModelError
        If `policy` is no SignaturePolicyEnvelope.

    Examples
    --------
    >>> policy = KeyEndorsementPolicy()
    >>> policy.add_orgs(RoleType.PEER, ["Org2MSP", "Org1MSP"])
    >>> KeyEndorsementPolicy(policy.policy()).list_orgs()
    ['Org1MSP', 'Org2MSP']

    Notes
    -----
    The bytes do not depend on the order of adding, so that all organisations endorse the same.
    """

    def __init__(self, policy: bytes | None = None) -> None:
        self._orgs: dict[str, int] = {}
        if not policy:
            return
        try:
            envelope = policies_pb2.SignaturePolicyEnvelope.FromString(policy)
            for identity in envelope.identities:
                if identity.principal_classification == msp_principal_pb2.MSPPrincipal.ROLE:
                    role = msp_principal_pb2.MSPRole.FromString(identity.principal)
                    self._orgs[role.msp_identifier] = role.role
        except DecodeError as exc:
            raise ModelError(
                {"policy": "is no SignaturePolicyEnvelope"}, subject="endorsement policy"
            ) from exc

    def add_orgs(self, role: RoleType, msp_ids: Iterable[str]) -> None:
        """Add organisations, or change the role in which they endorse."""
        for msp_id in msp_ids:
            self._orgs[msp_id] = RoleType(role)

    def del_orgs(self, msp_ids: Iterable[str]) -> None:
        """Remove organisations; one that is not listed is passed over."""
        for msp_id in msp_ids:
            self._orgs.pop(msp_id, None)

    def list_orgs(self) -> list[str]:
        """Return the MSP ids, sorted."""
        return sorted(self._orgs)

    def policy(self) -> bytes:
        """Return the policy as `set_state_validation_parameter` takes it."""
        msp_ids = self.list_orgs()
        principals = [
            msp_principal_pb2.MSPPrincipal(
                principal_classification=msp_principal_pb2.MSPPrincipal.ROLE,
                principal=msp_principal_pb2.MSPRole(
                    msp_identifier=msp_id, role=self._orgs[msp_id]
                ).SerializeToString(deterministic=True),
            )
            for msp_id in msp_ids
        ]
        rules = [policies_pb2.SignaturePolicy(signed_by=index) for index in range(len(msp_ids))]
        every_one = policies_pb2.SignaturePolicy.NOutOf(n=len(msp_ids), rules=rules)
        data: bytes = policies_pb2.SignaturePolicyEnvelope(
            version=0, rule=policies_pb2.SignaturePolicy(n_out_of=every_one), identities=principals
        ).SerializeToString(deterministic=True)
        return data
