"""What a change of the consenters has come to, in a file, so that it goes on after a crash at any step."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.record import ModelValue, value
from gridledger.network.ordering.consenter_proposal import ConsenterProposal

__all__ = ["ChangeState", "ConsenterJournal"]

_FORM: Final = 1


class ChangeState(StrEnum):
    """What became of a change."""

    UNDER_WAY = "under_way"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    """An added orderer did not sync and was removed again; what came before it stays."""


@value
class ConsenterJournal(ModelValue):
    """One change of the consenters.

    Notes
    -----
    Where the change stands says the channel itself; the journal says what of that has been looked after. It
    is written before every step and after it.
    """

    form: Annotated[int, Field(ge=_FORM, le=_FORM)] = _FORM
    proposal: ConsenterProposal
    state: ChangeState = ChangeState.UNDER_WAY
    finished: Annotated[int, Field(ge=0)] = 0
    """Steps whose orderer has synced, or has been let go."""
    rolled_back: str | None = None
    """Address of the orderer that did not sync."""

    @classmethod
    def load(cls, path: Path) -> ConsenterJournal | None:
        """Read a journal; None where there is none.

        Raises
        ------
        ConfigError
            If it cannot be read or is none.
        """
        try:
            return cls.from_bytes(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", key="journal", source=str(path)) from error
        except ModelError as error:
            raise ConfigError(f"is no journal: {error}", key="journal", source=str(path)) from error

    def save(self, path: Path) -> None:
        """Write the journal, in one step."""
        write_file(path, self.to_bytes())
