"""Chaincode definitions of a channel: approved by organisations, committed by enough of them.

Packages are installed on peers one by one: `Peer.install`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.peer.lifecycle import lifecycle_pb2
from google.protobuf.message import DecodeError

from gridledger.client.collection import Collection, to_collection_package
from gridledger.client.deadlines import Deadlines
from gridledger.client.errors import EvaluateError
from gridledger.client.network import Network
from gridledger.client.policy import EndorsementPolicy
from gridledger.client.transport import Message

__all__ = ["ChaincodeDefinition", "CommittedDefinition", "Lifecycle"]

_ENDORSEMENT_PLUGIN = "escc"
_VALIDATION_PLUGIN = "vscc"


@dataclass(frozen=True, kw_only=True)
class ChaincodeDefinition:
    """What organisations agree on before a chaincode runs on a channel."""

    name: str
    """Name of the chaincode."""

    version: str
    """Version, free text."""

    sequence: int
    """1 for the first definition of the name, one more for each that follows."""

    policy: EndorsementPolicy | None = None
    """Who endorses; the channel's own endorsement policy by default."""

    collections: Sequence[Collection] = ()
    """Collections of private data."""

    init_required: bool = False
    """Whether the chaincode wants a first call with the initialisation flag."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommittedDefinition:
    """The definition by which a channel runs a chaincode."""

    name: str
    """Name of the chaincode."""

    version: str
    """Version, free text."""

    sequence: int
    """Which definition of the name it is."""

    approvals: dict[str, bool]
    """By MSP, whether the organisation has approved it."""


class Lifecycle:
    """The chaincode definitions of a channel, as one organisation's administrator.

    Parameters
    ----------
    network : Network
        The channel, through a gateway of the organisation.
    """

    def __init__(self, network: Network) -> None:
        self._contract = network.contract("_lifecycle")

    async def approve(
        self,
        definition: ChaincodeDefinition,
        *,
        msp_id: str,
        package_id: str | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        """Approve a definition for one organisation.

        Parameters
        ----------
        definition : ChaincodeDefinition
            What is approved.
        msp_id : str
            The organisation; its own peer endorses.
        package_id : str, optional
            The package that its peers run; none for an organisation that does not execute.
        deadlines : Deadlines, optional
            The gateway's by default.

        Raises
        ------
        EndorseError
            When the peer refuses, such as the same definition a second time.
        CommitError, OutcomeUnknown
            See `Contract.submit`.
        """
        if package_id is None:
            source = lifecycle_pb2.ChaincodeSource(unavailable=lifecycle_pb2.ChaincodeSource.Unavailable())
        else:
            source = lifecycle_pb2.ChaincodeSource(
                local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package_id)
            )
        request = _fill(lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(source=source), definition)
        await self._contract.submit(
            "ApproveChaincodeDefinitionForMyOrg",
            request.SerializeToString(),
            endorsing_organizations=[msp_id],
            deadlines=deadlines,
        )

    async def approve_committed(
        self, name: str, *, msp_id: str, package_id: str, deadlines: Deadlines | None = None
    ) -> None:
        """Approve, for an organisation that has not, exactly the definition in force.

        Parameters
        ----------
        name : str
            Name of the chaincode.
        msp_id : str
            The organisation; its own peer endorses.
        package_id : str
            The package that its peers run.
        deadlines : Deadlines, optional
            The gateway's by default.

        Raises
        ------
        EvaluateError
            When there is none.
        EndorseError
            When the peer refuses.
        CommitError, OutcomeUnknown
            See `Contract.submit`.
        """
        found = await self._definition(name, timeout=None)
        request = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
            sequence=found.sequence,
            name=name,
            version=found.version,
            endorsement_plugin=found.endorsement_plugin,
            validation_plugin=found.validation_plugin,
            validation_parameter=found.validation_parameter,
            collections=found.collections,
            init_required=found.init_required,
            source=lifecycle_pb2.ChaincodeSource(
                local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package_id)
            ),
        )
        await self._contract.submit(
            "ApproveChaincodeDefinitionForMyOrg",
            request.SerializeToString(),
            endorsing_organizations=[msp_id],
            deadlines=deadlines,
        )

    async def readiness(
        self, definition: ChaincodeDefinition, *, timeout: float | None = None
    ) -> dict[str, bool]:
        """Return which organisations have approved exactly this definition.

        Parameters
        ----------
        definition : ChaincodeDefinition
            What is to be committed.
        timeout : float, optional
            Seconds; the gateway's `Deadlines.evaluate` by default.

        Returns
        -------
        dict of str to bool
            By MSP.

        Raises
        ------
        EvaluateError
            When the peer refuses, such as a sequence that is not the next one.
        """
        request = _fill(lifecycle_pb2.CheckCommitReadinessArgs(), definition)
        answer = await self._contract.evaluate(
            "CheckCommitReadiness", request.SerializeToString(), timeout=timeout
        )
        return dict(_read(lifecycle_pb2.CheckCommitReadinessResult, answer).approvals)

    async def commit(
        self,
        definition: ChaincodeDefinition,
        *,
        endorsing_organizations: Sequence[str] = (),
        deadlines: Deadlines | None = None,
    ) -> None:
        """Put a definition into force.

        Parameters
        ----------
        definition : ChaincodeDefinition
            What enough organisations have approved.
        endorsing_organizations : sequence of str, optional
            MSPs whose peers endorse it; chosen by the gateway by default.
        deadlines : Deadlines, optional
            The gateway's by default.

        Raises
        ------
        EndorseError
            When approvals are missing.
        CommitError, OutcomeUnknown
            See `Contract.submit`.
        """
        request = _fill(lifecycle_pb2.CommitChaincodeDefinitionArgs(), definition)
        await self._contract.submit(
            "CommitChaincodeDefinition",
            request.SerializeToString(),
            endorsing_organizations=endorsing_organizations,
            deadlines=deadlines,
        )

    async def committed(self, *, timeout: float | None = None) -> dict[str, CommittedDefinition]:
        """Return the definitions in force, by name of the chaincode; `approvals` stays empty here.

        Raises
        ------
        EvaluateError
            When the peer does not answer.
        """
        request = lifecycle_pb2.QueryChaincodeDefinitionsArgs()
        answer = await self._contract.evaluate(
            "QueryChaincodeDefinitions", request.SerializeToString(), timeout=timeout
        )
        found = _read(lifecycle_pb2.QueryChaincodeDefinitionsResult, answer).chaincode_definitions
        return {
            one.name: CommittedDefinition(
                name=one.name, version=one.version, sequence=one.sequence, approvals={}
            )
            for one in found
        }

    async def definition(self, name: str, *, timeout: float | None = None) -> CommittedDefinition:
        """Return the definition in force of one chaincode, with who has approved it.

        Raises
        ------
        EvaluateError
            When there is none, or the peer does not answer.
        """
        found = await self._definition(name, timeout=timeout)
        return CommittedDefinition(
            name=name, version=found.version, sequence=found.sequence, approvals=dict(found.approvals)
        )

    async def _definition(self, name: str, *, timeout: float | None) -> Message:
        request = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name)
        answer = await self._contract.evaluate(
            "QueryChaincodeDefinition", request.SerializeToString(), timeout=timeout
        )
        return _read(lifecycle_pb2.QueryChaincodeDefinitionResult, answer)

    async def approved_package(self, name: str, sequence: int, *, timeout: float | None = None) -> str | None:
        """Return the package that our organisation approved a definition with.

        Returns
        -------
        str or None
            The package's id; None where it was approved without one.

        Raises
        ------
        EvaluateError
            When our organisation has not approved it, or the peer does not answer.
        """
        request = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name=name, sequence=sequence)
        answer = await self._contract.evaluate(
            "QueryApprovedChaincodeDefinition", request.SerializeToString(), timeout=timeout
        )
        found = _read(lifecycle_pb2.QueryApprovedChaincodeDefinitionResult, answer)
        return str(found.source.local_package.package_id) or None


def _fill(request: Message, definition: ChaincodeDefinition) -> Message:
    request.name = definition.name
    request.version = definition.version
    request.sequence = definition.sequence
    request.endorsement_plugin = _ENDORSEMENT_PLUGIN
    request.validation_plugin = _VALIDATION_PLUGIN
    request.init_required = definition.init_required
    if definition.policy is not None:
        request.validation_parameter = definition.policy.to_bytes()
    if definition.collections:
        request.collections.CopyFrom(to_collection_package(list(definition.collections)))
    return request


def _read(kind: type[Message], data: bytes) -> Message:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise EvaluateError(f"answered with something else than {kind.__name__}", grpc_status="OK") from error
