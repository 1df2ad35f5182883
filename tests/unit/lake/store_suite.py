"""What every store must do: one suite, run over each of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gridledger.lake import NameTaken, PayloadNotFound, Store

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

    def test_file_is_seen_when_it_is_committed_and_not_before(self, store: Store) -> None:
        with store.begin(PACK) as file:
            file.write(b"abc")
            file.write(b"def")
            assert store.entries("packs") == []
            with pytest.raises(PayloadNotFound):
                store.read(PACK)
        assert store.read(PACK) == b"abcdef"
        assert store.entries("temporary") == []

    def test_abandoned_file_is_never_seen(self, store: Store) -> None:
        file = store.begin(PACK)
        file.write(b"abc")
        file.abandon()
        file.abandon()
        assert store.entries("packs") == []
        with pytest.raises(PayloadNotFound):
            store.size(PACK)

    def test_of_two_writers_of_one_name_the_second_is_refused(self, store: Store) -> None:
        first, second = store.begin(PACK), store.begin(PACK)
        first.write(b"first")
        second.write(b"second")
        first.commit()
        with pytest.raises(NameTaken):
            second.commit()
        assert store.read(PACK) == b"first"
        assert store.entries("temporary") == []

    def test_files_are_written_side_by_side(self, store: Store) -> None:
        def write(number: int) -> None:
            with store.begin(f"packs/{number:032x}.pack") as file:
                for _ in range(20):
                    file.write(b"%d" % number * 1000)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(write, range(6)))
        for number in range(6):
            assert store.read(f"packs/{number:032x}.pack") == b"%d" % number * 20_000

    def test_large_file_is_read_in_ranges(self, store: Store) -> None:
        data = bytes(range(256)) * 36_000
        with store.begin(PACK) as file:
            for start in range(0, len(data), 100_000):
                file.write(data[start : start + 100_000])
        assert store.size(PACK) == len(data)
        assert store.read(PACK, 8_234_567, 65_536) == data[8_234_567 : 8_234_567 + 65_536]
        assert store.read(PACK) == data

    def test_deleted_file_is_gone(self, store: Store) -> None:
        store.publish("table/a.table", b"a")
        store.delete("table/a.table")
        assert store.entries("table") == []
        store.publish("table/a.table", b"b")
        assert store.read("table/a.table") == b"b"
