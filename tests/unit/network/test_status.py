"""What a network's status says of its peers and orderers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gridledger.network.description import World
from gridledger.network.status import NetworkStatus, OrdererStatus, PeerStatus


def _status(peers: list[int | None], orderers: list[int | None]) -> NetworkStatus:
    return NetworkStatus(
        world=World.FABRIC,
        channel="energy",
        directory=Path("net"),
        components=[],
        peers=[
            PeerStatus(organisation=f"org{number}", height=height, block_hash="ab" if height else None)
            for number, height in enumerate(peers, start=1)
        ],
        orderers=[
            OrdererStatus(name=f"orderer{number}", height=height)
            for number, height in enumerate(orderers, start=1)
        ],
        chaincodes=[],
    )


@pytest.mark.parametrize(
    ("peers", "orderers", "warnings"),
    [
        ([100, 100], [100, 100, 100, 100], []),
        ([100, 100], [95, 101, 100, 100], ["orderer1 is 6 blocks behind"]),
        ([100, 100], [95, 100, 98, 100], []),
        ([100, 100], [100, 7, 100, None], ["orderer2 is 93 blocks behind", "orderer4 does not answer"]),
        ([100, None], [50, 50, 50, 50], [f"orderer{number} is 50 blocks behind" for number in range(1, 5)]),
        ([None, None], [None], ["orderer1 does not answer"]),
        ([None, None], [3, 20], ["orderer1 is 17 blocks behind"]),
    ],
)
def test_orderer_that_is_behind_or_silent_is_warned_of(
    peers: list[int | None], orderers: list[int | None], warnings: list[str]
) -> None:
    status = _status(peers, orderers)
    assert status.warnings == warnings
    value = status.to_value()
    assert value["warnings"] == warnings
    assert value["orderers"] == [
        {"name": f"orderer{number}", "height": height, "consenter": True}
        for number, height in enumerate(orderers, start=1)
    ]


def test_orderer_that_waits_or_was_removed_may_be_behind() -> None:
    known = _status([100, 100], [100])
    waiting = [OrdererStatus(name=f"orderer{number}", height=3, is_consenter=False) for number in (2, 3)]
    assert replace(known, orderers=[*known.orderers, *waiting]).warnings == []
