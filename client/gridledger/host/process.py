"""A process that outlives the command that started it: pid file, log, ready check, end.

A pid alone names nobody: once its process has ended it may belong to another. The pid file
therefore also holds when the process started, and nothing is signalled unless both agree.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gridledger.host.durable_file import write_file
from gridledger.host.errors import (
    ComponentStopped,
    NotRunning,
    PrerequisiteMissing,
    StartTimeout,
    StopTimeout,
)

__all__ = ["ManagedProcess", "process_identity"]

_POLL_SECONDS = 0.02
_TERM_SECONDS = 10.0
_KILL_SECONDS = 5.0
_TAIL_BYTES = 64 * 1024
_GATE = ("/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh")
"""Waits for a line before it becomes the program: who is killed between starting a process and writing down
its pid leaves none behind that nobody knows and that keeps its ports."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very process, so that one that ends is reaped and does not look alive as a zombie."""


@dataclass(frozen=True, kw_only=True)
class ManagedProcess:
    """One component's process.

    Parameters
    ----------
    name : str
        Name of the component; the pid file is `run/<name>.json`, the log `logs/<name>.log`.
    directory : Path
        The folder that belongs to the processes.
    """

    name: str
    directory: Path

    @property
    def pid_file(self) -> Path:
        """Where pid and start time stand while it runs."""
        return self.directory / "run" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """Where its output goes; starts append."""
        return self.directory / "logs" / f"{self.name}.log"

    def pid(self) -> int | None:
        """Return the process id, or None if the process that was started does not run."""
        try:
            entry = json.loads(self.pid_file.read_bytes())
            pid, identity = entry["pid"], entry["identity"]
        except (OSError, ValueError, KeyError, TypeError):
            # A file that is missing or torn names no process; what it claims is compared below.
            return None
        if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0 or not isinstance(identity, str):
            return None
        return pid if process_identity(pid) == identity else None

    def start(
        self,
        arguments: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        working_directory: Path | None = None,
    ) -> int:
        """Start the process in a session of its own, unless it runs already.

        Parameters
        ----------
        arguments : sequence of str or Path
            The program and its arguments.
        environment : mapping of str to str
            All of its environment.
        working_directory : Path, optional
            Where it runs; that folder by default.

        Returns
        -------
        int
            The process id.

        Raises
        ------
        PrerequisiteMissing
            If the program is not there or cannot be run.
        ComponentStopped
            If it ended at once.
        """
        running = self.pid()
        if running is not None:
            return running
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [str(argument) for argument in arguments]
        if shutil.which(command[0], path=os.pathsep.join(os.get_exec_path(environment))) is None:
            raise PrerequisiteMissing(command[0], remedy="it cannot be found or not be run")
        with self.log.open("ab") as output:
            try:
                child = subprocess.Popen(
                    [*_GATE, *command],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment),
                    cwd=working_directory or self.directory,
                    start_new_session=True,
                )
            except OSError as error:
                raise PrerequisiteMissing(command[0], remedy=f"it cannot be run: {error.strerror}") from error
        _children[child.pid] = child
        identity = process_identity(child.pid)
        if identity is None:
            raise ComponentStopped(self.name, log=self.log, log_tail=self.log_tail())
        write_file(
            self.pid_file, json.dumps({"pid": child.pid, "identity": identity}).encode(), durable=False
        )
        assert child.stdin is not None  # noqa: S101 - it was asked for above
        with suppress(BrokenPipeError), child.stdin as gate:
            gate.write(b"\n")
        return child.pid

    def wait_ready(self, check: Callable[[], bool], *, seconds: float) -> None:
        """Wait until `check` says that the component is ready.

        Parameters
        ----------
        check : callable
            Tells whether it is ready; it returns soon and does not raise.
        seconds : float
            The deadline.

        Raises
        ------
        ComponentStopped
            If the process ended.
        StartTimeout
            If the deadline passed.
        """
        deadline = time.monotonic() + seconds
        while True:
            ready = check()
            # Looked at last: a port that answers may be another's, whom ours found there and ended.
            if self.pid() is None:
                raise ComponentStopped(self.name, log=self.log, log_tail=self.log_tail())
            if ready:
                return
            if time.monotonic() >= deadline:
                raise StartTimeout(self.name, seconds=seconds, log=self.log, log_tail=self.log_tail())
            time.sleep(_POLL_SECONDS)

    def request_stop(self) -> None:
        """Ask the process to end (SIGTERM) and do not wait; nothing happens if it does not run."""
        self._signal(signal.SIGTERM)

    def stop(self, *, seconds: float = _TERM_SECONDS) -> bool:
        """End the process: SIGTERM, wait, SIGKILL, wait.

        Parameters
        ----------
        seconds : float, default 10
            How long it may take to end by itself.

        Returns
        -------
        bool
            Whether it ran.

        Raises
        ------
        StopTimeout
            If it is still there after SIGKILL.
        """
        if not self._signal(signal.SIGTERM):
            return False
        if not self._wait_gone(seconds):
            self._signal(signal.SIGKILL)
            self._expect_gone()
        return True

    def kill(self) -> None:
        """End the process at once, as a crash would (SIGKILL).

        Raises
        ------
        NotRunning
            If it does not run.
        StopTimeout
            If it is still there afterwards.
        """
        if not self._signal(signal.SIGKILL):
            raise NotRunning(f"{self.name} does not run", component=self.name)
        self._expect_gone()

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of the log, at most 64 KiB; empty if there is none."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = stream.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> bool:
        pid = self.pid()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return False
        try:
            if sys.platform == "linux":
                # A descriptor goes on naming the process that it was opened for: nothing fits in between the
                # comparison and the signal.
                descriptor = os.pidfd_open(pid)
                try:
                    if self.pid() != pid:
                        return False
                    signal.pidfd_send_signal(descriptor, number)
                finally:
                    os.close(descriptor)
            else:
                os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def _wait_gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        self.pid_file.unlink(missing_ok=True)
        return True

    def _expect_gone(self) -> None:
        pid = self.pid()
        if not self._wait_gone(_KILL_SECONDS) and pid is not None:
            raise StopTimeout(self.name, pid=pid)


def process_identity(pid: int) -> str | None:
    """Return what tells this process from all others that have had or will have its id; None if it has ended.

    Parameters
    ----------
    pid : int
        The process id.

    Notes
    -----
    On Linux the boot's id and the start in clock ticks since then, elsewhere what `ps` says of the start.
    """
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        _children.pop(pid, None)
    if sys.platform != "linux":
        return _identity_by_ps(pid)
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name stands in brackets and may hold anything: the numbers follow the last one.
    fields = status.rpartition(")")[2].split()
    state, threads, started = fields[0], int(fields[17]), fields[19]
    # The main thread is a zombie before the others have ended, and they hold ports and files until then.
    return None if state in "ZX" and threads <= 1 else f"{boot}/{started}"


def _identity_by_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
