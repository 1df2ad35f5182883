"""What can go wrong while a network is set up, started, stopped or read.

With `gridledger.host.errors` the GL-NET family.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gridledger.model.errors import NetworkSetupError

__all__ = [
    "ApprovalsMissing",
    "AttachError",
    "ConfigurationMoved",
    "ConsenterAway",
    "ConsenterNotSynced",
    "ConsenterUnknown",
    "ConsentersMoved",
    "ConsentersStop",
    "ConsentersUnnumbered",
    "DeployError",
    "MaterialError",
    "OrdererCallError",
    "SignaturesMissing",
    "SnapshotBroken",
    "ToolFailed",
    "UnknownComponent",
    "UpdateRefused",
    "WorldLacks",
]


class ToolFailed(NetworkSetupError):
    """A tool that was run to its end reported failure.

    Parameters
    ----------
    tool : str
        Name of the program or the service.
    output : str
        What it said.
    """

    code = "GL-NET-006"
    exit_code = 85

    def __init__(self, tool: str, *, output: str) -> None:
        super().__init__(f"{tool} failed: {output}", tool=tool, output=output)


class UnknownComponent(NetworkSetupError):
    """No organisation, user, component or chaincode has this name.

    Parameters
    ----------
    kind : str
        What was looked for, such as `organisation`.
    name : str
        The name that was given.
    known : list of str
        The names that there are.
    """

    code = "GL-NET-007"
    exit_code = 86

    def __init__(self, kind: str, name: str, *, known: list[str]) -> None:
        super().__init__(
            f"no {kind} {name!r}; there are: {', '.join(known) or 'none'}",
            kind=kind,
            name=name,
            known=list(known),
        )


class DeployError(NetworkSetupError):
    """A chaincode could not be deployed.

    Parameters
    ----------
    chaincode : str
        Name of the chaincode.
    step : str
        Where it failed: `package`, `start`, `install`, `approve`, `commit` or `answer`.
    reason : str
        Why.
    """

    code = "GL-NET-009"
    exit_code = 88

    def __init__(self, chaincode: str, *, step: str, reason: str) -> None:
        super().__init__(f"{chaincode}: {step}: {reason}", chaincode=chaincode, step=step, reason=reason)


class MaterialError(NetworkSetupError):
    """Key material is malformed, or stands already where new material is to be written."""

    code = "GL-NET-010"
    exit_code = 89


class AttachError(NetworkSetupError):
    """A peer of a network that others run does not answer, or refuses whom it was asked as.

    Parameters
    ----------
    organisation : str
        Name of the organisation in the connection profile.
    peer : str
        Name of the peer.
    reason : str
        What it said.
    """

    code = "GL-NET-012"
    exit_code = 86

    def __init__(self, organisation: str, *, peer: str, reason: str) -> None:
        super().__init__(
            f"{organisation}: {peer}: {reason}", organisation=organisation, peer=peer, reason=reason
        )


class ApprovalsMissing(NetworkSetupError):
    """Our organisations have approved a chaincode's definition, too few others yet; it stays as it is.

    Parameters
    ----------
    chaincode : str
        Name of the chaincode.
    approved : sequence of str
        MSPs that have approved.
    missing : sequence of str
        MSPs that have not.
    wanted : int
        How many have to.
    file : str
        The definition, for the others' administrators.
    """

    code = "GL-NET-013"
    exit_code = 86

    def __init__(
        self, chaincode: str, *, approved: Sequence[str], missing: Sequence[str], wanted: int, file: str
    ) -> None:
        super().__init__(
            f"{chaincode}: approved by {', '.join(approved)}, {wanted} have to: hand {file} to the"
            f" administrators of {', '.join(missing)}, and commit when they have approved",
            chaincode=chaincode,
            approved=list(approved),
            missing=list(missing),
            wanted=wanted,
            file=file,
        )


class ConsentersStop(NetworkSetupError):
    """A change of the consenter set would stop the channel.

    Parameters
    ----------
    why : str
    consenters : sequence of str
        The set that could not decide any more.
    quorum : int
        How many of it have to sign.
    """

    code = "GL-NET-042"
    exit_code = 86

    def __init__(self, why: str, *, consenters: Sequence[str], quorum: int) -> None:
        super().__init__(f"the channel would stop: {why}", consenters=list(consenters), quorum=quorum)


class ConsentersUnnumbered(NetworkSetupError):
    """Another consensus than SmartBFT orders the channel; a council's orderers cannot become its consenters.

    Parameters
    ----------
    channel : str
    consensus : str
        What the channel's configuration calls it, such as `etcdraft`.
    """

    code = "GL-NET-050"
    exit_code = 86

    def __init__(self, channel: str, *, consensus: str) -> None:
        super().__init__(
            f"{consensus} orders {channel}: only SmartBFT's consenters follow a council",
            channel=channel,
            consensus=consensus,
        )


class ConsenterUnknown(NetworkSetupError):
    """Nobody has said what an orderer's certificates are, or which organisation it belongs to.

    Parameters
    ----------
    address : str
        The orderer.
    why : str
    """

    code = "GL-NET-043"
    exit_code = 86

    def __init__(self, address: str, *, why: str) -> None:
        super().__init__(f"orderer {address} is not known well enough: {why}", address=address, why=why)


class ConsentersMoved(NetworkSetupError):
    """The channel's configuration is none that the proposal passes through: it has to be made anew.

    Parameters
    ----------
    why : str
    consenters : sequence of str
        Those that the channel has.
    """

    code = "GL-NET-044"
    exit_code = 86

    def __init__(self, why: str, *, consenters: Sequence[str]) -> None:
        super().__init__(f"the proposal is not for this configuration: {why}", consenters=list(consenters))


class SignaturesMissing(NetworkSetupError):
    """Not enough administrators have signed a change of the consenters.

    Parameters
    ----------
    wanted : int
        How many organisations have to sign.
    signed : sequence of str
        Those that have, by MSP.
    missing : sequence of str
        Those that could, by MSP.
    """

    code = "GL-NET-045"
    exit_code = 86

    def __init__(self, *, wanted: int, signed: Sequence[str], missing: Sequence[str]) -> None:
        super().__init__(
            f"{len(signed)} of {wanted} organisations have signed; others: {', '.join(missing) or 'none'}",
            wanted=wanted,
            signed=list(signed),
            missing=list(missing),
        )


class ConsenterAway(NetworkSetupError):
    """Nothing listens where an orderer is that was to be added: it was not added.

    Parameters
    ----------
    address : str
        The orderer.
    seconds : float
        How long it was waited for.
    """

    code = "GL-NET-049"
    exit_code = 82

    def __init__(self, address: str, *, seconds: float) -> None:
        super().__init__(
            f"orderer {address} was not added: nothing listens there after {seconds:g} s",
            address=address,
            seconds=f"{seconds:g}",
        )


class ConsenterNotSynced(NetworkSetupError):
    """An added consenter did not come up to the others in time, and was removed again.

    Parameters
    ----------
    address : str
        The orderer.
    seconds : float
        How long it had.
    height : int or None
        How far it came; None if it did not answer.
    """

    code = "GL-NET-046"
    exit_code = 82

    def __init__(self, address: str, *, seconds: float, height: int | None) -> None:
        super().__init__(
            f"orderer {address} was removed again: not up to the others after {seconds:g} s",
            address=address,
            seconds=f"{seconds:g}",
            height=height,
        )


class UpdateRefused(NetworkSetupError):
    """The orderers refused a configuration update, or did not order it in time.

    Parameters
    ----------
    reasons : sequence of str
        What each orderer that was asked said.
    """

    code = "GL-NET-047"
    exit_code = 85

    def __init__(self, *, reasons: Sequence[str]) -> None:
        super().__init__(
            f"no orderer took the configuration update: {'; '.join(reasons)}", reasons=list(reasons)
        )


class OrdererCallError(NetworkSetupError):
    """An orderer refused a call or did not answer it.

    Parameters
    ----------
    address : str
        The orderer.
    reason : str
    """

    code = "GL-NET-048"
    exit_code = 85

    def __init__(self, address: str, *, reason: str) -> None:
        super().__init__(f"orderer {address}: {reason}", address=address, reason=reason)


class ConfigurationMoved(NetworkSetupError):
    """A change is not for the configuration that the channel has: it has to be made and signed anew.

    Parameters
    ----------
    why : str
    sequence : int
        Of the channel's configuration.
    """

    code = "GL-NET-060"
    exit_code = 86

    def __init__(self, why: str, *, sequence: int) -> None:
        super().__init__(f"the change does not fit the channel: {why}", sequence=sequence)


class SnapshotBroken(NetworkSetupError):
    """A snapshot of a ledger is missing, incomplete, changed, or of something else.

    Parameters
    ----------
    path : Path
        Where it was looked for.
    why : str
    """

    code = "GL-NET-061"
    exit_code = 85

    def __init__(self, path: Path, *, why: str) -> None:
        super().__init__(f"snapshot {path}: {why}", path=str(path), why=why)


class WorldLacks(NetworkSetupError):
    """What is asked for is not there in this world.

    Parameters
    ----------
    world : str
        The network's.
    what : str
    """

    code = "GL-NET-062"
    exit_code = 86

    def __init__(self, world: str, *, what: str) -> None:
        super().__init__(f"{world} has no {what}: it is there on Fabric alone", world=world, what=what)
