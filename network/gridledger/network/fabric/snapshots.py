"""Snapshots of peers' ledgers: taken while the peer works, and what a peer that has nothing starts from."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import Final

from gridledger.client.errors import PeerCallError
from gridledger.client.peer import Peer
from gridledger.host.errors import StartTimeout
from gridledger.host.lock import folder_lock
from gridledger.network.access import connection_of
from gridledger.network.blocking import run_blocking
from gridledger.network.deployment import Deployment
from gridledger.network.description import World
from gridledger.network.errors import SnapshotBroken, WorldLacks
from gridledger.network.fabric.peer import PeerNode
from gridledger.network.fabric.world import FabricWorld
from gridledger.network.network import Network
from gridledger.network.snapshot import LedgerSnapshot

__all__ = ["PeerSnapshots"]

_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2


class PeerSnapshots:
    """The snapshots of one organisation's peer, in a network's folder.

    Parameters
    ----------
    network : Network
        On Fabric.
    organisation : str
        Short name.

    Raises
    ------
    WorldLacks
        If the network is a devnet.
    UnknownComponent
        If there is no such organisation.
    """

    def __init__(self, network: Network, organisation: str) -> None:
        if network.world is not World.FABRIC:
            raise WorldLacks(network.world, what="ledger snapshots")
        network.organisation(organisation)
        self._network = network
        self._organisation = organisation

    def request(self, *, block: int | None = None, seconds: float | None = 120.0) -> LedgerSnapshot | None:
        """Let the peer take a snapshot, while it goes on working.

        Parameters
        ----------
        block : int, optional
            Number of the last block that it is to hold, not before the peer's own last one; that one by
            default.
        seconds : float, optional
            How long to wait until it is complete; None to come back at once.

        Returns
        -------
        LedgerSnapshot or None
            None where nothing was waited for.

        Raises
        ------
        PeerCallError
            If the peer refuses, such as a block that is past, or one that it was asked for already.
        StartTimeout
            If it is not complete in time; the peer goes on with it.
        """
        before = self._numbers()
        run_blocking(self._request, block)
        if seconds is None:
            return None
        deadline = time.monotonic() + seconds
        while not (made := self._numbers() - before if block is None else self._numbers() & {block}):
            if time.monotonic() >= deadline:
                process = self._node().component().process
                raise StartTimeout(
                    f"a snapshot of {process.name}",
                    seconds=seconds,
                    log=process.log,
                    log_tail=process.log_tail(),
                )
            time.sleep(_POLL_SECONDS)
        return LedgerSnapshot.open(self._completed / str(max(made)))

    def pending(self) -> list[int]:
        """Return the numbers of blocks that a snapshot is still to be taken at; PeerCallError if it fails."""
        return run_blocking(self._pending)

    def completed(self) -> list[LedgerSnapshot]:
        """Return the complete snapshots in the peer's folder, by block."""
        return [LedgerSnapshot.open(self._completed / str(number)) for number in sorted(self._numbers())]

    def export(self, block: int, target: Path) -> LedgerSnapshot:
        """Copy a complete snapshot to another folder, and check the copy.

        Parameters
        ----------
        block : int
            Its block.
        target : Path
            A folder that is not there; it appears complete or not at all.

        Raises
        ------
        SnapshotBroken
            If there is no such snapshot, the target exists, or the copy differs.
        """
        source = self._completed / str(block)
        LedgerSnapshot.open(source)
        if target.exists():
            raise SnapshotBroken(target, why="it exists already")
        aside = target.with_name(f".{target.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(source, aside)
        LedgerSnapshot.open(aside).check()
        aside.replace(target)
        return LedgerSnapshot.open(target)

    def restore(self, path: Path, *, seconds: float = 300.0) -> LedgerSnapshot:
        """Let the peer start anew from a snapshot: what it has is removed, all later blocks are fetched.

        Parameters
        ----------
        path : Path
            A snapshot of this channel, of a peer of any organisation.
        seconds : float, default 300
            How long it may take to come up to the others.

        Raises
        ------
        SnapshotBroken
            If it is none, was changed, or is of another channel; nothing was removed.
        PeerCallError
            If the peer refuses it.
        StartTimeout, ComponentStopped
            If the peer does not come up, or not up to the others in time.

        Notes
        -----
        A snapshot holds no private data, only their hashes: the peer asks others for what its organisation
        may have. What only this peer had, such as its organisation's implicit collection, is gone unless its
        own folder was kept. Blocks up to the snapshot's are not there afterwards.
        """
        snapshot = LedgerSnapshot.open(path)
        snapshot.check()
        if snapshot.channel != self._network.channel:
            raise SnapshotBroken(path, why=f"it is of channel {snapshot.channel}")
        if path.resolve().is_relative_to(self._data.resolve()):
            raise SnapshotBroken(path, why="it lies in the folder that is to be removed: export it first")
        with folder_lock(self._network.directory):
            component = self._node().component()
            component.process.stop()
            component.wipe()
        self.start(path, seconds=seconds)
        return snapshot

    def start(self, path: Path, *, seconds: float = 300.0) -> None:
        """Start a peer that has no ledger, from a snapshot; raises as `restore`."""
        with folder_lock(self._network.directory):
            node = self._node()
            node.write_configuration()
            component = node.component()
            component.start()
            component.wait_ready(seconds=_START_SECONDS)
            run_blocking(self._join, path.resolve(), seconds)
            deployment = Deployment(self._network.directory)
            deployment.settle()
            deployment.install_missing()
            deployment.wait_answers()

    @property
    def _data(self) -> Path:
        return self._network.directory / "data" / self._node().name

    @property
    def _completed(self) -> Path:
        return self._data / "snapshots" / "completed" / self._network.channel

    def _numbers(self) -> set[int]:
        """Return the blocks of complete snapshots."""
        folders = self._completed.iterdir() if self._completed.is_dir() else []
        return {int(path.name) for path in folders if path.name.isdecimal()}

    def _node(self) -> PeerNode:
        return FabricWorld(self._network.description, self._network.directory).peer_of(self._organisation)

    def _peer(self, organisation: str) -> Peer:
        description = self._network.description
        return Peer.connect(connection_of(description, self._network.directory, organisation, "admin"))

    async def _request(self, block: int | None) -> None:
        async with self._peer(self._organisation) as peer:
            await peer.request_snapshot(self._network.channel, block)

    async def _pending(self) -> list[int]:
        async with self._peer(self._organisation) as peer:
            return await peer.pending_snapshots(self._network.channel)

    async def _join(self, path: Path, seconds: float) -> None:
        channel = self._network.channel
        others = [one.name for one in self._network.organisations if one.name != self._organisation]
        heights = await asyncio.gather(*(self._height(name) for name in others))
        wanted = max((height for height in heights if height is not None), default=0)
        deadline = time.monotonic() + seconds
        async with self._peer(self._organisation) as peer:
            await peer.join_by_snapshot(str(path))
            while (await self._height(self._organisation) or 0) < wanted or channel not in (
                await peer.channels()
            ):
                if time.monotonic() >= deadline:
                    process = self._node().component().process
                    raise StartTimeout(
                        process.name, seconds=seconds, log=process.log, log_tail=process.log_tail()
                    )
                await asyncio.sleep(_POLL_SECONDS)

    async def _height(self, organisation: str) -> int | None:
        async with self._peer(organisation) as peer:
            try:
                return (await peer.chain_info(self._network.channel)).height
            except PeerCallError:
                # It has no ledger of the channel yet, or does not answer: the deadline decides.
                return None
