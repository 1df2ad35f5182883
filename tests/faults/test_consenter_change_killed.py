"""kill -9 of what changes the consenters, at every boundary of its journal: each update is ordered once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.faults.consenter_victim import ConsenterVictim, KeptChannel
from tests.faults.places import Places
from tests.unit.network.consenter_scene import A, make_orderers, proposed

from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal

NEW = (A - {"a:7050"}) | {"e:7050"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("never", "wanted", "left", "boundaries"),
    [
        # Two updates, four lines of the journal and an orderer let go, before and after each; one started.
        (set(), NEW, NEW, 2 * (2 + 4 + 1) + 1),
        # The added one does not sync and is removed again: one line less.
        ({"e:7050"}, A | {"e:7050"}, A, 2 * (2 + 3 + 1) + 1),
    ],
    ids=["to its end", "rolled back"],
)
def test_change_killed_at_every_boundary_is_brought_to_its_end(
    tmp_path: Path, never: set[str], wanted: set[str], left: set[str], boundaries: int
) -> None:
    orderers = make_orderers(tmp_path / "orderers")
    proposed(orderers, A, wanted).save(tmp_path / "proposal")
    at = orderers.configuration(A)
    KeptChannel(at=at, running=set(A), never=never, file=tmp_path / "channel").save()
    deaths = 0
    while (ended := ConsenterVictim(tmp_path).ended()) == -signal.SIGKILL:
        deaths += 1
    # What is rolled back is said once; killed after that, it is not begun anew.
    assert ended == (1 if never else 0)
    met = Places(tmp_path / "places").met()
    assert deaths == len(met) == boundaries, met
    channel = KeptChannel.load(tmp_path / "channel")
    assert set(channel.at.addresses) == left
    assert channel.ordered == channel.at.sequence - at.sequence == 2
    known = ConsenterJournal.load(tmp_path / "journal")
    assert known is not None
    assert known.state is (ChangeState.ROLLED_BACK if never else ChangeState.DONE)
