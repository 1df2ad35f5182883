"""`gridledger council apply` in a process of its own, which kills itself where none before it did.

python -m tests.faults.council_applier PLACES COMMAND…: before and after each line of the journal, after each
update that an orderer took, and wherever an orderer is stopped to be started again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fabric_protos.common import configtx_pb2
from tests.faults.places import Places

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.host.process import ManagedProcess
from gridledger.model.digest import Digest
from gridledger.network.ordering.consenter_journal import ConsenterJournal
from gridledger.network.ordering.live_ordering import LiveOrdering

__all__ = ["main"]


def _mine(places: Places) -> None:
    save, submit, stop = ConsenterJournal.save, LiveOrdering.submit, ManagedProcess.stop

    def saving(self: ConsenterJournal, path: Path) -> None:
        line = f"journal {self.finished} {self.state}"
        places.at(f"before {line}")
        save(self, path)
        places.at(f"after {line}")

    async def submitting(self: LiveOrdering, address: str, signed_update: bytes) -> None:
        await submit(self, address, signed_update)
        update = configtx_pb2.ConfigUpdateEnvelope.FromString(signed_update).config_update
        places.at(f"taken {Digest.of(update)}")

    def stopping(self: ManagedProcess, *, seconds: float = 10.0) -> bool:
        was_running = stop(self, seconds=seconds)
        places.at(f"stopped {self.name}")
        return was_running

    ConsenterJournal.save = saving  # type: ignore[method-assign]
    LiveOrdering.submit = submitting  # type: ignore[method-assign]
    ManagedProcess.stop = stopping  # type: ignore[method-assign]


def main(places: Path, command: Sequence[str]) -> int:
    """Apply; return the command's exit code, where the process lives to say so."""
    _mine(Places(places))
    return run(list(command), Output(stream=sys.stdout, errors=sys.stderr))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
