"""Definitions that several organisations approve, each from a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gridledger.host.lock import folder_lock
from gridledger.model.errors import ConfigError
from gridledger.network.attached.definition_file import DefinitionFile
from gridledger.network.deployment import Deployment
from gridledger.network.description import World
from gridledger.network.network import Network

__all__ = ["approve", "commit"]


def approve(
    network: Network,
    file: Path,
    *,
    module: str | None = None,
    python_path: Sequence[Path] = (),
    tls: bool = True,
) -> list[str]:
    """Approve a chaincode's definition from another organisation, and run the chaincode for ours.

    Parameters
    ----------
    network : Network
        An attached network.
    file : Path
        The definition, as `Network.deploy` of the other organisation wrote it.
    module : str, optional
        `module:Class` to serve; what the file names by default.
    python_path : sequence of Path, optional
        Folders that the module is found in.
    tls : bool, default True
        Whether peers and chaincode speak mutual TLS.

    Returns
    -------
    list of str
        MSPs that have approved it by now.

    Raises
    ------
    ConfigError
        If the file is none, of another channel or another sequence than the channel's next.
    DeployError
        If a step is refused.
    """
    given = DefinitionFile.load(file)
    with folder_lock(network.directory):
        _require_attached(network)
        if given.channel != network.channel:
            raise ConfigError(
                f"the network's is {network.channel}", key="channel", source=str(file), value=given.channel
            )
        deployment = Deployment(network.directory)
        deployment.settle()
        return deployment.approve(
            given.definition(source=str(file)),
            module=module or given.module,
            python_path=[str(path.absolute()) for path in python_path],
            tls=tls,
        )


def commit(network: Network, name: str) -> None:
    """Put a definition into force that waited for other organisations; any of them may.

    Parameters
    ----------
    network : Network
        An attached network.
    name : str
        The chaincode.

    Raises
    ------
    UnknownComponent, ConfigError
        If there is no such chaincode, or it waits for no approval.
    ApprovalsMissing
        If it still waits.
    DeployError
        If the commit is refused, or the chaincode does not answer.
    OutcomeUnknown
        If nobody can say whether the definition stands; the next call finds out.
    """
    with folder_lock(network.directory):
        _require_attached(network)
        Deployment(network.directory).commit(name)


def _require_attached(network: Network) -> None:
    if network.world is not World.ATTACHED:
        raise ConfigError("is not attached", key="world", source=str(network.directory), value=network.world)
