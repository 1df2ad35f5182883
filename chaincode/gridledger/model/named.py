"""Identifiers that are a system identifier, `/`, and a name within that system."""

from __future__ import annotations

import re
from typing import ClassVar, Self

from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.scalar import TextScalar

__all__ = ["NamedInSystem"]


class NamedInSystem(TextScalar):
    """Base of identifiers of what a system names itself.

    Parameters
    ----------
    system : SystemIdentifier
    name : str
        Of the subclass's grammar.

    Raises
    ------
    ModelError
        The name is malformed.
    """

    __slots__ = ("_name", "_system")

    subject: ClassVar[str]
    """What it identifies, for messages."""
    grammar: ClassVar[str]
    """The names that there are, in words."""
    most_bytes: ClassVar[int]
    """Longest name; all names are ASCII."""
    name_form: ClassVar[re.Pattern[str]]
    """Names, but for their length."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.json_pattern = f"^[0-9A-Z.]+/{cls.name_form.pattern}$"

    def __init__(self, system: SystemIdentifier, name: str) -> None:
        if len(name) > self.most_bytes or self.name_form.fullmatch(name) is None:
            problem = f"a {self.subject}'s name is 1 to {self.most_bytes} of {self.grammar}"
            raise ModelError({"": problem}, subject=f"{self.subject} identifier")
        self._system = system
        self._name = name
        self._text = f"{system}/{name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier; raises ModelError for any other text."""
        system, _, name = text.partition("/")
        return cls(SystemIdentifier.parse(system), name)

    @property
    def system(self) -> SystemIdentifier:
        """The system that names it."""
        return self._system

    @property
    def name(self) -> str:
        """The system's name for it."""
        return self._name
