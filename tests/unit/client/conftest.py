"""Fixtures of the client's unit tests."""

from __future__ import annotations

from pathlib import Path

import pytest

PROFILES = Path(__file__).parents[2] / "data" / "profiles"


@pytest.fixture
def profiles() -> Path:
    """Return the folder of sample connection profiles."""
    return PROFILES
