"""A change of the consenters of a channel in a file, by processes that kill themselves at its boundaries."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.faults.places import Places
from tests.unit.network.consenter_scene import CHANNEL, FakeChannel, FakeKeeper

from gridledger.host.durable_file import write_file
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_change import ConsenterRunner
from gridledger.network.ordering.consenter_journal import ConsenterJournal
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.orderer_card import OrdererCard

__all__ = ["ConsenterVictim", "KeptChannel"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.unit.network.consenter_scene"])
_SECONDS = 300.0


@dataclass
class KeptChannel(FakeChannel):
    """A channel that outlives who changes it: what it has come to stands in a file."""

    file: Path = field(kw_only=True)

    @classmethod
    def load(cls, file: Path) -> Self:
        kept = json.loads(file.read_bytes())
        root = bytes.fromhex(kept.pop("root"))
        at = ChannelConfiguration.from_bytes(CHANNEL, kept.pop("sequence"), root)
        running, never = set(kept.pop("running")), set(kept.pop("never"))
        return cls(at=at, running=running, never=never, file=file, **kept)

    def save(self) -> None:
        kept = {
            "root": self.at.to_bytes().hex(),
            "sequence": self.at.sequence,
            "running": sorted(self.running),
            "never": sorted(self.never),
            "number": self.number,
            "ordered": self.ordered,
        }
        write_file(self.file, json.dumps(kept).encode())

    async def submit(self, address: str, signed_update: bytes) -> None:
        await super().submit(address, signed_update)
        self.save()


class ConsenterVictim:
    """Changes the consenters in a process that dies at the first place where none before it did.

    Parameters
    ----------
    folder : Path
        With `proposal`, signed, and `channel`; `journal` and `places` come to stand there.
    """

    def __init__(self, folder: Path) -> None:
        self._process: Any = _CONTEXT.Process(target=_change, args=(folder,))
        self._process.start()

    def ended(self) -> int:
        """Wait until it has ended; return its exit code, which is the signal's below zero where it died."""
        self._process.join(_SECONDS)
        assert self._process.exitcode is not None, "it does not end"
        return int(self._process.exitcode)


def _change(folder: Path) -> None:
    places, channel = Places(folder / "places"), KeptChannel.load(folder / "channel")
    save, submit = ConsenterJournal.save, KeptChannel.submit

    def saving(self: ConsenterJournal, path: Path) -> None:
        line = f"journal {self.finished} {self.state} {self.rolled_back}"
        places.at(f"before {line}")
        save(self, path)
        places.at(f"after {line}")

    async def submitting(self: KeptChannel, address: str, signed_update: bytes) -> None:
        sequence = self.at.sequence
        places.at(f"before update {sequence}")
        await submit(self, address, signed_update)
        places.at(f"after update {sequence}")

    ConsenterJournal.save = saving  # type: ignore[method-assign]
    KeptChannel.submit = submitting  # type: ignore[method-assign]
    runner = ConsenterRunner(
        channel=channel,
        keeper=_Keeper(channel, places=places),
        journal=folder / "journal",
        sync_seconds=0.05 if channel.never else 60.0,
        settle_seconds=0.0,
        poll_seconds=0.001,
    )
    asyncio.run(runner.run(ConsenterProposal.from_bytes((folder / "proposal").read_bytes())))


@dataclass
class _Keeper(FakeKeeper):
    """Starts and lets go of orderers, and dies there."""

    places: Places = field(kw_only=True)

    async def prepare(self, card: OrdererCard, configuration: ChannelConfiguration) -> None:
        await super().prepare(card, configuration)
        assert isinstance(self.channel, KeptChannel)
        self.channel.save()
        self.places.at(f"started {card.address}")

    async def release(self, address: str) -> None:
        self.places.at(f"about to let go {address}")
        await super().release(address)
        self.places.at(f"let go {address}")
