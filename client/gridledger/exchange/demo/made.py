"""What the publisher's data do not have, made by a seeded function: enterprises, credit, prices, evidence.

Everything here is made. Names say so where a person reads them.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridledger.model.system import Enterprise

__all__ = [
    "ENGINEER",
    "ENGINEER_ROLE",
    "USER",
    "USER_ROLE",
    "MadeEnterprise",
    "made_enterprise",
    "made_price",
    "made_staff",
    "write_register",
]

USER: Final = "worker-7"
USER_ROLE: Final = "maintenance-worker"
ENGINEER: Final = "engineer-3"
ENGINEER_ROLE: Final = "quality-engineer"

_SEED: Final = 27
_DIGITS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Characters of unified social credit codes."""
_REGION: Final = "330700"


@dataclass(frozen=True, kw_only=True)
class MadeEnterprise:
    """An enterprise that does not exist, and its first credit."""

    enterprise: Enterprise
    credit: int


def made_enterprise(name: str) -> MadeEnterprise:
    """Make an enterprise: the same one for the same name.

    Examples
    --------
    >>> made_enterprise("monitoring").enterprise.name
    'monitoring company (made)'
    """
    chance = random.Random(f"{_SEED} enterprise {name}")  # noqa: S311 - repeatable, not secret
    code = f"91{_REGION}{''.join(chance.choice(_DIGITS) for _ in range(10))}"
    enterprise = Enterprise(name=f"{name} company (made)", code=code, region="Jinhua")
    return MadeEnterprise(enterprise=enterprise, credit=chance.randint(70, 95))


def made_price(system: str, field: str) -> str:
    """Make the price of a query in yuan, from 0.10 to 3.00: the same one for the same field."""
    chance = random.Random(f"{_SEED} price {system} {field}")  # noqa: S311 - repeatable, not secret
    cents = chance.randrange(10, 301, 5)
    return f"{cents // 100}.{cents % 100:02d}"


def made_staff(order: int) -> str:
    """Make who worked on a work order: the same one for the same order."""
    return f"worker-{random.Random(f'{_SEED} staff {order}').randint(1, 9)} (made)"  # noqa: S311 - repeatable


def write_register(path: Path, names: list[str]) -> None:
    """Write an enterprise register of made enterprises; see `gridledger.exchange.enterprise_register`."""
    entries = [{**made.enterprise.to_value(), "credit": made.credit} for made in map(made_enterprise, names)]
    path.write_text(json.dumps({"made": True, "enterprises": entries}, indent=2), encoding="utf-8")
