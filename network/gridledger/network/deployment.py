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
from gridledger.client.policy import EndorsementPolicy
from gridledger.host.ports import free_ports
from gridledger.model.errors import ConfigError, NetworkSetupError
from gridledger.network.blocking import run_blocking
from gridledger.network.description import ChaincodeDescription, ChaincodeRelease, NetworkDescription
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
        chaincode = self._chaincode(name)
        if not _MODULE.fullmatch(module):
            raise ConfigError("want module:Class", key="module", source="deploy", value=module[:200])
        parsed = EndorsementPolicy(policy, source="deploy") if policy is not None else None
        self._refuse_strangers(name, parsed, collections)
        committed = run_blocking(self._lifecycle.committed_sequence, name)
        organisations = [organisation.name for organisation in self._description.organisations]
        release = ChaincodeRelease(
            sequence=committed + 1,
            module=module,
            python_path=list(python_path),
            policy=policy,
            collections=[collection.name for collection in collections],
            tls=tls,
            ports=dict(zip(organisations, islice(free_ports(), len(organisations)), strict=True)),
            package_ids={},
        )
        files = ReleaseFiles(name, release, self._directory)
        release = files.create()
        self._save(replace(chaincode, pending=release))
        try:
            self._start(files)
            run_blocking(self._lifecycle.install, files)
            run_blocking(self._lifecycle.define, files, parsed, list(collections))
        except OutcomeUnknown:
            raise
        except NetworkSetupError:
            self._drop(chaincode, files)
            raise
        self._promote(replace(chaincode, pending=release))
        run_blocking(self._lifecycle.wait_answer, name, seconds=_ANSWER_SECONDS)

    def settle(self) -> None:
        """Find out what became of deployments that did not come to their end."""
        for chaincode in self._description.chaincodes:
            if chaincode.pending is None:
                continue
            name, sequence = chaincode.name, chaincode.pending.sequence
            if run_blocking(self._lifecycle.committed_sequence, name) >= sequence:
                self._promote(chaincode)
            else:
                self._drop(chaincode, ReleaseFiles(name, chaincode.pending, self._directory))

    def install_missing(self) -> None:
        """Install the current releases on peers that have lost them."""
        for files in self._current():
            run_blocking(self._lifecycle.install, files)

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
        self._save(replace(chaincode, current=chaincode.pending, pending=None))
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
        files.remove()

    def _save(self, chaincode: ChaincodeDescription) -> None:
        self._description = self._description.with_chaincode(chaincode)
        self._description.save(self._directory)
