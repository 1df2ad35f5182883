"""Deploying a chaincode, so that a crash at any moment leaves something that the next command can settle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from gridledger.client.collection import Collection
from gridledger.client.errors import OutcomeUnknown
from gridledger.client.lifecycle import ChaincodeDefinition
from gridledger.client.policy import EndorsementPolicy
from gridledger.host.ports import free_ports
from gridledger.model.errors import ConfigError, NetworkSetupError
from gridledger.network.attached.definition_file import DefinitionFile
from gridledger.network.blocking import run_blocking
from gridledger.network.containers.compose_file import ComposeFile
from gridledger.network.description import (
    MEMBERS,
    ChaincodeDescription,
    ChaincodeRelease,
    NetworkDescription,
    World,
)
from gridledger.network.errors import ApprovalsMissing, DeployError
from gridledger.network.lifecycle import ChannelLifecycle
from gridledger.network.release import ReleaseFiles

__all__ = ["Deployment"]

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_START_SECONDS = 30.0
_ANSWER_SECONDS = 60.0


class Deployment:
    """The chaincodes of a running network; the caller holds the network's lock.

    Parameters
    ----------
    directory : Path
        The network's folder.

    Notes
    -----
    Order of writes: the release stands in `network.json` as pending before its processes start, and becomes
    current after its definition is committed. A pending one that is found later is current if the channel has
    its sequence, and dropped if not.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._description = NetworkDescription.load(directory)
        self._lifecycle = ChannelLifecycle(self._description, directory)

    def run(
        self,
        name: str,
        module: str,
        *,
        policy: str | None,
        collections: Sequence[Collection],
        python_path: Sequence[str],
        tls: bool,
    ) -> None:
        """Deploy a chaincode or its next definition; see `Network.deploy`."""
        chaincode = self._without_pending(self._chaincode(name))
        if not _MODULE.fullmatch(module):
            raise ConfigError("want module:Class", key="module", source="deploy", value=module[:200])
        parsed = EndorsementPolicy(policy, source="deploy") if policy is not None else None
        self._refuse_strangers(name, parsed, collections)
        committed = run_blocking(self._lifecycle.committed_sequence, name)
        definition = ChaincodeDefinition(
            name=name,
            version=str(committed + 1),
            sequence=committed + 1,
            policy=parsed,
            collections=list(collections),
        )
        files = self._approve(chaincode, definition, module=module, python_path=python_path, tls=tls)
        self._commit(replace(chaincode, pending=files.release), definition, files)

    def approve(
        self, definition: ChaincodeDefinition, *, module: str, python_path: Sequence[str], tls: bool
    ) -> list[str]:
        """Approve what another organisation defined, and run it; return who has approved it by now."""
        committed = run_blocking(self._lifecycle.committed_sequence, definition.name)
        if definition.sequence != committed + 1:
            raise ConfigError(
                f"the channel wants {committed + 1}",
                key="sequence",
                source="approve",
                value=definition.sequence,
            )
        self._refuse_strangers(definition.name, definition.policy, definition.collections)
        chaincode = self._without_pending(self._chaincode(definition.name))
        files = self._approve(chaincode, definition, module=module, python_path=python_path, tls=tls)
        approved = run_blocking(self._lifecycle.approvals, definition)
        self._wait(replace(chaincode, pending=files.release), definition, files, approved)
        return approved

    def commit(self, name: str) -> None:
        """Put a definition that waited for approvals into force; nothing happens if somebody else has."""
        waiting = self._description.chaincode(name).pending
        if waiting is None or not waiting.is_waiting:
            raise ConfigError("waits for no approval", key="name", source="commit", value=name)
        self.settle()
        now = self._chaincode(name)
        if now.pending is not None:
            files = ReleaseFiles(name, waiting, self._directory)
            self._commit(now, DefinitionFile.load(files.definition_file).definition(), files)
        elif now.current is None or now.current.package_ids != waiting.package_ids:
            reason = f"the channel has another definition {waiting.sequence}"
            raise DeployError(name, step="commit", reason=reason)

    def _approve(
        self,
        chaincode: ChaincodeDescription,
        definition: ChaincodeDefinition,
        *,
        module: str,
        python_path: Sequence[str],
        tls: bool,
    ) -> ReleaseFiles:
        """Start, install and approve a definition's release; it is pending then."""
        organisations = [organisation.name for organisation in self._description.organisations]
        ports = free_ports()
        release = ChaincodeRelease(
            sequence=definition.sequence,
            module=module,
            python_path=list(python_path),
            policy=definition.policy.text if definition.policy is not None else None,
            collections=[collection.name for collection in definition.collections],
            tls=tls,
            ports=dict(zip(organisations, islice(ports, len(organisations)), strict=True)),
            metrics_ports=dict(zip(organisations, islice(ports, len(organisations)), strict=True)),
            package_ids={},
            hosts={
                one.name: one.attachment.chaincode_host
                for one in self._description.organisations
                if one.attachment is not None
            },
            image=self._description.containers.chaincode if self._description.containers else None,
        )
        files = ReleaseFiles(definition.name, release, self._directory)
        self._save(replace(chaincode, pending=files.create()))
        try:
            self._start(files)
            run_blocking(self._lifecycle.install, files)
            run_blocking(self._lifecycle.approve, files, definition)
        except OutcomeUnknown:
            raise
        except NetworkSetupError:
            self._drop(chaincode, files)
            raise
        return files

    def _commit(
        self, chaincode: ChaincodeDescription, definition: ChaincodeDefinition, files: ReleaseFiles
    ) -> None:
        approved = self._lifecycle.msp_ids
        if self._description.world is World.ATTACHED:
            approved = self._approved(chaincode, definition, files)
        try:
            run_blocking(self._lifecycle.commit, definition, approved=approved)
        except OutcomeUnknown:
            raise
        except NetworkSetupError:
            if not files.release.is_waiting:
                self._drop(replace(chaincode, pending=None), files)
            raise
        self._promote(chaincode)
        run_blocking(self._lifecycle.wait_answer, definition.name, seconds=_ANSWER_SECONDS)

    def _approved(
        self, chaincode: ChaincodeDescription, definition: ChaincodeDefinition, files: ReleaseFiles
    ) -> list[str]:
        """Return who has approved; keep the definition and raise ApprovalsMissing if they are too few."""
        members = run_blocking(self._lifecycle.members)
        others = sorted(set(members.msp_ids) - set(self._lifecycle.msp_ids))
        if not others:
            return self._lifecycle.msp_ids
        approved = run_blocking(self._lifecycle.approvals, definition)
        if members.approvals is None or len(approved) >= members.approvals:
            return approved
        self._wait(chaincode, definition, files, approved)
        raise ApprovalsMissing(
            definition.name,
            approved=approved,
            missing=[msp_id for msp_id in others if msp_id not in approved],
            wanted=members.approvals,
            file=str(files.definition_file),
        )

    def _wait(
        self,
        chaincode: ChaincodeDescription,
        definition: ChaincodeDefinition,
        files: ReleaseFiles,
        approved: list[str],
    ) -> None:
        described = DefinitionFile.of(
            self._description.channel, definition, module=files.release.module, approved=approved
        )
        described.save(files.definition_file)
        self._save(replace(chaincode, pending=replace(files.release, is_waiting=True)))

    def _without_pending(self, chaincode: ChaincodeDescription) -> ChaincodeDescription:
        """Drop what waits for approvals: it is defined anew."""
        if chaincode.pending is None:
            return chaincode
        self._drop(chaincode, ReleaseFiles(chaincode.name, chaincode.pending, self._directory))
        return replace(chaincode, pending=None)

    def settle(self) -> None:
        """Find out what became of deployments that did not come to their end."""
        for chaincode in self._description.chaincodes:
            if chaincode.pending is None:
                continue
            name, sequence = chaincode.name, chaincode.pending.sequence
            committed = run_blocking(self._lifecycle.committed_sequence, name)
            if committed < sequence and chaincode.pending.is_waiting:
                continue
            files = ReleaseFiles(name, chaincode.pending, self._directory)
            if committed >= sequence and self._is_ours(files):
                self._promote(chaincode)
            else:
                self._drop(chaincode, files)

    def _is_ours(self, files: ReleaseFiles) -> bool:
        # Where others define chaincode, too, a sequence alone does not tell whose definition it is.
        return self._description.world is not World.ATTACHED or run_blocking(self._lifecycle.is_ours, files)

    def install_missing(self) -> None:
        """Install the current releases on peers that have lost them."""
        for files in self._current():
            run_blocking(self._lifecycle.install, files)

    def admit(self, organisation: str) -> None:
        """Package, install, approve and serve the current releases for an organisation that came later.

        Raises
        ------
        DeployError
            If a step is refused.
        """
        for chaincode in self._description.chaincodes:
            if chaincode.current is None:
                continue
            files = ReleaseFiles(chaincode.name, chaincode.current, self._directory)
            if organisation not in files.release.ports:
                port, metrics_port = islice(free_ports(), 2)
                made = files.create_for(organisation, port, metrics_port)
                self._save(replace(chaincode, current=made))
            self._start(files)
            run_blocking(self._lifecycle.install, files)
            run_blocking(self._lifecycle.approve_current, files, organisation)

    def wait_answers(self) -> None:
        """Wait until organisations find each other and every chaincode answers; else DeployError."""
        run_blocking(self._lifecycle.wait_found, seconds=_ANSWER_SECONDS)
        for files in self._current():
            run_blocking(self._lifecycle.wait_answer, files.name, seconds=_ANSWER_SECONDS)

    def _chaincode(self, name: str) -> ChaincodeDescription:
        known = [chaincode for chaincode in self._description.chaincodes if chaincode.name == name]
        if known:
            return known[0]
        try:
            return ChaincodeDescription(name=name)
        except ValidationError as error:
            raise ConfigError(
                "letters and digits, with single - or _ between, at most 64",
                key="name",
                source="deploy",
                value=name[:100],
            ) from error

    def _refuse_strangers(
        self, name: str, policy: EndorsementPolicy | None, collections: Sequence[Collection]
    ) -> None:
        known = {material.msp_id for material in self._description.peer_material(self._directory)}
        known |= {path.name for path in (self._directory / MEMBERS).glob("*")}
        policies = {f"policy of {name}": policy}
        for collection in collections:
            policies[f"policy of collection {collection.name}"] = collection.policy
            policies[f"endorsementPolicy of collection {collection.name}"] = collection.endorsement_policy
        for key, named in policies.items():
            strangers = sorted(set(named.organizations) - known) if named is not None else []
            if strangers:
                raise ConfigError(
                    f"names {', '.join(strangers)}; the channel has {', '.join(sorted(known))}",
                    key=key,
                    source="deploy",
                )

    def _current(self) -> list[ReleaseFiles]:
        return [
            ReleaseFiles(chaincode.name, chaincode.current, self._directory)
            for chaincode in self._description.chaincodes
            if chaincode.current is not None
        ]

    def _start(self, files: ReleaseFiles) -> None:
        components = files.components()
        for component in components:
            component.start()
        for component in components:
            component.wait_ready(seconds=_START_SECONDS)

    def _promote(self, chaincode: ChaincodeDescription) -> None:
        before = chaincode.current
        promoted = replace(chaincode.pending, is_waiting=False) if chaincode.pending is not None else None
        self._save(replace(chaincode, current=promoted, pending=None))
        if before is not None:
            self._end(ReleaseFiles(chaincode.name, before, self._directory))

    def _drop(self, chaincode: ChaincodeDescription, files: ReleaseFiles) -> None:
        self._end(files)
        if chaincode.current is None:
            self._description = self._description.without_chaincode(chaincode.name)
            self._description.save(self._directory)
        else:
            self._save(replace(chaincode, pending=None))

    def _end(self, files: ReleaseFiles) -> None:
        for component in files.components():
            component.process.request_stop()
        for component in files.components():
            component.process.stop()
        ComposeFile(directory=self._directory).drop(one.name for one in files.components())
        files.remove()

    def _save(self, chaincode: ChaincodeDescription) -> None:
        self._description = self._description.with_chaincode(chaincode)
        self._description.save(self._directory)
