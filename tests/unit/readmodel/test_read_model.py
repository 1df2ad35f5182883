"""The file of a read model: what it takes, and what it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.readmodel.catalogue import ROOT, VIEWER, catalogue, system
from tests.unit.readmodel.chain import Chain, write
from tests.unit.readmodel.conftest import Watched

from gridledger.chaincode.ledger_key import system_key
from gridledger.client.write_set import KeyWrite
from gridledger.exchange.readmodel import (
    ChainDiffers,
    LedgerBlock,
    ReadModel,
    ReadModelUnusable,
    Wanted,
    find_fields,
)
from gridledger.exchange.readmodel.index import Index
from gridledger.exchange.readmodel.schema import SCHEMA_VERSION
from gridledger.model.change import FieldChange
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind

MODEL = {"channel": "energy", "chaincode": "gridledger"}
TABLES = (
    "system", "former", "application", "user", "device", "field", "moved", "standard", "publication",
    "device_viewer", "entry", "resolution", "target", "line", "settlement", "sale", "field_index",
    "device_index", "progress", "unread",
)  # fmt: skip


def content(model: ReadModel) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with model.query() as connection:
        return {
            name: connection.execute(
                f"SELECT {'rowid, *' if '_index' in name else '*'} FROM {name}"
            ).fetchall()
            for name in TABLES
        }


@pytest.fixture
def chain() -> Chain:
    made = Chain()
    for writes in catalogue(30):
        made.add(writes)
    return made


def test_model_takes_each_block_once(chain: Chain, tmp_path: Path) -> None:
    with ReadModel.feed(tmp_path / "m.db", **MODEL) as model:
        assert chain.feed(model) == len(chain.blocks)
        before = content(model)
        assert [model.take(block) for block in chain.blocks] == [False] * len(chain.blocks)
        assert content(model) == before
        assert model.progress().fields == 30


async def test_replay_from_block_0_makes_the_same_model(watched: Watched, tmp_path: Path) -> None:
    resolution = await watched.scene.resolve()
    order = await watched.scene.order(resolution, await watched.scene.pay_in(5000))
    signed = tuple(
        watched.scene.countersign(watched.scene.contract(order, owner), owner)
        for owner in watched.scene.owners
    )
    await watched.scene.application.once("trade:DepositContracts", signed)
    watched.chain.feed(watched.model)
    with ReadModel.feed(tmp_path / "again.db", **MODEL) as again:
        watched.chain.feed(again)
        assert content(again) == content(watched.model)
        assert len(content(again)["sale"]) == 4


async def test_however_the_chain_is_cut_into_blocks_the_model_is_the_same(
    watched: Watched, tmp_path: Path
) -> None:
    scene = watched.scene
    field, *_ = scene.fields()["monitoring"]
    for state in (IdentifierState.SUSPENDED, IdentifierState.ACTIVE):
        change = FieldChange(field=field, state=state)
        await scene.owners["monitoring"].submit("registry:ChangeFields", field.system, (change,))
    watched.chain.feed(watched.model)
    blocks = watched.chain.blocks
    whole = LedgerBlock(
        number=0,
        hash=blocks[-1].hash,
        previous_hash=b"",
        transactions=tuple(one for block in blocks for one in block.transactions),
    )
    with ReadModel.feed(tmp_path / "whole.db", **MODEL) as model:
        model.take(whole)
        found, wanted = content(model), content(watched.model)
    del found["progress"], wanted["progress"]
    assert found == wanted
    assert len(wanted["entry"]) > 20


def test_block_that_fails_in_the_middle_leaves_nothing(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ReadModel.feed(tmp_path / "m.db", **MODEL) as model:
        model.take(chain.blocks[0])
        before = content(model)

        def fails(_: Index) -> None:
            raise sqlite3.OperationalError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(Index, "write", fails)
            with pytest.raises(ReadModelUnusable):
                model.take(chain.blocks[1])
        assert content(model) == before
        assert chain.feed(model) == len(chain.blocks) - 1


def test_block_of_another_chain_is_refused(chain: Chain, tmp_path: Path) -> None:
    with ReadModel.feed(tmp_path / "m.db", **MODEL) as model:
        model.take(chain.blocks[0])
        with pytest.raises(ChainDiffers):
            model.take(replace(chain.blocks[1], previous_hash=b"other"))
        with pytest.raises(ChainDiffers):
            model.take(chain.blocks[2]) if len(chain.blocks) > 2 else model.take(
                replace(chain.blocks[1], number=5)
            )
        assert model.next_block == 1


def test_model_of_another_version_is_filled_anew(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with ReadModel.feed(path, **MODEL) as model:
        chain.feed(model)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ReadModelUnusable, match="no read model of this version"):
        ReadModel.read(path)
    with ReadModel.feed(path, **MODEL) as model:
        assert model.next_block == 0
        assert chain.feed(model) == len(chain.blocks)
        assert len(find_fields(model, VIEWER, Wanted(words="power")).fields) > 0


def test_other_file_and_other_chaincode_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE precious (x)")
    with pytest.raises(ReadModelUnusable, match="something else"):
        ReadModel.feed(other, **MODEL)
    text = tmp_path / "text.db"
    text.write_text("no database at all, but long enough to look like a header of one" * 20)
    with pytest.raises(ReadModelUnusable):
        ReadModel.feed(text, **MODEL)
    with pytest.raises(ReadModelUnusable):
        ReadModel.read(tmp_path / "missing.db")
    path = tmp_path / "m.db"
    ReadModel.feed(path, **MODEL).close()
    with pytest.raises(ReadModelUnusable, match="follows energy/gridledger"):
        ReadModel.feed(path, channel="energy", chaincode="another")


def test_readers_do_not_write_and_see_whole_blocks(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with ReadModel.feed(path, **MODEL) as feeding, ReadModel.read(path) as reading:
        assert reading.next_block == 0
        chain.feed(feeding)
        assert reading.progress() == feeding.progress()
        with pytest.raises(ReadModelUnusable):
            reading.take(chain.add([]))


def test_record_that_cannot_be_read_is_left_out_and_told(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = KeyWrite(key="\x00device\x0088.1042.1\x00X\x00", value=b'{"schema":"device/999"}')
    unknown = KeyWrite(key="\x00of-tomorrow\x00x\x00", value=b"?")
    simple = KeyWrite(key="plain", value=b"1")
    good = write(system_key(ROOT.child(7)), system(ROOT.child(7), SystemKind.BUSINESS_SYSTEM, "n", "r"))
    chain.add([newer, unknown, simple, good])
    with ReadModel.feed(tmp_path / "m.db", **MODEL) as model:
        chain.feed(model)
        assert model.progress().unread == 1
        assert content(model)["unread"][0][3] == "device 88.1042.1 X"
        assert any(row[0] == "88.1042.7" for row in content(model)["system"])
    assert "device 88.1042.1 X is left out" in caplog.text
