"""Programs in Node.js: their packages installed once from the committed lock, their scripts run by tests.

A program is a folder with `package.json`, `package-lock.json` and `.mjs` scripts. `npm ci` installs its
packages into a cache that the lock's hash names: a changed lock is a new installation, an equal one is used
again. A script reads one JSON document from standard input and writes one to standard output.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.prerequisites import missing

__all__ = ["NodeProgram"]

_OLDEST = (20, 9)
_INSTALL_SECONDS = 300
_RUN_SECONDS = 90.0


class NodeProgram:
    """A program in Node.js with its packages.

    Parameters
    ----------
    folder : Path
        Where `package.json`, its lock and the scripts stand; nothing is written there.
    workspace : Path
        A new folder, which gets the scripts and a link to the packages.
    """

    def __init__(self, folder: Path, workspace: Path) -> None:
        self._node = _find_node()
        self.folder = workspace
        packages = _installed(folder)
        for script in (*folder.glob("*.mjs"), folder / "package.json"):
            shutil.copy(script, workspace)
        (workspace / "node_modules").symlink_to(packages / "node_modules", target_is_directory=True)

    def command(self, script: str, *arguments: str) -> list[str]:
        """Return how to run a script, for who starts the process."""
        return [self._node, str(self.folder / script), *arguments]

    async def run(self, script: str, request: Mapping[str, Any], *, seconds: float = _RUN_SECONDS) -> Any:
        """Run a script.

        Parameters
        ----------
        script : str
            Its file name.
        request : mapping
            What it reads.
        seconds : float, default 90
            Its deadline.

        Returns
        -------
        Any
            What it wrote.

        Raises
        ------
        AssertionError
            If it failed or wrote no JSON, with what it wrote to standard error.
        TimeoutError
            If it did not end in time; it is killed.
        """
        process = await asyncio.create_subprocess_exec(
            *self.command(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds):
                output, errors = await process.communicate(json.dumps(request).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, f"{script} ended with {process.returncode}: {errors.decode()[-4000:]}"
        return json.loads(output)


def _find_node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing("node", "Node.js 20.9 or newer with npm is not on the PATH")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)
    version = tuple(int(part) for part in answer.stdout.strip().removeprefix("v").split(".")[:2])
    if version < _OLDEST:
        missing("node", f"Node.js {answer.stdout.strip()} is older than 20.9")
    return node


def _installed(folder: Path) -> Path:
    """Return the folder in the cache that has the packages of the program's lock."""
    files = [folder / "package.json", folder / "package-lock.json"]
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gridledger" / "node"
    packages = cache / digest[:32]
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not packages.exists():
            _install(files, packages)
    return packages


def _install(files: list[Path], packages: Path) -> None:
    with tempfile.TemporaryDirectory(dir=packages.parent, prefix="installing-") as name:
        aside = Path(name) / "program"
        aside.mkdir()
        for file in files:
            shutil.copy(file, aside)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            subprocess.run(
                command, cwd=aside, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS
            )
        except subprocess.CalledProcessError as error:
            missing("node", f"npm ci failed: {error.stderr[-1000:]}")
        except subprocess.TimeoutExpired:
            missing("node", f"npm ci did not end in {_INSTALL_SECONDS} s")
        aside.rename(packages)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
