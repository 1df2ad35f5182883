"""Networks for tests: brought up in a folder of their own, and down again by pid whatever happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.network import Network, Settings, World

__all__ = ["ATTACHED_VARIABLE", "attached_channel", "attached_network", "running_network"]

ATTACHED_VARIABLE = "GRIDLEDGER_NETWORK"
"""Names the folder of the network that tests of `--world attached` run on."""


def attached_channel() -> str | None:
    """Return the channel of the network that the variable names; None where it names none."""
    directory = os.environ.get(ATTACHED_VARIABLE)
    return Network.open(Path(directory)).channel if directory else None


@contextmanager
def attached_network() -> Iterator[Network]:
    """Use the network that the variable names; its chaincodes are left running."""
    directory = os.environ.get(ATTACHED_VARIABLE)
    if not directory:
        missing("attached", f"{ATTACHED_VARIABLE} names the folder that `gridledger network attach` made")
    network = Network.open(Path(directory))
    network.up()
    yield network


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
    if world is World.ATTACHED:
        pytest.skip("an attached network is not a test's own to start and to stop")
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
