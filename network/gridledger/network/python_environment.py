"""What a Python process of the network gets of the environment it was started from: little."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gridledger.host.logs import FORMAT_VARIABLE, LEVEL_VARIABLE

__all__ = ["python_environment"]

_INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONHOME", "COVERAGE_PROCESS_START"),
    *(FORMAT_VARIABLE, LEVEL_VARIABLE),
)


def python_environment(values: Mapping[str, str], *, python_path: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment of a Python process.

    Parameters
    ----------
    values : mapping of str to str
        What it is given.
    python_path : sequence of str, optional
        Folders to find modules in, before those of PYTHONPATH.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    path = [*python_path, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    # Output reaches the log as it is written.
    fixed = {"PYTHONUNBUFFERED": "1"} | ({"PYTHONPATH": os.pathsep.join(path)} if path else {})
    return inherited | fixed | dict(values)
