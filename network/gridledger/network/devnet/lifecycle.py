"""`_lifecycle`: an organisation installs chaincode, organisations approve it, the channel commits it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from fabric_protos.peer import collection_pb2, policy_pb2, proposal_response_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2, lifecycle_pb2
from google.protobuf.message import DecodeError, Message

from gridledger.network.devnet import lifecycle_state
from gridledger.network.devnet.channel import ENDORSEMENT, WRITERS, Channel
from gridledger.network.devnet.definition import CHAINCODE_SOURCES, DEFINITION_TYPE, NAMESPACES, Definitions
from gridledger.network.devnet.definition_rules import check_collections, check_names
from gridledger.network.devnet.errors import Malformed, NotDefined, Refused
from gridledger.network.devnet.installed import InstalledPackage
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.lifecycle_state import Entry, OrganisationState, PublicState
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.simulator import Simulator
from gridledger.network.devnet.system_chaincode import ADMINS, SystemCall, check_local, error, success

__all__ = ["Lifecycle", "parameters_entry"]

_PARAMETERS_TYPE = "ChaincodeParameters"
_PACKAGE_TYPE = "ChaincodeLocalPackage"

_Arguments: TypeAlias = Any
_Function: TypeAlias = "Callable[[Simulator, _Arguments], Message]"


class Lifecycle:
    """The lifecycle as one organisation's peer runs it.

    Parameters
    ----------
    channel : Channel
        Organisations and policies.
    ledger : Ledger
        Where definitions stand.
    definitions : Definitions
        What is committed.
    organisation : Organisation
        Whose peer it is.
    """

    def __init__(
        self, channel: Channel, ledger: Ledger, definitions: Definitions, organisation: Organisation
    ) -> None:
        self._channel = channel
        self._ledger = ledger
        self._definitions = definitions
        self._own = organisation
        self._packages = organisation.packages
        self._msp_id = organisation.msp_id
        self._local: Mapping[str, Callable[[_Arguments], Awaitable[Message]]] = {
            "InstallChaincode": self._install,
            "QueryInstalledChaincode": self._query_installed,
            "GetInstalledChaincodePackage": self._get_package,
            "QueryInstalledChaincodes": self._query_all_installed,
        }
        self._organisation: Mapping[str, _Function] = {
            "ApproveChaincodeDefinitionForMyOrg": self._approve,
            "QueryApprovedChaincodeDefinition": self._query_approved,
            "QueryApprovedChaincodeDefinitions": self._query_all_approved,
        }
        self._channel_wide: Mapping[str, _Function] = {
            "CheckCommitReadiness": self._check_readiness,
            "CommitChaincodeDefinition": self._commit,
            "QueryChaincodeDefinition": self._query_definition,
            "QueryChaincodeDefinitions": self._query_definitions,
        }

    async def invoke(self, call: SystemCall) -> proposal_response_pb2.Response:
        """Answer a call: the function's name and its serialised arguments."""
        if len(call.arguments) != 2:
            count = len(call.arguments)
            return error(
                f"lifecycle scc operations require exactly two arguments but received {count}"
                if count
                else "lifecycle scc must be invoked with arguments"
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
        try:
            arguments = getattr(lifecycle_pb2, f"{name}Args").FromString(call.arguments[1])
        except DecodeError as failure:
            raise Malformed(f"could not decode input arg for Invocation.{name}") from failure
        if name in self._local:
            return await self._local[name](arguments)
        if call.simulator is None:
            raise Refused("invalid channel-less operation")
        function = self._organisation.get(name) or self._channel_wide[name]
        return function(call.simulator, arguments)

    async def _install(self, arguments: _Arguments) -> lifecycle_pb2.InstallChaincodeResult:
        package = await self._packages.install(arguments.chaincode_install_package)
        return lifecycle_pb2.InstallChaincodeResult(package_id=package.package_id, label=package.label)

    async def _query_installed(self, arguments: _Arguments) -> lifecycle_pb2.QueryInstalledChaincodeResult:
        package = self._installed(arguments.package_id)
        result = lifecycle_pb2.QueryInstalledChaincodeResult(
            package_id=package.package_id, label=package.label
        )
        for name, version in self._uses(package.package_id):
            result.references[self._channel.channel_id].chaincodes.add(name=name, version=version)
        return result

    async def _get_package(self, arguments: _Arguments) -> lifecycle_pb2.GetInstalledChaincodePackageResult:
        data = self._packages.data(self._installed(arguments.package_id).package_id)
        return lifecycle_pb2.GetInstalledChaincodePackageResult(chaincode_install_package=data)

    async def _query_all_installed(
        self, arguments: _Arguments
    ) -> lifecycle_pb2.QueryInstalledChaincodesResult:
        del arguments
        result = lifecycle_pb2.QueryInstalledChaincodesResult()
        for package in self._packages.all():
            entry = result.installed_chaincodes.add(package_id=package.package_id, label=package.label)
            for name, version in self._uses(package.package_id):
                entry.references[self._channel.channel_id].chaincodes.add(name=name, version=version)
        return result

    def _installed(self, package_id: str) -> InstalledPackage:
        package = self._packages.get(package_id)
        if package is None:
            raise NotDefined(f"chaincode install package '{package_id}' not found")
        return package

    def _uses(self, package_id: str) -> list[tuple[str, str]]:
        """Return names and versions of the committed chaincodes that a package runs."""
        found = []
        with self._ledger.snapshot() as snapshot:
            for name in self._definitions.names(snapshot):
                local = self._own.chaincode(snapshot, name)
                if local is not None and local.package is not None and local.package.package_id == package_id:
                    found.append((name, local.definition.version))
        return found

    def _approve(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgResult:
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
                f"requested sequence {requested} is larger than the next available sequence number "
                f"{current + 1}"
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
                    f"attempted to redefine the current committed sequence ({current}) for namespace {name} "
                    "with "
                    f"different parameters: {', '.join(changed)} does not match"
                )
        if _is_same(own, private_name, parameters, source):
            if requested == current:
                raise Refused(
                    f"attempted to redefine the current committed sequence ({current}) for namespace {name}"
                )
            raise Refused(
                f"attempted to redefine uncommitted sequence ({requested}) for namespace {name} with "
                "unchanged content"
            )
        lifecycle_state.save(own, NAMESPACES, private_name, parameters)
        lifecycle_state.save(own, CHAINCODE_SOURCES, private_name, source)
        return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgResult()

    def _query_approved(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.QueryApprovedChaincodeDefinitionResult:
        public, own = PublicState(simulator), OrganisationState(simulator, self._msp_id)
        sequence = arguments.sequence
        if sequence == 0:
            sequence = _current_sequence(public, arguments.name)
            if lifecycle_state.read_type(own, NAMESPACES, f"{arguments.name}#{sequence + 1}") is not None:
                sequence += 1
        result = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult()
        self._fill_approved(result, own, arguments.name, sequence)
        return result

    def _query_all_approved(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult:
        del arguments
        own = OrganisationState(simulator, self._msp_id)
        result = lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult()
        for entry in own.names(NAMESPACES):
            name, _, sequence = entry.partition("#")
            definition = result.approved_chaincode_definitions.add(name=name)
            self._fill_approved(definition, own, name, int(sequence))
        return result

    def _fill_approved(self, result: _Arguments, own: OrganisationState, name: str, sequence: int) -> None:
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

    def _check_readiness(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.CheckCommitReadinessResult:
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
                f"requested sequence is {arguments.sequence}, but new definition must be sequence "
                f"{current + 1}"
            )
        return self._approvals(simulator, arguments.name, arguments.sequence, parameters_entry(arguments))

    def _approvals(
        self, simulator: Simulator, name: str, sequence: int, parameters: Entry
    ) -> dict[str, list[str]]:
        states = [OrganisationState(simulator, msp_id) for msp_id in self._channel.msp_ids]
        return lifecycle_state.differences(states, NAMESPACES, f"{name}#{sequence}", parameters)

    def _commit(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.CommitChaincodeDefinitionResult:
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

    def _query_definition(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.QueryChaincodeDefinitionResult:
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

    def _query_definitions(
        self, simulator: Simulator, arguments: _Arguments
    ) -> lifecycle_pb2.QueryChaincodeDefinitionsResult:
        del arguments
        public = PublicState(simulator)
        result = lifecycle_pb2.QueryChaincodeDefinitionsResult()
        for name in public.names(NAMESPACES):
            definition = result.chaincode_definitions.add(name=name)
            _fill_definition(definition, public, name, _current_sequence(public, name))
        return result

    def _check_input(self, simulator: Simulator, arguments: _Arguments) -> None:
        committed = self._definitions.get(simulator.snapshot, arguments.name)
        try:
            check_names(arguments.name, arguments.version)
            check_collections(
                self._channel,
                arguments.collections.config,
                committed.collection_package.config if committed is not None else (),
            )
        except Refused as refusal:
            raise Refused(f"error validating chaincode definition: {refusal.message}") from refusal


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
