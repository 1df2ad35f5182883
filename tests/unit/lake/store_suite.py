"""What every store must do: one suite, run over each of them."""

from __future__ import annotations

import pytest

from gridledger.lake import NameTaken, PayloadNotFound, Store, StoreBusy

__all__ = ["StoreSuite"]

PACK = "packs/" + "0" * 32 + ".pack"


class StoreSuite:
    """Subclass it in a test module that has a fixture `store` with an empty store."""

    def test_published_file_is_read_whole_and_in_ranges(self, store: Store) -> None:
        store.publish("table/a.table", b"0123456789")
        assert store.read("table/a.table") == b"0123456789"
        assert store.read("table/a.table", 3, 4) == b"3456"
        assert store.read("table/a.table", 8, 100) == b"89"
        assert store.read("table/a.table", 10, 1) == b""
        assert store.read("table/a.table", 4) == b"456789"
        assert store.read("table/a.table", 4, 0) == b""
        assert store.size("table/a.table") == 10

    def test_range_behind_the_end_is_empty(self, store: Store) -> None:
        store.publish("table/a.table", b"0123456789")
        assert store.read("table/a.table", 11, 5) == b""

    def test_empty_file_is_published(self, store: Store) -> None:
        store.publish("retired/a", b"")
        assert store.read("retired/a") == b""
        assert [(entry.name, entry.size) for entry in store.entries("retired")] == [("a", 0)]

    def test_published_file_is_never_replaced(self, store: Store) -> None:
        store.publish("table/a.table", b"first")
        with pytest.raises(NameTaken):
            store.publish("table/a.table", b"second")
        assert store.read("table/a.table") == b"first"
        assert store.entries("temporary") == []

    def test_missing_file_is_not_found(self, store: Store) -> None:
        with pytest.raises(PayloadNotFound):
            store.read(PACK)
        with pytest.raises(PayloadNotFound):
            store.size(PACK)
        store.delete(PACK)

    def test_missing_folder_is_empty(self, store: Store) -> None:
        assert store.entries("packs") == []
        assert store.folders("datasets") == []

    def test_entries_and_folders_are_listed_by_name(self, store: Store) -> None:
        store.publish("datasets/b/2.1.manifest", b"22")
        store.publish("datasets/b/10.1.manifest", b"1")
        store.publish("datasets/a/1.1.manifest", b"1")
        assert store.folders("datasets") == ["a", "b"]
        assert store.entries("datasets") == []
        assert [(entry.name, entry.size) for entry in store.entries("datasets/b")] == [
            ("10.1.manifest", 1),
            ("2.1.manifest", 2),
        ]
        assert all(entry.modified_ms > 1_600_000_000_000 for entry in store.entries("datasets/b"))

    def test_what_was_synced_is_read(self, store: Store) -> None:
        with store.append(PACK) as appender:
            assert appender.position == 0
            appender.write(b"abc")
            appender.write(b"def")
            assert appender.position == 6
            appender.sync()
            assert store.read(PACK, 2, 3) == b"cde"
            appender.write(b"ghi")
        assert store.read(PACK) == b"abcdefghi"

    def test_second_append_goes_on_at_the_end(self, store: Store) -> None:
        for piece in (b"abc", b"def"):
            with store.append(PACK) as appender:
                appender.write(piece)
        with store.append(PACK) as appender:
            assert appender.position == 6
        assert store.read(PACK) == b"abcdef"

    def test_second_writer_is_refused_until_the_first_is_done(self, store: Store) -> None:
        with store.append(PACK) as appender:
            appender.write(b"abc")
            appender.sync()
            with pytest.raises(StoreBusy):
                store.append(PACK)
        with store.append(PACK) as appender:
            appender.write(b"d")
        assert store.read(PACK) == b"abcd"

    def test_abandoned_append_keeps_what_was_synced(self, store: Store) -> None:
        appender = store.append(PACK)
        appender.write(b"abc")
        appender.sync()
        appender.write(b"lost?")
        appender.abandon()
        appender.abandon()
        assert store.read(PACK).startswith(b"abc")
        with store.append(PACK) as again:
            assert again.position >= 3

    def test_large_append_is_read_in_ranges(self, store: Store) -> None:
        data = bytes(range(256)) * 12_000
        with store.append(PACK) as appender:
            for start in range(0, len(data), 100_000):
                appender.write(data[start : start + 100_000])
        assert store.size(PACK) == len(data)
        assert store.read(PACK, 1_234_567, 65_536) == data[1_234_567 : 1_234_567 + 65_536]
        assert store.read(PACK) == data

    def test_deleted_file_is_gone(self, store: Store) -> None:
        store.publish("table/a.table", b"a")
        store.delete("table/a.table")
        assert store.entries("table") == []
        store.publish("table/a.table", b"b")
        assert store.read("table/a.table") == b"b"
