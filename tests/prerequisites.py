"""Why a test does not run: this machine lacks something, or the world has nothing of what it is about.

GRIDLEDGER_REQUIRE=fabric,node names what must be there: what is missing of these fails the test. What a world
has nothing of is no prerequisite, and skips whatever is required.
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from gridledger.network import World

__all__ = ["meaningless", "missing"]


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


def meaningless(world: World, reason: str) -> NoReturn:
    """End the test that is about something which its world does not have, wherever it runs.

    Parameters
    ----------
    world : World
        The world that the run chose.
    reason : str
        What the world lacks, or whose affair it is there.
    """
    pytest.skip(f"no meaning in world {world}: {reason}")
