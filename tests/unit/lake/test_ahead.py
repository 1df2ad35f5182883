"""Items made ahead: in their order, so many, and errors where they are used."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gridledger.lake.ahead import Ahead


def test_items_come_in_their_order() -> None:
    with Ahead(iter(range(1000)), most=3) as numbers:
        assert list(numbers) == list(range(1000))


def test_no_more_than_so_many_are_made_ahead() -> None:
    made = threading.Semaphore(0)
    count = 0

    def items() -> Iterator[int]:
        nonlocal count
        for number in range(20):
            count += 1
            made.release()
            yield number

    with Ahead(items(), most=3) as numbers:
        for number in numbers:
            assert count <= number + 3
            assert made.acquire(timeout=60)
    assert count == 20


def test_error_is_raised_where_the_items_are_used() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    with Ahead(items(), most=2) as numbers:
        used = iter(numbers)
        assert next(used) == 1
        with pytest.raises(OSError, match="gone"):
            next(used)


def test_who_leaves_early_ends_the_thread() -> None:
    with Ahead((threading.current_thread() for _ in range(1_000_000)), most=2) as threads:
        thread = next(iter(threads))
    thread.join(60)
    assert not thread.is_alive()


def test_items_are_made_by_another_thread() -> None:
    with Ahead((threading.get_ident() for _ in range(1)), most=1) as idents:
        assert list(idents) != [threading.get_ident()]
