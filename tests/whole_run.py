"""All tests in parallel; then what failed once more, alone.

python -m tests.whole_run [pytest's options]

Beside its neighbours on a loaded machine a test can fail although what it tests is right. Failures are
therefore tried again in one quiet process, with the same random faults. Those that pass then are named as
unstable and do not fail the run; a failure that repeats does, and so do very many.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["main"]

_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
_MOST: Final = 50
"""More failures than these are no accident; one network that did not come up fails all tests on it."""
_TESTS_FAILED: Final = 1
"""The exit code of pytest when all tests ran and some failed."""


def _pytest(*options: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *options], check=False).returncode


def _without_group(test: str) -> str:
    """Return a test's id without the group that xdist adds to it."""
    return test[: test.rfind("@")] if test.rfind("@") > test.rfind("]") else test


def main(options: list[str]) -> int:
    """Run, run again what failed, and return the exit code."""
    seed = f"--faults-seed={secrets.randbits(32)}"
    code = _pytest("--cache-clear", seed, *options)
    if code != _TESTS_FAILED or not _FAILED.exists():
        return code
    failed = sorted(map(_without_group, json.loads(_FAILED.read_text(encoding="utf-8"))))
    if len(failed) > _MOST:
        return code
    print(f"\n{len(failed)} failed beside the others and run again alone:", *failed, sep="\n  ", flush=True)
    code = _pytest("-rs", seed, *failed)
    if code == 0:
        print("\nUNSTABLE, failed at first and passed alone:", *failed, sep="\n  ", flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
