"""How long each step is waited for."""

from __future__ import annotations

from dataclasses import dataclass, fields

from gridledger.model.errors import ConfigError

__all__ = ["Deadlines"]

_LONGEST_S = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """Seconds that each step may take; above 0, at most a day.

    The defaults are those that Fabric's own samples give the official clients. A gateway has one set; every
    call takes another.
    """

    evaluate: float = 5.0
    """A query, from sending to its answer, in seconds."""

    endorse: float = 15.0
    """Collecting the endorsements, in seconds."""

    submit: float = 5.0
    """Sending an endorsed transaction to ordering once, in seconds."""

    commit_status: float = 60.0
    """From the first sending to the outcome, in seconds; after that the outcome is unknown."""

    def __post_init__(self) -> None:
        for field in fields(self):
            seconds = getattr(self, field.name)
            if (
                isinstance(seconds, bool)
                or not isinstance(seconds, int | float)
                or not 0 < seconds <= _LONGEST_S
            ):
                raise ConfigError(
                    f"want seconds above 0, at most {_LONGEST_S:.0f}",
                    key=field.name,
                    source="Deadlines",
                    value=repr(seconds)[:40],
                )
