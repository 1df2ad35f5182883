"""What can go wrong while a network is set up, started, stopped or read.

With `gridledger.host.errors` the GL-NET family.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.model.errors import NetworkSetupError

__all__ = [
    "ConsentersStop",
    "DeployError",
    "MaterialError",
    "ToolFailed",
    "UnknownComponent",
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
