"""What a test needs and a machine may not have: missing, it skips the test, or fails it where it is required.

GRIDLEDGER_REQUIRE=fabric,node names what must be there: a skip for one of these is a failure.
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

__all__ = ["missing"]


def missing(prerequisite: str, reason: str) -> NoReturn:
    """End the test that needs what is not there.

    Parameters
    ----------
    prerequisite : str
        `fabric`, `node`, …: the name that GRIDLEDGER_REQUIRE knows.
    reason : str
        What is missing, and how to get it.
    """
    required = {name.strip() for name in os.environ.get("GRIDLEDGER_REQUIRE", "").split(",")}
    if prerequisite in required:
        pytest.fail(f"{prerequisite} is required: {reason}", pytrace=False)
    pytest.skip(f"{prerequisite}: {reason}")
