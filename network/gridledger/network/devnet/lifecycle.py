"""`_lifecycle`: chaincode is installed by an organisation, approved by organisations, committed for the channel."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2, policy_pb2, proposal_response_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2, lifecycle_pb2
from google.protobuf.message import DecodeError, Message

from gridledger.network.devnet import lifecycle_state
from gridledger.network.devnet.channel import ENDORSEMENT, WRITERS, Channel
from gridledger.network.devnet.definition import CHAINCODE_SOURCES, DEFINITION_TYPE, NAMESPACES, Definitions
from gridledger.network.devnet.errors import Malformed, NotDefined, Refused
from gridledger.network.devnet.installed import Packages
from gridledger.network.devnet.lifecycle_state import Entry, OrganisationState, PublicState
from gridledger.network.devnet.policy import SignaturePolicy
from gridledger.network.devnet.simulator import Simulator
from gridledger.network.devnet.system_chaincode import ADMINS, SystemCall, check_local, error, success

__all__ = ["Lifecycle", "parameters_entry"]

_CHAINCODE_NAME = re.compile(r"[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9_.+-]+")
_COLLECTION_NAME = re.compile(r"[A-Za-z0-9-]+([A-Za-z0-9_-]+)*")
_RESERVED = frozenset({"cscc", "escc", "lscc", "qscc", "vscc"})
_PARAMETERS_TYPE = "ChaincodeParameters"
_PACKAGE_TYPE = "ChaincodeLocalPackage"
_Classification = msp_principal_pb2.MSPPrincipal.Classification

_Arguments: TypeAlias = Any
_Function: TypeAlias = "Callable[[Simulator, _Arguments], Message]"


class Lifecycle:
    """The lifecycle as one organisation's peer runs it.

    Parameters
    ----------
    channel : Channel
        Organisations and policies.
    definitions : Definitions
        What is committed.
    packages : Packages
        What the organisation installed.
    msp_id : str
        The organisation.
    """

    def __init__(self, channel: Channel, definitions: Definitions, packages: Packages, msp_id: str) -> None:
        self._channel = channel
        self._definitions = definitions
        self._packages = packages
        self._msp_id = msp_id
        self._local: Mapping[str, tuple[type[Message], Callable[[Any], Awaitable[Message]]]] = {
            "InstallChaincode": (lifecycle_pb2.InstallChaincodeArgs, self._install),
            "QueryInstalledChaincode": (lifecycle_pb2.QueryInstalledChaincodeArgs, self._query_installed),
            "GetInstalledChaincodePackage": (
                lifecycle_pb2.GetInstalledChaincodePackageArgs,
                self._get_package,
            ),
            "QueryInstalledChaincodes": (
                lifecycle_pb2.QueryInstalledChaincodesArgs,
                self._query_all_installed,
            ),
        }
        self._organisation: Mapping[str, tuple[type[Message], _Function]] = {
            "ApproveChaincodeDefinitionForMyOrg": (
                lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs,
                self._approve,
            ),
            "QueryApprovedChaincodeDefinition": (
                lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs,
                self._query_approved,
            ),
            "QueryApprovedChaincodeDefinitions": (
                lifecycle_pb2.QueryApprovedChaincodeDefinitionsArgs,
                self._query_all_approved,
            ),
        }
        self._channel_wide: Mapping[str, tuple[type[Message], _Function]] = {
            "CheckCommitReadiness": (lifecycle_pb2.CheckCommitReadinessArgs, self._check_readiness),
            "CommitChaincodeDefinition": (lifecycle_pb2.CommitChaincodeDefinitionArgs, self._commit),
            "QueryChaincodeDefinition": (lifecycle_pb2.QueryChaincodeDefinitionArgs, self._query_definition),
            "QueryChaincodeDefinitions": (
                lifecycle_pb2.QueryChaincodeDefinitionsArgs,
                self._query_definitions,
            ),
        }

    async def invoke(self, call: SystemCall) -> proposal_response_pb2.Response:
        """Answer a call: the function's name and its serialised arguments."""
        if len(call.arguments) != 2:
            return error(
                "lifecycle scc must be invoked with arguments"
                if not call.arguments
                else f"lifecycle scc operations require exactly two arguments but received {len(call.arguments)}"
            )
        name = call.arguments[0].decode(errors="replace")
        try:
            self._check_access(name, call)
        except Refused as refusal:
            return error(f"Failed to authorize invocation due to failed ACL check: {refusal.message}")
        try:
            result = await self._run(name, call)
        except NotDefined as missing:
            return error(missing.message, 404)
        except (Refused, Malformed) as refusal:
            return error(f"failed to invoke backing implementation of '{name}': {refusal.message}")
        return success(result.SerializeToString(deterministic=True))

    def _check_access(self, name: str, call: SystemCall) -> None:
        if name in self._local or name in self._organisation:
            check_local(self._channel, self._msp_id, ADMINS, call.signed)
        elif name in self._channel_wide:
            if not call.channel_id:
                raise Refused("Invalid channel ID name during check policy. Name must be different from nil.")
            self._channel.check_access(WRITERS, call.signed)
        else:
            raise Refused(f"Unmapped policy for _lifecycle/{name}")

    async def _run(self, name: str, call: SystemCall) -> Message:
        argument_type, function = {**self._local, **self._organisation, **self._channel_wide}[name]
        try:
            arguments = argument_type.FromString(call.arguments[1])
        except DecodeError as failure:
            raise Malformed(f"could not decode input arg for Invocation.{name}") from failure
        if name in self._local:
            return await self._local[name][1](arguments)
        if call.simulator is None:
            raise Refused("invalid channel-less operation")
        return function(call.simulator, arguments)  # type: ignore[call-arg,return-value]

    async def _install(self, arguments: _Arguments) -> Message:
        package = await self._packages.install(arguments.chaincode_install_package)
        return lifecycle_pb2.InstallChaincodeResult(package_id=package.package_id, label=package.label)

    async def _query_installed(self, arguments: _Arguments) -> Message:
        package = self._packages.get(arguments.package_id)
        if package is None:
            raise NotDefined(f"chaincode install package '{arguments.package_id}' not found")
        return lifecycle_pb2.QueryInstalledChaincodeResult(package_id=package.package_id, label=package.label)

    async def _get_package(self, arguments: _Arguments) -> Message:
        if self._packages.get(arguments.package_id) is None:
            raise NotDefined(f"chaincode install package '{arguments.package_id}' not found")
        data = self._packages.data(arguments.package_id)
        return lifecycle_pb2.GetInstalledChaincodePackageResult(chaincode_install_package=data)

    async def _query_all_installed(self, arguments: _Arguments) -> Message:
        del arguments
        result = lifecycle_pb2.QueryInstalledChaincodesResult()
        for package in self._packages.all():
            result.installed_chaincodes.add(package_id=package.package_id, label=package.label)
        return result

    def _approve(self, simulator: Simulator, arguments: _Arguments) -> Message:
        self._check_input(simulator, arguments)
        public, own = PublicState(simulator), OrganisationState(simulator, self._msp_id)
        name, requested = arguments.name, arguments.sequence
        current = _current_sequence(public, name)
        if current == requested == 0:
            raise Refused("requested sequence is 0, but first definable sequence number is 1")
        if requested < current:
            raise Refused(
                f"currently defined sequence {current} is larger than requested sequence {requested}"
            )
        if requested > current + 1:
            raise Refused(
                f"requested sequence {requested} is larger than the next available sequence number {current + 1}"
            )
        parameters = parameters_entry(arguments)
        package_id = arguments.source.local_package.package_id
        source = Entry(_PACKAGE_TYPE, {"PackageID": db_pb2.StateData(String=package_id)})
        private_name = f"{name}#{requested}"
        if requested == current:
            committed = {
                field: lifecycle_state.read_field(public, NAMESPACES, name, field)
                for field in parameters.fields
            }
            changed = [field for field, value in parameters.fields.items() if committed[field] != value]
            if changed:
                raise Refused(
                    f"attempted to redefine the current committed sequence ({current}) for namespace {name} with "
                    f"different parameters: {', '.join(changed)} does not match"
                )
        if _is_same(own, private_name, parameters, source):
            raise Refused(
                f"attempted to redefine the current committed sequence ({current}) for namespace {name}"
                if requested == current
                else f"attempted to redefine uncommitted sequence ({requested}) for namespace {name} with unchanged content"
            )
        lifecycle_state.save(own, NAMESPACES, private_name, parameters)
        lifecycle_state.save(own, CHAINCODE_SOURCES, private_name, source)
        return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgResult()

    def _query_approved(self, simulator: Simulator, arguments: _Arguments) -> Message:
        public, own = PublicState(simulator), OrganisationState(simulator, self._msp_id)
        sequence = arguments.sequence
        if sequence == 0:
            sequence = _current_sequence(public, arguments.name)
            if lifecycle_state.read_type(own, NAMESPACES, f"{arguments.name}#{sequence + 1}") is not None:
                sequence += 1
        return self._approved(
            simulator, own, arguments.name, sequence, lifecycle_pb2.QueryApprovedChaincodeDefinitionResult()
        )

    def _query_all_approved(self, simulator: Simulator, arguments: _Arguments) -> Message:
        del arguments
        own = OrganisationState(simulator, self._msp_id)
        result = lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult()
        for entry in own.names(NAMESPACES):
            name, _, sequence = entry.partition("#")
            definition = result.approved_chaincode_definitions.add(name=name)
            self._approved(simulator, own, name, int(sequence), definition)
        return result

    def _approved(
        self, simulator: Simulator, own: OrganisationState, name: str, sequence: int, result: Any
    ) -> Message:
        private_name = f"{name}#{sequence}"
        if lifecycle_state.read_type(own, NAMESPACES, private_name) is None:
            raise Refused(
                f"could not fetch approved chaincode definition (name: '{name}', sequence: '{sequence}') "
                f"on channel '{self._channel.channel_id}'"
            )
        _fill_definition(result, own, private_name, sequence)
        package_id = lifecycle_state.read_field(own, CHAINCODE_SOURCES, private_name, "PackageID").String
        if package_id:
            result.source.local_package.package_id = package_id
        else:
            result.source.unavailable.SetInParent()
        return result  # type: ignore[no-any-return]

    def _check_readiness(self, simulator: Simulator, arguments: _Arguments) -> Message:
        result = lifecycle_pb2.CheckCommitReadinessResult()
        for msp_id, fields in self._mismatches(simulator, arguments).items():
            result.approvals[msp_id] = not fields
            if fields:
                result.mismatches[msp_id].items.extend(fields)
        return result

    def _mismatches(self, simulator: Simulator, arguments: _Arguments) -> dict[str, list[str]]:
        current = _current_sequence(PublicState(simulator), arguments.name)
        if arguments.sequence != current + 1:
            raise Refused(
                f"requested sequence is {arguments.sequence}, but new definition must be sequence {current + 1}"
            )
        return self._approvals(simulator, arguments.name, arguments.sequence, parameters_entry(arguments))

    def _approvals(
        self, simulator: Simulator, name: str, sequence: int, parameters: Entry
    ) -> dict[str, list[str]]:
        states = [OrganisationState(simulator, msp_id) for msp_id in self._channel.msp_ids]
        return lifecycle_state.differences(states, NAMESPACES, f"{name}#{sequence}", parameters)

    def _commit(self, simulator: Simulator, arguments: _Arguments) -> Message:
        self._check_input(simulator, arguments)
        mismatches = self._mismatches(simulator, arguments)
        fields = {
            "Sequence": db_pb2.StateData(Int64=arguments.sequence),
            **parameters_entry(arguments).fields,
        }
        lifecycle_state.save(
            PublicState(simulator), NAMESPACES, arguments.name, Entry(DEFINITION_TYPE, fields)
        )
        if mismatches[self._msp_id]:
            raise Refused(f"chaincode definition not agreed to by this org ({self._msp_id})")
        return lifecycle_pb2.CommitChaincodeDefinitionResult()

    def _query_definition(self, simulator: Simulator, arguments: _Arguments) -> Message:
        public, name = PublicState(simulator), arguments.name
        if lifecycle_state.read_type(public, NAMESPACES, name) is None:
            raise NotDefined(f"namespace {name} is not defined")
        sequence = _current_sequence(public, name)
        result = lifecycle_pb2.QueryChaincodeDefinitionResult()
        _fill_definition(result, public, name, sequence)
        fields = {
            field: lifecycle_state.read_field(public, NAMESPACES, name, field)
            for field in ("EndorsementInfo", "ValidationInfo", "Collections")
        }
        for msp_id, differing in self._approvals(
            simulator, name, sequence, Entry(_PARAMETERS_TYPE, fields)
        ).items():
            result.approvals[msp_id] = not differing
        return result

    def _query_definitions(self, simulator: Simulator, arguments: _Arguments) -> Message:
        del arguments
        public = PublicState(simulator)
        result = lifecycle_pb2.QueryChaincodeDefinitionsResult()
        for name in public.names(NAMESPACES):
            definition = result.chaincode_definitions.add(name=name)
            _fill_definition(definition, public, name, _current_sequence(public, name))
        return result

    def _check_input(self, simulator: Simulator, arguments: _Arguments) -> None:
        prefix = "error validating chaincode definition: "
        if not _CHAINCODE_NAME.fullmatch(arguments.name):
            raise Refused(
                f"{prefix}invalid chaincode name '{arguments.name}'. Names can only consist of alphanumerics, '_', and "
                "'-' and can only begin with alphanumerics"
            )
        if arguments.name in _RESERVED:
            raise Refused(f"{prefix}chaincode name '{arguments.name}' is the name of a system chaincode")
        if not _VERSION.fullmatch(arguments.version):
            raise Refused(
                f"{prefix}invalid chaincode version '{arguments.version}'. Versions can only consist of alphanumerics, "
                "'_', '-', '+', and '.'"
            )
        proposed = {}
        for entry in arguments.collections.config:
            config = entry.static_collection_config
            if entry.WhichOneof("payload") is None:
                raise Refused(f"{prefix}collection configuration is empty")
            try:
                self._check_collection(config)
            except (Refused, Malformed) as refusal:
                raise Refused(f"{prefix}{refusal.message}") from refusal
            if config.name in proposed:
                raise Refused(
                    f"{prefix}collection-name: {config.name} -- found duplicate in collection configuration"
                )
            proposed[config.name] = config
        committed = self._definitions.get(simulator.snapshot, arguments.name)
        for entry in committed.collection_package.config if committed is not None else ():
            _check_kept(entry.static_collection_config, proposed, prefix)

    def _check_collection(self, config: collection_pb2.StaticCollectionConfig) -> None:
        if not _COLLECTION_NAME.fullmatch(config.name):
            raise Refused(
                f"invalid collection name '{config.name}'. Names can only consist of alphanumerics, '_', and '-' and "
                "cannot begin with '_'"
            )
        if config.maximum_peer_count < config.required_peer_count:
            raise Refused(
                f"collection-name: {config.name} -- maximum peer count ({config.maximum_peer_count}) cannot be less than "
                f"the required peer count ({config.required_peer_count})"
            )
        if config.required_peer_count < 0:
            raise Refused(
                f"collection-name: {config.name} -- requiredPeerCount ({config.required_peer_count}) cannot be less than "
                "zero"
            )
        if not config.HasField("member_orgs_policy"):
            raise Refused(f"collection member policy is not set for collection '{config.name}'")
        if config.member_orgs_policy.WhichOneof("payload") is None:
            raise Refused(f"collection member org policy is empty for collection '{config.name}'")
        envelope = config.member_orgs_policy.signature_policy
        SignaturePolicy(envelope)
        _check_only_or(envelope.rule, config.name)
        for principal in envelope.identities:
            self._check_principal(principal, config.name)

    def _check_principal(self, principal: msp_principal_pb2.MSPPrincipal, name: str) -> None:
        kind = principal.principal_classification
        try:
            if kind == _Classification.ROLE:
                msp_id = msp_principal_pb2.MSPRole.FromString(principal.principal).msp_identifier
            elif kind == _Classification.ORGANIZATION_UNIT:
                msp_id = msp_principal_pb2.OrganizationUnit.FromString(principal.principal).msp_identifier
            elif kind == _Classification.IDENTITY:
                msp_id = self._channel.msps.deserialize(principal.principal).msp_id
            else:
                raise Refused(f"collection-name: {name} -- principal type {kind} is not supported")
        except DecodeError as failure:
            raise Refused(
                f"collection-name: {name} -- cannot unmarshal identity bytes into MSPRole"
            ) from failure
        if msp_id not in self._channel.msps.msps:
            raise Refused(
                f"collection-name: {name} -- collection member '{msp_id}' is not part of the channel"
            )


def parameters_entry(arguments: _Arguments) -> Entry:
    """Return the part of a definition that organisations approve, with the channel's defaults filled in."""
    endorsement = chaincode_definition_pb2.ChaincodeEndorsementInfo(
        version=arguments.version,
        init_required=arguments.init_required,
        endorsement_plugin=arguments.endorsement_plugin or "escc",
    )
    default = policy_pb2.ApplicationPolicy(channel_config_policy_reference=ENDORSEMENT)
    validation = chaincode_definition_pb2.ChaincodeValidationInfo(
        validation_plugin=arguments.validation_plugin or "vscc",
        validation_parameter=arguments.validation_parameter or default.SerializeToString(),
    )
    return Entry(
        _PARAMETERS_TYPE,
        {
            "EndorsementInfo": db_pb2.StateData(Bytes=endorsement.SerializeToString()),
            "ValidationInfo": db_pb2.StateData(Bytes=validation.SerializeToString()),
            "Collections": db_pb2.StateData(Bytes=arguments.collections.SerializeToString()),
        },
    )


def _current_sequence(public: PublicState, name: str) -> int:
    return int(lifecycle_state.read_field(public, NAMESPACES, name, "Sequence").Int64)


def _is_same(own: OrganisationState, name: str, parameters: Entry, source: Entry) -> bool:
    for namespace, entry in ((NAMESPACES, parameters), (CHAINCODE_SOURCES, source)):
        if lifecycle_state.read_type(own, namespace, name) is None:
            return False
        for field, value in entry.fields.items():
            if lifecycle_state.read_field(own, namespace, name, field) != value:
                return False
    return True


def _fill_definition(result: Any, state: PublicState | OrganisationState, name: str, sequence: int) -> None:
    fields = {
        field: lifecycle_state.read_field(state, NAMESPACES, name, field).Bytes
        for field in ("EndorsementInfo", "ValidationInfo", "Collections")
    }
    try:
        endorsement = chaincode_definition_pb2.ChaincodeEndorsementInfo.FromString(fields["EndorsementInfo"])
        validation = chaincode_definition_pb2.ChaincodeValidationInfo.FromString(fields["ValidationInfo"])
        collections = collection_pb2.CollectionConfigPackage.FromString(fields["Collections"])
    except DecodeError as failure:
        raise Malformed(f"could not deserialize namespace {name} as chaincode") from failure
    result.sequence = sequence
    result.version = endorsement.version
    result.endorsement_plugin = endorsement.endorsement_plugin
    result.init_required = endorsement.init_required
    result.validation_plugin = validation.validation_plugin
    result.validation_parameter = validation.validation_parameter
    result.collections.CopyFrom(collections)


def _check_only_or(rule: policies_pb2.SignaturePolicy, name: str) -> None:
    if rule.WhichOneof("Type") == "n_out_of":
        if rule.n_out_of.n != 1:
            raise Refused(
                f"collection-name: {name} -- error in member org policy: signature policy is not an OR concatenation, "
                f"NOutOf {rule.n_out_of.n}"
            )
        for part in rule.n_out_of.rules:
            _check_only_or(part, name)


def _check_kept(
    committed: collection_pb2.StaticCollectionConfig,
    proposed: Mapping[str, collection_pb2.StaticCollectionConfig],
    prefix: str,
) -> None:
    if not proposed:
        raise Refused(
            f"{prefix}the proposed collection config does not contain previously defined collections"
        )
    again = proposed.get(committed.name)
    if again is None:
        raise Refused(
            f"{prefix}existing collection [{committed.name}] missing in the proposed collection configuration"
        )
    if again.block_to_live != committed.block_to_live:
        raise Refused(
            f"{prefix}the BlockToLive in an existing collection [{committed.name}] modified. "
            f"Existing value [{committed.block_to_live}]"
        )
