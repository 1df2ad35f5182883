"""The register that first credit comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridledger.exchange.credit_register import FileCreditRegister
from gridledger.model.errors import ConfigError
from gridledger.model.system import Enterprise

KNOWN = Enterprise(name="a company (made)", code="91330700MADE000001", region="Jinhua")


async def test_credit_is_found_by_the_enterprises_number(tmp_path: Path) -> None:
    path = tmp_path / "credits.json"
    path.write_text(json.dumps({"made": True, "credits": {KNOWN.code: 80}}))
    register = FileCreditRegister(path)

    assert register.made
    assert await register.credit(KNOWN) == 80
    assert await register.credit(Enterprise(name="b", code="91330700MADE000002", region="x")) is None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"made": true}', '{"made": true, "credits": {"x": 101}}', '{"made": 1, "credits": {}}'],
)
def test_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credits.json"
    path.write_text(text)

    with pytest.raises(ConfigError):
        FileCreditRegister(path)
