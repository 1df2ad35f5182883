"""Docker's programs: found, called with deadlines, and named where they are missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gridledger.host.errors import ComponentStopped, PrerequisiteMissing

__all__ = ["compose", "docker", "find_compose", "find_docker"]

_ASK_SECONDS = 30.0
_CALL_SECONDS = 300.0
_REMEDY = "install Docker (Debian: docker.io), start its engine, and let this user reach it"
_COMPOSE_REMEDY = "install Docker's compose plugin (Debian: docker-compose), or leave out --containers"


def find_docker() -> str:
    """Return the Docker program, whose engine answers.

    Raises
    ------
    PrerequisiteMissing
        If there is no program, or no engine answers.
    """
    found = shutil.which("docker")
    if found is None:
        raise PrerequisiteMissing("docker", remedy=_REMEDY)
    said = _run([found, "version", "--format", "{{.Server.Version}}"], seconds=_ASK_SECONDS)
    if said.returncode != 0:
        raise PrerequisiteMissing("a Docker engine", remedy=f"{_REMEDY} ({_last_line(said)})")
    return found


def find_compose() -> list[str]:
    """Return the command of Docker Compose, second or first generation; raises PrerequisiteMissing."""
    docker_program = find_docker()
    if _run([docker_program, "compose", "version"], seconds=_ASK_SECONDS).returncode == 0:
        return [docker_program, "compose"]
    found = shutil.which("docker-compose")
    if found is None:
        raise PrerequisiteMissing("docker compose", remedy=_COMPOSE_REMEDY)
    return [found]


def docker(arguments: Sequence[str | Path], *, name: str, log: Path) -> str:
    """Call Docker and return what it says.

    Raises
    ------
    PrerequisiteMissing
        If there is no Docker.
    ComponentStopped
        If the call fails; `name` and `log` say of what.
    """
    return _called([find_docker(), *map(str, arguments)], name=name, log=log)


def compose(arguments: Sequence[str | Path], *, folder: Path, project: str) -> str:
    """Call Docker Compose for the file `compose.yaml` of a folder; raises as `docker` does."""
    file = folder / "compose.yaml"
    command = [*find_compose(), "-p", project, "-f", str(file), *map(str, arguments)]
    return _called(command, name="compose", log=file)


def _called(command: Sequence[str], *, name: str, log: Path) -> str:
    ended = _run(command, seconds=_CALL_SECONDS)
    if ended.returncode != 0:
        raise ComponentStopped(name, log=log, log_tail=(ended.stdout + ended.stderr)[-4096:])
    return ended.stdout


def _run(command: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise PrerequisiteMissing(
            "a Docker engine that answers", remedy=f"{_REMEDY}; it was silent for {seconds:g} s"
        ) from error


def _last_line(said: subprocess.CompletedProcess[str]) -> str:
    return " ".join((said.stdout + said.stderr).strip().splitlines()[-1:])
