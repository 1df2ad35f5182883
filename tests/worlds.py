"""Networks for tests: brought up in a folder of their own, and down again by pid whatever happens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.prerequisites import meaningless, missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.network import Network, Settings, World

__all__ = ["ATTACHED_VARIABLE", "attached_channel", "attached_network", "running_network"]

ATTACHED_VARIABLE = "GRIDLEDGER_NETWORK"
"""Names the folder of the network that tests of `--world attached` run on."""

_OF_PROCESSES = ("run", "logs", "chaincode", "lock")
"""Parts of an attached network's folder that belong to its chaincodes."""


def attached_channel() -> str | None:
    """Return the channel of the network that the variable names; None where it names none."""
    directory = os.environ.get(ATTACHED_VARIABLE)
    return Network.open(Path(directory)).channel if directory else None


@contextmanager
def attached_network(directory: Path) -> Iterator[Network]:
    """Use the network that the variable names while the body does; its folder stays as it is.

    Parameters
    ----------
    directory : Path
        A new folder, which is attached in the same way: chaincodes and users of the tests are of this one.
    """
    given = os.environ.get(ATTACHED_VARIABLE)
    if not given:
        missing("attached", f"{ATTACHED_VARIABLE} names the folder that `gridledger network attach` made")
    shutil.copytree(given, directory, symlinks=True, ignore=shutil.ignore_patterns(*_OF_PROCESSES))
    replace(Network.open(directory).description, chaincodes=[]).save(directory)
    network = Network.open(directory)
    try:
        network.up()
        yield network
    finally:
        network.down()


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
        meaningless(world, "a network of others is not a test's own to start and to stop")
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
