"""What can go wrong while a network is set up, started, stopped or read: the GL-NET family."""

from __future__ import annotations

from pathlib import Path

from gridledger.model.errors import NetworkSetupError

__all__ = [
    "ComponentStopped",
    "DeployError",
    "MaterialError",
    "NetworkBusy",
    "NotRunning",
    "PrerequisiteMissing",
    "StartTimeout",
    "StopTimeout",
    "ToolFailed",
    "UnknownComponent",
]


class PrerequisiteMissing(NetworkSetupError):
    """A program or file that the network needs is not on this machine.

    Parameters
    ----------
    tool : str
        What is missing.
    remedy : str
        The way to get it.
    """

    code = "GL-NET-002"
    exit_code = 81

    def __init__(self, tool: str, *, remedy: str) -> None:
        super().__init__(f"{tool} is missing: {remedy}", tool=tool, remedy=remedy)


class StartTimeout(NetworkSetupError):
    """A component did not become ready within its deadline; the end of its log is in `log_tail`.

    Parameters
    ----------
    component : str
        Name of the component.
    seconds : float
        The deadline that passed.
    log : Path
        Its log file.
    log_tail : str
        The last lines of the log.
    """

    code = "GL-NET-003"
    exit_code = 82
    retriable = True

    def __init__(self, component: str, *, seconds: float, log: Path, log_tail: str) -> None:
        self.log_tail = log_tail
        text = f"{component} was not ready after {seconds:g} s; the end of {log}:\n{log_tail}"
        super().__init__(text, component=component, log=str(log), log_tail=log_tail)


class ComponentStopped(NetworkSetupError):
    """A component ended while it was being started; the end of its log is in `log_tail`.

    Parameters
    ----------
    component : str
        Name of the component.
    log : Path
        Its log file.
    log_tail : str
        The last lines of the log.
    """

    code = "GL-NET-004"
    exit_code = 83

    def __init__(self, component: str, *, log: Path, log_tail: str) -> None:
        self.log_tail = log_tail
        super().__init__(
            f"{component} ended during its start; the end of {log}:\n{log_tail}",
            component=component,
            log=str(log),
            log_tail=log_tail,
        )


class StopTimeout(NetworkSetupError):
    """A component's process was still there after SIGTERM and SIGKILL.

    Parameters
    ----------
    component : str
        Name of the component.
    pid : int
        Its process id.
    """

    code = "GL-NET-005"
    exit_code = 84

    def __init__(self, component: str, *, pid: int) -> None:
        super().__init__(f"{component} (process {pid}) does not end", component=component, pid=pid)


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


class NotRunning(NetworkSetupError):
    """The network, or the part of it that was asked for, is not running."""

    code = "GL-NET-008"
    exit_code = 87
    retriable = True


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


class NetworkBusy(NetworkSetupError):
    """Another command holds the network's lock.

    Parameters
    ----------
    directory : Path
        The network's folder.
    """

    code = "GL-NET-011"
    exit_code = 80
    retriable = True

    def __init__(self, directory: Path) -> None:
        super().__init__(f"another command is at work on {directory}", directory=str(directory))
