"""Runs as files: all of a run, provable without its rows, and nothing deleted that could not be kept."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.response.fakes import TERMINAL, reading
from tests.unit.response.world import World

from gridledger.model.errors import ConfigError, ModelError
from gridledger.response.chain_module import ChainModule, ChainSettings
from gridledger.response.errors import ExportFailed, RecordRefusal, RecordUnknown
from gridledger.response.run_export import ExportedRecord, RunExport, RunFolder
from gridledger.response.settings import ResponseSettings
from gridledger.response.state import RecordState, Side


def _export(count: int = 3, *, first: int = 1, refused: int | None = None) -> RunExport:
    records = tuple(
        ExportedRecord(
            number=number,
            time_ms=number,
            salt=bytes(16),
            data=reading(number),
            code="implausible" if number == refused else None,
        )
        for number in range(first, first + count)
    )
    return RunExport(terminal=TERMINAL, first=first, records=records)


async def _anchored(folder: Path, count: int = 5, *, refused: int | None = None) -> World:
    """Have records anchored by both sides; a run has three."""
    world = World(folder)
    world.judge = lambda _, one: RecordRefusal.IMPLAUSIBLE if one.number == refused else None
    for _ in range(count):
        world.accept()
    await world.settle()
    return world


async def test_exported_run_has_what_its_digests_are_of_on_both_sides(tmp_path: Path) -> None:
    world = await _anchored(tmp_path, refused=2)
    for store in (world.terminal, world.server):
        exports = list(store.exports())
        assert [(one.first, len(one.records)) for one in exports] == [(1, 3), (4, 2)]
        for one in exports:
            assert one.leaves == store.run_of(TERMINAL, one.first).leaves
            assert RunExport.from_bytes(one.to_bytes()) == one
        assert exports[0].record(2).state is RecordState.SERVER_ERROR
        assert exports[1].record(4) == store.record(TERMINAL, 4)
        with pytest.raises(RecordUnknown):
            exports[1].record(3)
        with pytest.raises(RecordUnknown):
            exports[1].record(6)
    world.stop()


async def test_run_that_is_not_anchored_is_not_exported(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(4):
        world.accept()
    await world.business.step()
    assert list(world.terminal.exports()) == []
    world.stop()


async def test_all_runs_are_exported_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridledger.response.record_reader._PAGE", 2)
    world = await _anchored(tmp_path, 13)
    assert [one.first for one in world.server.exports()] == [1, 4, 7, 10, 13]
    world.stop()


async def test_run_is_kept_before_its_rows_go(tmp_path: Path) -> None:
    world = await _anchored(tmp_path)
    folder = RunFolder(tmp_path / "runs")
    wanted = list(world.terminal.exports())
    assert world.terminal.clean(0, folder.keep) == 5
    assert list(world.terminal.exports()) == []
    for one in wanted:
        file = folder.file_of(one.name)
        assert RunExport.from_bytes(file.read_bytes()) == one
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert wanted[0].leaves == world.terminal.run_of(TERMINAL, 1).leaves
    world.stop()


async def test_run_that_cannot_be_kept_stays_and_the_chain_goes_on(tmp_path: Path) -> None:
    world = await _anchored(tmp_path)
    (tmp_path / "full").write_text("no folder")
    told: list[str] = []
    chain = ChainModule(
        world.terminal,
        world.ledger,
        replace(world.settings, keep_s=0, export=tmp_path / "full"),
        on_failure=lambda error: told.append(error.code),
    )
    world.chains[Side.TERMINAL] = chain
    for _ in range(2):
        world.accept()
    await world.settle(steps=3)
    assert set(told) == {ExportFailed.code}
    assert world.terminal.tally()[RecordState.CHAIN_SUCCESS] == 7
    with pytest.raises(ExportFailed):
        await chain.clean()

    (tmp_path / "full").unlink()
    assert await chain.clean() == 7
    world.stop()


async def test_run_that_another_cleaner_took_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await _anchored(tmp_path)
    settled = world.terminal._settled(0)
    assert world.terminal.clean(0) == 5
    monkeypatch.setattr(world.terminal, "_settled", lambda _: settled)
    assert world.terminal.clean(0, RunFolder(tmp_path / "runs").keep) == 0
    assert not (tmp_path / "runs").exists()
    world.stop()


def test_folder_of_a_run_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(ExportFailed, match="runs"):
        RunFolder(tmp_path / "runs").keep(_export())


def test_run_with_a_gap_is_refused() -> None:
    one = _export(4)
    with pytest.raises(ModelError, match="want record 3"):
        replace(one, records=one.records[:2] + one.records[3:])
    with pytest.raises(ModelError):
        replace(one, records=())


@given(st.data())
def test_file_that_was_changed_is_refused_or_leads_elsewhere(data: st.DataObject) -> None:
    one = _export(2, first=7, refused=8)
    raw = bytearray(one.to_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    try:
        read = RunExport.from_bytes(bytes(raw))
    except ModelError:
        return
    # Of a refused record only its number and its run stand on the ledger.
    assert read.leaves != one.leaves or read.records[0] == one.records[0]


def test_export_is_a_folder_beside_the_configuration(tmp_path: Path) -> None:
    def settings(chain: str) -> ChainSettings:
        file = tmp_path / "server.toml"
        file.write_text(
            f'system = "88.1042.7"\ndatabase = "server.db"\n[chain]\n{chain}\n'
            '[network]\nconnection = "connection.json"\nauthorities = { Org1MSP = "msp" }\n'
        )
        return ResponseSettings.from_file(file).chain

    assert settings('export = "runs"').export == tmp_path / "runs"
    assert settings("").keeper is None
    with pytest.raises(ConfigError):
        settings("export = 7")
