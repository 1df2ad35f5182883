"""Coding rules: what the aggregation system lays down about a system's own codes.

Source: CN112508707B, [0064].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from gridledger.model.code_pattern import CodePattern
from gridledger.model.device import ObjectKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import ShortText

__all__ = ["GROWTH_YEARS", "CodeForm", "CodingRule", "CodingRuleEntry"]

GROWTH_YEARS: Final = 10
"""Years of growth that a rule's patterns must have room for."""

MAX_FORMS: Final = 16

_Count = Annotated[int, Field(ge=0, le=10**12)]


@value
class CodeForm(ModelValue):
    """How the codes of one kind of object look; a kind may have several forms."""

    kind: ObjectKind
    pattern: CodePattern


@value
class CodingRuleEntry(ModelValue):
    """A coding rule as the aggregation system lays it down."""

    system: SystemIdentifier
    data_type: ShortText
    """What the system's data are, such as `15-minute readings`."""
    forms: tuple[CodeForm, ...]
    identifiers: _Count
    """Devices and other objects that the system has now."""
    growth_a_year: _Count
    """How many more it gets in a year."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.forms) <= MAX_FORMS:
            yield "forms", f"want 1 to {MAX_FORMS}"
        wanted = self.identifiers + GROWTH_YEARS * self.growth_a_year
        room = sum(form.pattern.capacity for form in self.forms)
        if room < wanted:
            yield (
                "forms",
                f"have room for {room} codes; {GROWTH_YEARS} years' growth wants {wanted}",
            )


@record("coding-rule/1")
class CodingRule(Record):
    """The coding rule of a system; the version counts from 1."""

    rule: CodingRuleEntry
    version: int
    laid_down_ms: int

    def admits(self, kind: str, own_code: str) -> bool:
        """Tell whether an object of a kind may have an own code."""
        return any(form.kind == kind and form.pattern.matches(own_code) for form in self.rule.forms)
