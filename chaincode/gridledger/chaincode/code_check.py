"""Own codes against the coding rule of their system."""

from __future__ import annotations

from gridledger.model.coding_rule import CodingRule
from gridledger.model.registry_refusals import CodingRuleBroken

__all__ = ["check_code"]


def check_code(rule: CodingRule | None, kind: str, own_code: str) -> None:
    """Refuse an own code that the rule does not admit; a system without a rule may use any.

    Raises
    ------
    CodingRuleBroken
    """
    if rule is not None and not rule.admits(kind, own_code):
        raise CodingRuleBroken(own_code, kind=kind, version=rule.version)
