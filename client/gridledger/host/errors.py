"""What can go wrong with processes and folders of this machine: part of the GL-NET family."""

from __future__ import annotations

from pathlib import Path

from gridledger.model.errors import NetworkSetupError

__all__ = [
    "BackupBroken",
    "ComponentStopped",
    "FolderBusy",
    "NotRunning",
    "PrerequisiteMissing",
    "StartTimeout",
    "StopTimeout",
]


class PrerequisiteMissing(NetworkSetupError):
    """A program or file that is needed is not on this machine.

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


class NotRunning(NetworkSetupError):
    """What was asked for, or a part of it, is not running."""

    code = "GL-NET-008"
    exit_code = 87
    retriable = True


class FolderBusy(NetworkSetupError):
    """Another command holds the folder's lock.

    Parameters
    ----------
    directory : Path
        The folder.
    """

    code = "GL-NET-011"
    exit_code = 80
    retriable = True

    def __init__(self, directory: Path) -> None:
        super().__init__(f"another command is at work on {directory}", directory=str(directory))


class BackupBroken(NetworkSetupError):
    """A backup of files is missing, incomplete or changed, or cannot be made or taken back.

    Parameters
    ----------
    path : Path
        Where it was looked for.
    why : str
    """

    code = "GL-NET-063"
    exit_code = 85

    def __init__(self, path: Path, *, why: str) -> None:
        super().__init__(f"{path}: {why}", path=str(path), why=why)
