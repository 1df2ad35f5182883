"""How a synchronous class is made of an asynchronous one: method by method, none of them written twice."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from gridledger.client.sync.event_loop import run

__all__ = ["Face", "awaited", "awaited_as", "plain", "plain_as"]

_Inner = TypeVar("_Inner")
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Wrapped = TypeVar("_Wrapped")


class Face(Generic[_Inner]):
    """Base of the synchronous classes.

    Parameters
    ----------
    asynchronous : object
        The object that does the work, on the background loop.
    """

    __slots__ = ("asynchronous",)

    def __init__(self, asynchronous: _Inner) -> None:
        self.asynchronous = asynchronous


def awaited(
    method: Callable[Concatenate[Any, _Given], Awaitable[_Result]],
) -> Callable[Concatenate[Any, _Given], _Result]:
    """Return a method that runs a coroutine method to its end."""
    return awaited_as(method, _same)


def awaited_as(
    method: Callable[Concatenate[Any, _Given], Awaitable[_Result]], wrap: Callable[[_Result], _Wrapped]
) -> Callable[Concatenate[Any, _Given], _Wrapped]:
    """Return a method that runs a coroutine method to its end and gives its result a synchronous face."""

    @functools.wraps(method)
    def waiting(face: Face[Any], /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Wrapped:
        async def finish() -> _Result:
            return await method(face.asynchronous, *args, **kwargs)

        return wrap(run(finish()))

    return waiting


def plain(
    method: Callable[Concatenate[Any, _Given], _Result],
) -> Callable[Concatenate[Any, _Given], _Result]:
    """Return a method that calls a method that waits for nothing."""
    return plain_as(method, _same)


def plain_as(
    method: Callable[Concatenate[Any, _Given], _Result], wrap: Callable[[_Result], _Wrapped]
) -> Callable[Concatenate[Any, _Given], _Wrapped]:
    """Return a method that calls a method that waits for nothing and gives its result a synchronous face."""

    @functools.wraps(method)
    def calling(face: Face[Any], /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Wrapped:
        async def finish() -> _Result:
            return method(face.asynchronous, *args, **kwargs)

        return wrap(run(finish()))

    return calling


def _same(result: _Result) -> _Result:
    return result
