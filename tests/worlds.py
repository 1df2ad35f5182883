"""Networks for tests: brought up in a folder of their own, and down again by pid whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.network import Network, Settings, World

__all__ = ["running_network"]


@contextmanager
def running_network(
    world: World,
    directory: Path,
    *,
    organisations: int = 2,
    settings: Settings | None = None,
    waiting_orderers: int = 0,
) -> Iterator[Network]:
    """Run a network while the body does; its logs stay in `directory/logs`.

    Parameters
    ----------
    world : World
        What runs it.
    directory : Path
        A new folder.
    organisations : int, default 2
        Number of peer organisations.
    settings : Settings, optional
        How blocks are cut.
    waiting_orderers : int, default 0
        Orderers that wait to be elected; on Fabric alone.
    """
    try:
        network = Network.create(
            directory,
            world=world,
            organisations=organisations,
            settings=settings,
            waiting_orderers=waiting_orderers,
        )
    except PrerequisiteMissing as error:
        missing("fabric", error.message)
    try:
        network.up()
        yield network
    finally:
        network.down()
