"""Search in a read model: what is found, by whom, and how many rows it costs."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.chaincode.scene import ROLE, field_entry
from tests.unit.readmodel.catalogue import ROOT, VIEWER, catalogue
from tests.unit.readmodel.chain import Chain, write
from tests.unit.readmodel.conftest import Watched

from gridledger.chaincode.ledger_key import (
    device_key,
    field_key,
    publication_key,
    standard_key,
    system_key,
)
from gridledger.exchange.readmodel import ReadModel, Wanted, find_devices, find_fields
from gridledger.model.device import ChargingStandard, DeclaredIdentity, PriceTerm
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.refusals import NotFound
from gridledger.model.search import Viewer
from gridledger.model.states import IdentifierState

MODEL = {"channel": "energy", "chaincode": "gridledger"}
QUERIES = ("active", "rarity", "active power", "光伏 逆变器", "rarity active", "")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> ReadModel:
    return filled(tmp_path_factory.mktemp("small") / "m.db", 300)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ReadModel:
    return filled(tmp_path_factory.mktemp("large") / "m.db", 3000)


def filled(path: Path, fields: int) -> ReadModel:
    model = ReadModel.feed(path, **MODEL)
    chain = Chain()
    for writes in catalogue(fields):
        model.take(chain.add(writes))
    return model


# --- what is found


async def test_words_find_fields_by_name_device_owner_and_region(watched: Watched) -> None:
    assert watched.find("power") == ["ac_power"]
    assert watched.find("POWER mtr01") == ["ac_power"]
    assert watched.find("plant monitoring zhejiang") == ["ac_power", "irradiance"]
    assert watched.find("R27") == ["dc_size", "ac_power", "irradiance", "order_type"]
    assert watched.find("power order") == []


async def test_filters_are_exact(watched: Watched) -> None:
    owner = watched.scene.systems["monitoring"]
    assert watched.find("", owner=owner) == ["ac_power", "irradiance"]
    assert watched.find(
        "", identity=DeclaredIdentity(scheme="plant", value="R27"), region="zhejiang", kind="plant"
    )
    assert watched.find("", identity=DeclaredIdentity(scheme="plant", value="R2")) == []
    assert watched.find("", data_type="text", unit="")
    assert watched.find("", unit="kW") == []
    with pytest.raises(ModelError):
        find_devices(watched.model, watched.worker(), Wanted(unit="kW"))


async def test_pages_hold_every_field_once(large: ReadModel) -> None:
    found, bookmark = [], ""
    while True:
        page = find_fields(large, VIEWER, Wanted(words="active", size=70, bookmark=bookmark))
        found += [str(hit.field) for hit in page.fields]
        bookmark = page.bookmark
        if not bookmark:
            break
    assert len(found) == len(set(found)) == 3000 * 3 // 10


async def test_bookmark_holds_while_fields_come_and_go(watched: Watched) -> None:
    scene = watched.scene
    first = find_fields(watched.model, watched.worker(), Wanted(words="plant", size=2))
    entry = field_entry("R27", "dc_size_new", Frequency.ONCE)
    await scene.owners["construction"].once(
        "registry:RegisterFields", scene.systems["construction"], (entry,)
    )
    watched.chain.feed(watched.model)
    rest = find_fields(watched.model, watched.worker(), Wanted(words="plant", bookmark=first.bookmark))
    assert [hit.field.name for hit in (*first.fields, *rest.fields)] == [
        "dc_size",
        "ac_power",
        "irradiance",
        "order_type",
    ]


@pytest.mark.parametrize("earlier", [None, PriceTerm(version=1, price_milliyuan=5, valid_from_ms=1)])
@pytest.mark.parametrize("begins_ms", [2, 2**52])
@pytest.mark.parametrize("lasts_ms", [None, 1])
async def test_price_is_that_of_the_standard_in_force(
    watched: Watched, earlier: PriceTerm | None, begins_ms: int, lasts_ms: int | None
) -> None:
    field = watched.scene.device("monitoring").field("ac_power")
    standard = ChargingStandard(
        field=field,
        version=2,
        price_milliyuan=9,
        valid_from_ms=begins_ms,
        valid_until_ms=None if lasts_ms is None else begins_ms + lasts_ms,
        earlier=earlier,
    )
    watched.chain.add([write(standard_key(field), standard)])
    watched.chain.feed(watched.model)
    (hit,) = find_fields(watched.model, watched.worker(), Wanted(words="power")).fields
    in_force = standard.at(time.time_ns() // 1_000_000)
    assert hit.price_milliyuan == (None if in_force is None else in_force.price_milliyuan)


# --- who may see


async def test_application_sees_what_is_published_and_admits_its_role(watched: Watched) -> None:
    everything = ["dc_size", "ac_power", "irradiance", "order_type"]
    assert watched.find("") == everything
    assert watched.find("", watched.worker("auditor")) == []
    scene = watched.scene
    entry = field_entry("R27", "secret_size", Frequency.ONCE)
    await scene.owners["construction"].once(
        "registry:RegisterFields", scene.systems["construction"], (entry,)
    )
    assert watched.find("") == everything
    assert "secret_size" in watched.find("", watched.owner("construction"))
    assert "secret_size" in watched.find("", Viewer(system=ROOT))


async def test_owner_sees_its_own_and_the_platform_all(watched: Watched) -> None:
    assert watched.find("", watched.owner("monitoring")) == ["ac_power", "irradiance"]
    assert len(watched.find("", Viewer(system=ROOT))) == 4


async def test_unknown_viewer_and_application_without_role_are_refused(watched: Watched) -> None:
    with pytest.raises(NotFound):
        watched.find("", Viewer(system=SystemIdentifier("88.9999")))
    with pytest.raises(ModelError):
        watched.find("", Viewer(system=watched.scene.systems["lifecycle"]))


async def test_device_is_seen_by_a_field_that_is_seen(watched: Watched) -> None:
    found = find_devices(watched.model, watched.worker(), Wanted(words="plant"))
    assert [one.field.name for one in found.found if one.field] == ["dc_size", "ac_power", "order_type"]
    assert find_devices(watched.model, watched.worker("auditor"), Wanted(words="plant")).devices == ()
    assert find_devices(watched.model, watched.worker(), Wanted(words="power")).devices == ()


# --- what changes on the ledger changes what is found


async def test_revoked_publication_is_seen_no_more(watched: Watched) -> None:
    application, owner = watched.scene.systems["lifecycle"], watched.scene.systems["monitoring"]
    ledger = watched.scene.peer.ledger.state
    key = publication_key(application, owner)
    record = key.record_type.from_bytes(ledger["", key.to_text()])
    watched.chain.add([write(key, replace(record, names=("irradiance",)))])
    assert watched.find("", owner=owner) == ["irradiance"]
    watched.chain.add([write(key, None)])
    assert watched.find("", owner=owner) == []
    devices = find_devices(watched.model, watched.worker(), Wanted(words="plant", owner=owner))
    assert devices.devices == ()


@pytest.mark.parametrize("state", [IdentifierState.SUSPENDED, IdentifierState.REVOKED])
@pytest.mark.parametrize("what", ["system", "device", "field"])
async def test_suspended_is_seen_by_its_owner_alone(
    watched: Watched, what: str, state: IdentifierState
) -> None:
    device = watched.scene.device("monitoring")
    key = {
        "system": system_key(device.system),
        "device": device_key(device),
        "field": field_key(device.field("ac_power")),
    }[what]
    record = key.record_type.from_bytes(watched.scene.peer.ledger.state["", key.to_text()])  # type: ignore[attr-defined]
    watched.chain.add([write(key, replace(record, state=state))])
    assert "ac_power" not in watched.find("")
    assert "ac_power" in watched.find("", watched.owner("monitoring"))
    watched.chain.add([write(key, record)])
    assert "ac_power" in watched.find("")


async def test_renamed_is_found_by_its_new_words_alone(watched: Watched) -> None:
    device = watched.scene.device("monitoring")
    state = watched.scene.peer.ledger.state
    key = device_key(device)
    record = key.record_type.from_bytes(state["", key.to_text()])
    watched.chain.add([write(key, replace(record, name="光伏逆变器"))])
    assert watched.find("光伏") == watched.find("逆变器") == ["ac_power", "irradiance"]
    assert watched.find("plant 27", owner=device.system) == []
    title = field_key(device.field("ac_power"))
    field = title.record_type.from_bytes(state["", title.to_text()])
    metadata = replace(field.metadata, title="有功功率", roles=("auditor", ROLE))
    watched.chain.add([write(title, replace(field, metadata=metadata))])
    assert watched.find("有功 逆变器") == ["ac_power"]
    assert watched.find("", watched.worker("auditor")) == ["ac_power"]


async def test_device_and_field_whose_keys_are_deleted_are_found_no_more(watched: Watched) -> None:
    device = watched.scene.device("monitoring")
    watched.chain.add([write(field_key(device.field("ac_power")), None)])
    assert watched.find("", watched.owner("monitoring")) == ["irradiance"]
    watched.chain.add([write(field_key(device.field("irradiance")), None), write(device_key(device), None)])
    assert watched.find("", watched.owner("monitoring")) == []
    assert find_devices(watched.model, watched.owner("monitoring"), Wanted()).devices == ()


# --- what it costs


def instructions(model: ReadModel, viewer: Viewer, wanted: Wanted) -> tuple[int, int]:
    """Search; return the number of results and of instructions of SQLite's virtual machine."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    model._connection.set_progress_handler(step, 1)
    try:
        found = len(find_fields(model, viewer, wanted).fields)
    finally:
        model._connection.set_progress_handler(None, 1)
    return found, count


_A_ROW = 9
"""Instructions a result: next of the index, the field by its key, two columns, a result row.

A row that was read in vain would add as many.
"""

_A_PAGE = 10
"""Instructions by which the index finds its own next pages."""


@pytest.mark.parametrize("words", QUERIES)
def test_page_reads_no_row_but_its_results(small: ReadModel, large: ReadModel, words: str) -> None:
    for model in (small, large):
        sizes = (1, 3, 10, 20)
        costs = [instructions(model, VIEWER, Wanted(words=words, size=size)) for size in sizes]
        for (fewer, before), (more, after) in pairwise(costs):
            assert after - before <= _A_ROW * (more - fewer) + _A_PAGE
    plan = small._connection.execute(
        "EXPLAIN QUERY PLAN SELECT field.id, hit FROM field_index JOIN field ON field.id = field_index.rowid"
        " WHERE field_index MATCH 'x' AND field_index.rowid > 1 ORDER BY field_index.rowid LIMIT 1"
    ).fetchall()
    assert [step[3].split(" INDEX ")[0] for step in plan] == [
        "SCAN field_index VIRTUAL TABLE",
        "SEARCH field USING INTEGER PRIMARY KEY (rowid=?)",
    ]


@pytest.mark.parametrize("words", QUERIES)
def test_nobody_else_s_fields_cost_nothing(large: ReadModel, words: str) -> None:
    nobody = replace(VIEWER, user_role="visitor")
    other, cost = instructions(large, nobody, Wanted(words=words))
    assert other == 0
    _, with_results = instructions(large, VIEWER, Wanted(words=words, size=1))
    assert cost <= with_results + _A_PAGE


def test_viewers_role_is_part_of_the_search(large: ReadModel) -> None:
    assert find_fields(large, VIEWER, Wanted(words="active")).fields
    assert find_devices(large, VIEWER, Wanted(words="逆变器", size=5)).bookmark
    identity = DeclaredIdentity(scheme="plant", value="P3")
    hits = find_devices(large, VIEWER, Wanted(identity=identity, size=100)).devices
    assert {str(one) for hit in hits for one in hit.identities} == {"plant=P3"}


# --- hostile


HOSTILE = [
    '"',
    "'",
    '" OR 1 --',
    "AND OR NOT NEAR",
    "NEAR(a b, 2)",
    "tokens:active",
    "active*",
    "^active",
    "{tokens}: a",
    "-active",
    "v6170706c69636174696f6e",
    "'; DROP TABLE field; --",
    "\x00",
    "%",
    "(((",
    "光伏\u200b逆变器",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_syntax_of_the_index_is_data(small: ReadModel, words: str) -> None:
    find_fields(small, VIEWER, Wanted(words=words))
    assert find_fields(small, replace(VIEWER, user_role="visitor"), Wanted(words=words)).fields == ()


@given(st.text(max_size=60), st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
def test_any_text_is_searched_or_refused(
    small: ReadModel, words: str, unit: str, region: str, bookmark: str
) -> None:
    nobody = replace(VIEWER, user_role="visitor")
    try:
        wanted = Wanted(words=words, unit=unit, region=region, bookmark=bookmark)
        assert find_fields(small, nobody, wanted).fields == ()
    except ModelError:
        return
