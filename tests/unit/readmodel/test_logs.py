"""The logs: every change once, with block, time and sender, in pages."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.chaincode.scene import ROLE
from tests.unit.readmodel.chain import write
from tests.unit.readmodel.conftest import Watched

from gridledger.chaincode.ledger_key import device_key, field_key, system_key
from gridledger.exchange.readmodel import (
    Log,
    LogLine,
    LogQuery,
    ResolutionQuery,
    read_log,
    read_resolutions,
)
from gridledger.model.device import StandardEntry
from gridledger.model.errors import ModelError
from gridledger.model.states import IdentifierState


def lines(watched: Watched, log: Log, **query: str) -> list[LogLine]:
    watched.chain.feed(watched.model)
    return list(read_log(watched.model, LogQuery(log=log, size=1000, **query)).lines)


async def test_metadata_log_has_the_first_metadata_and_each_change(watched: Watched) -> None:
    scene = watched.scene
    field = scene.device("monitoring").field("ac_power")
    first = lines(watched, Log.METADATA, subject=str(field))
    assert [json.loads(one.before) for one in first] == [{}, {}]
    told = [json.loads(one.after) for one in first]
    assert {"version", "price_milliyuan"} <= told[0].keys()
    assert told[1]["metadata.title"] == "ac_power"

    entry = StandardEntry(field=field, price_milliyuan=9)
    await scene.owners["monitoring"].once("registry:SetChargingStandards", field.system, (entry,))
    key = field_key(field)
    record = key.record_type.from_bytes(scene.peer.ledger.state["", key.to_text()])
    changed = replace(record, metadata=replace(record.metadata, unit="kW"))
    watched.chain.add([write(key, changed)], time_ms=77)
    watched.chain.add([write(key, changed)])
    price, unit = lines(watched, Log.METADATA, subject=str(field))[2:]
    assert json.loads(price.before)["price_milliyuan"] == 1200
    assert json.loads(price.after)["price_milliyuan"] == 9
    assert (json.loads(unit.before), json.loads(unit.after)) == (
        {"metadata.unit": ""},
        {"metadata.unit": "kW"},
    )
    assert (unit.block, unit.time_ms) == (len(watched.chain.blocks) - 2, 77)
    assert (unit.msp_id, unit.actor, unit.event) == ("Org1MSP", "tester", "Tested")


async def test_allocation_log_has_each_state_of_an_identifier(watched: Watched) -> None:
    device = watched.scene.device("monitoring")
    found = lines(watched, Log.ALLOCATION, subject=str(device))
    assert [json.loads(one.after)["state"] for one in found] == ["allocated", "active"]
    key = device_key(device)
    record = key.record_type.from_bytes(watched.scene.peer.ledger.state["", key.to_text()])
    revoked = replace(record, state=IdentifierState.REVOKED, reason="scrapped")
    watched.chain.add([write(key, revoked)])
    watched.chain.add([write(key, None)])
    last, gone = lines(watched, Log.ALLOCATION, subject=str(device))[2:]
    assert json.loads(last.after) == {"state": "revoked", "reason": "scrapped"}
    assert json.loads(gone.after) == {}


async def test_registration_log_has_applications_systems_and_users(watched: Watched) -> None:
    found = lines(watched, Log.REGISTRATION)
    subjects = {one.subject for one in found}
    application = watched.scene.systems["lifecycle"]
    assert {str(application), f"{application} worker-7"} <= subjects
    states = [
        json.loads(one.after).get("state")
        for one in found
        if one.subject not in {str(one) for one in watched.scene.systems.values()}
    ]
    assert states.count("applied") == states.count("approved") == 4
    await watched.scene.application.submit(
        "registry:RegisterUser", application, "worker-7", tuple(sorted((ROLE, "auditor")))
    )
    last = lines(watched, Log.REGISTRATION)[-1]
    assert json.loads(last.before)["roles"] == [ROLE]
    assert json.loads(last.after)["roles"] == ["auditor", ROLE]
    await watched.scene.application.submit("registry:RemoveUser", application, "worker-7")
    last = lines(watched, Log.REGISTRATION)[-1]
    assert json.loads(last.before)["roles"] == ["auditor", ROLE]
    assert json.loads(last.after) == {}


async def test_pages_of_a_log_hold_every_line_once(watched: Watched) -> None:
    system = str(watched.scene.systems["monitoring"])
    whole = lines(watched, Log.METADATA, system=system)
    found, bookmark = [], ""
    while True:
        page = read_log(watched.model, LogQuery(log=Log.METADATA, system=system, size=2, bookmark=bookmark))
        found += page.lines
        bookmark = page.bookmark
        if not bookmark:
            break
    assert found == whole
    assert all(one.system == system for one in whole)
    for wrong in ({"size": 0}, {"size": 1001}, {"bookmark": "1 OR 1"}, {"bookmark": "-1"}):
        with pytest.raises(ModelError):
            LogQuery(log=Log.METADATA, **wrong)  # type: ignore[arg-type]


async def test_sql_in_a_condition_is_data(watched: Watched) -> None:
    for hostile in ("' OR 1=1 --", '"; DROP TABLE entry; --', "%", "\x00"):
        assert lines(watched, Log.METADATA, system=hostile) == []
        assert lines(watched, Log.METADATA, subject=hostile) == []
        assert read_resolutions(watched.model, ResolutionQuery(owner=hostile)).lines == ()
    assert lines(watched, Log.METADATA)


async def test_resolution_log_tells_who_asked_and_what_was_withheld(watched: Watched) -> None:
    scene = watched.scene
    await scene.resolve()
    altered = await scene.resolve(altered="ac_power")
    watched.chain.feed(watched.model)
    owner = str(scene.systems["monitoring"])
    for query in (
        ResolutionQuery(owner=owner),
        ResolutionQuery(application=str(scene.systems["lifecycle"])),
        ResolutionQuery(field=str(scene.device("monitoring").field("ac_power"))),
        ResolutionQuery(),
    ):
        first, second = read_resolutions(watched.model, query).lines
        assert (first.user, first.user_role, first.function) == ("worker-7", ROLE, "maintenance")
        assert len(first.fields) == 4
        assert first.withheld == ()
        assert second.resolution == altered.id
        assert [one.rpartition("#")[2] for one in second.withheld] == ["ac_power"]
        page = read_resolutions(watched.model, replace(query, size=1))
        assert page.lines == (first,)
        rest = read_resolutions(watched.model, replace(query, size=1, bookmark=page.bookmark))
        assert rest.lines == (second,)
    assert read_resolutions(watched.model, ResolutionQuery(owner="88.9999")).lines == ()
    with pytest.raises(ModelError):
        ResolutionQuery(owner=owner, field="x")


async def test_prefix_change_is_a_line_of_life(watched: Watched) -> None:
    system = watched.scene.systems["monitoring"]
    key = system_key(system)
    record = key.record_type.from_bytes(watched.scene.peer.ledger.state["", key.to_text()])
    moved = system.parent.child(77) if system.parent else system
    watched.chain.add([write(key, replace(record, moved_to=moved))])
    last = lines(watched, Log.ALLOCATION, subject=str(system))[-1]
    assert json.loads(last.after) == {"moved_to": str(moved)}
