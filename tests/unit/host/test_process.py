"""Supervised processes: started, ready, ended, and never mistaken for another that has their pid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridledger.host.errors import ComponentStopped, NotRunning, PrerequisiteMissing, StartTimeout
from gridledger.host.process import ManagedProcess, process_identity

SLEEP = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ManagedProcess]:
    managed = ManagedProcess(name="component", directory=tmp_path)
    yield managed
    if managed.pid() is not None:
        managed.kill()


def _start(process: ManagedProcess, arguments: list[str]) -> int:
    pid = process.start(arguments, environment={})
    process.wait_ready(lambda: "up" in process.log_tail(), seconds=30)
    return pid


def test_process_started_is_known_by_its_pid_and_in_a_session_of_its_own(process: ManagedProcess) -> None:
    pid = _start(process, SLEEP)
    assert process.pid() == pid
    assert os.getsid(pid) == pid


def test_process_started_twice_stays_one(process: ManagedProcess) -> None:
    assert _start(process, SLEEP) == _start(process, SLEEP)


def test_process_is_found_again_by_a_second_reader(process: ManagedProcess) -> None:
    pid = _start(process, SLEEP)
    assert ManagedProcess(name="component", directory=process.directory).pid() == pid


def test_process_gets_nothing_of_our_environment(
    process: ManagedProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDLEDGER_TEST_SECRET", "value")
    program = (
        "import os; print('up', 'GRIDLEDGER_TEST_SECRET' in os.environ, os.environ.get('GIVEN'), flush=True)"
    )
    process.start([sys.executable, "-S", "-c", program], environment={"GIVEN": "yes"})
    with pytest.raises(ComponentStopped):
        process.wait_ready(lambda: False, seconds=30)
    assert "up False yes" in process.log_tail()


def test_process_whose_pid_nobody_has_written_down_does_not_run(tmp_path: Path) -> None:
    # Who starts it is killed in between.
    starter = (
        "import os, sys; from pathlib import Path; from gridledger.host import process\n"
        "process.write_file = lambda _, data, **__: (os.write(1, data), os.kill(os.getpid(), 9))\n"
        "program = [sys.executable, '-S', '-c', \"open('begun', 'w')\"]\n"
        "process.ManagedProcess(name='component', directory=Path.cwd()).start(program, environment={})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", starter], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == -9
    started = json.loads(ended.stdout)["pid"]
    deadline = time.monotonic() + 60
    while process_identity(started) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not (tmp_path / "begun").exists()
    assert ManagedProcess(name="component", directory=tmp_path).pid() is None


def test_process_stopped_is_gone_with_its_pid_file(process: ManagedProcess) -> None:
    _start(process, SLEEP)
    assert process.stop() is True
    assert process.pid() is None
    assert not process.pid_file.exists()
    assert process.stop() is False


def test_process_that_ignores_sigterm_is_killed(process: ManagedProcess) -> None:
    _start(process, STUBBORN)
    assert process.stop(seconds=0.1) is True
    assert process.pid() is None


def test_process_killed_is_gone_and_cannot_be_killed_again(process: ManagedProcess) -> None:
    _start(process, STUBBORN)
    process.kill()
    assert process.pid() is None
    with pytest.raises(NotRunning):
        process.kill()


def test_process_that_ended_does_not_look_alive_as_a_zombie(process: ManagedProcess) -> None:
    process.start(
        [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(0.5)"], environment={}
    )
    with pytest.raises(ComponentStopped):
        process.wait_ready(lambda: False, seconds=30)
    assert process.pid() is None


def test_pid_that_another_process_has_now_is_not_signalled(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as bystander:
        try:
            process = ManagedProcess(name="component", directory=tmp_path)
            process.pid_file.parent.mkdir()
            process.pid_file.write_text(json.dumps({"pid": bystander.pid, "identity": "another boot/1"}))
            assert process.pid() is None
            assert process.stop() is False
            process.pid_file.write_text(json.dumps({"pid": bystander.pid, "identity": "another boot/1"}))
            with pytest.raises(NotRunning):
                process.kill()
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_pid_in_use_by_another_process_does_not_keep_ours_from_starting(process: ManagedProcess) -> None:
    process.pid_file.parent.mkdir()
    process.pid_file.write_text(json.dumps({"pid": os.getpid(), "identity": "another boot/1"}))
    assert _start(process, SLEEP) != os.getpid()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "12",
        '{"pid": 1}',
        '{"pid": -1, "identity": "x"}',
        '{"pid": 0, "identity": "x"}',
        '{"pid": true, "identity": "x"}',
        '{"pid": "1", "identity": "x"}',
        '{"pid": 1, "identity": null}',
        '{"pid": 99999999999999999999, "identity": "x"}',
    ],
)
def test_pid_file_that_is_torn_or_forged_names_no_process(tmp_path: Path, content: str) -> None:
    process = ManagedProcess(name="component", directory=tmp_path)
    process.pid_file.parent.mkdir()
    process.pid_file.write_text(content)
    assert process.pid() is None
    assert process.stop() is False


def test_process_that_is_never_ready_times_out_with_its_log(process: ManagedProcess) -> None:
    _start(process, SLEEP)
    with pytest.raises(StartTimeout) as caught:
        process.wait_ready(lambda: False, seconds=0.05)
    assert caught.value.log_tail == "up"
    assert caught.value.fields["component"] == "component"


def test_process_that_ends_while_awaited_is_told_with_its_log(process: ManagedProcess) -> None:
    process.start([sys.executable, "-S", "-c", "raise SystemExit('no disk')"], environment={})
    with pytest.raises(ComponentStopped) as caught:
        process.wait_ready(lambda: False, seconds=30)
    assert "no disk" in caught.value.log_tail


def test_process_that_ended_is_not_ready_whatever_answers_in_its_place(process: ManagedProcess) -> None:
    _start(process, SLEEP)
    process.stop()
    with pytest.raises(ComponentStopped):
        process.wait_ready(lambda: True, seconds=30)


def test_program_that_is_not_there_is_a_missing_prerequisite(process: ManagedProcess) -> None:
    with pytest.raises(PrerequisiteMissing):
        process.start([process.directory / "absent"], environment={})


def test_log_tail_is_bounded(process: ManagedProcess) -> None:
    process.log.parent.mkdir()
    process.log.write_text("".join(f"line {number} {'x' * 200}\n" for number in range(5000)))
    lines = process.log_tail(3).splitlines()
    assert [line.split()[1] for line in lines] == ["4997", "4998", "4999"]
    assert len(process.log_tail(100_000)) <= 64 * 1024


def test_identity_of_a_living_process_stays_and_of_none_is_none() -> None:
    identity = process_identity(os.getpid())
    assert identity is not None
    assert process_identity(os.getpid()) == identity
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as child:
        assert process_identity(child.pid) != identity
        child.kill()
    assert process_identity(child.pid) is None
