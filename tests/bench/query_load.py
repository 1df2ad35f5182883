"""Queries that benchmarks make: what they ask for, and how long their steps take."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from tests.integration.exchange import signed_request

from gridledger.exchange.demo.scene import Scene
from gridledger.model.catalogue import Selector
from gridledger.model.identifier import DeviceIdentifier
from gridledger.model.period import Day
from gridledger.model.resolution import Resolution, SignedRequest

__all__ = [
    "FIVE_SYSTEMS",
    "TWO_SYSTEMS",
    "Query",
    "Question",
    "Times",
    "ask",
    "query",
    "query_agreed",
    "size_of",
]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a query asks of the scene's device."""

    name: str
    wanted: dict[str, tuple[str, ...]]
    """Names of fields by name of system; none means all fields of the function's rule."""
    days: tuple[Day, Day] | None = None
    """First and last; by default the three days of the demo."""


TWO_SYSTEMS: Final = Question(
    name="two systems, a day",
    wanted={"monitoring": ("ac_power", "energy"), "production": ("device_model",)},
    days=(Day("2018-09-14"), Day("2018-09-14")),
)
"""The least that a resolution allows: two target systems."""

FIVE_SYSTEMS: Final = Question(name="five systems, three days", wanted={})
"""The demo's query."""


@dataclass
class Times:
    """Seconds of the steps of queries, and of whole ones."""

    steps: dict[str, list[float]] = field(default_factory=dict)
    whole: list[float] = field(default_factory=list)

    def add(self, marks: list[tuple[str, float]]) -> None:
        """Take the moments at which a query's steps ended, its start first."""
        for (_, start), (name, end) in pairwise(marks):
            self.steps.setdefault(name, []).append(end - start)
        self.whole.append(marks[-1][1] - marks[0][1])


def size_of(resolution: Resolution) -> str:
    """Say how much a resolution forwards."""
    fields = [field for target in resolution.targets for field in target.forwarded()]
    rows = sum(check.deposited_rows() for field in fields for check in field.intact())
    return f"{len(fields)} fields, {rows} rows"


Query = Callable[[Scene, Question, DeviceIdentifier, Times], Awaitable[Resolution]]


async def ask(scene: Scene, question: Question, device: DeviceIdentifier) -> SignedRequest:
    """Make the worker's signed request for a device whose label was read before."""
    changes: dict[str, Any] = {"device": device}
    if question.days is not None:
        changes |= {"first": question.days[0], "last": question.days[1]}
    wanted = tuple(
        Selector(system=scene.systems[system], name=name)
        for system, names in question.wanted.items()
        for name in names
    )
    return await signed_request(scene, wanted=wanted, **changes)


async def query(scene: Scene, question: Question, device: DeviceIdentifier, times: Times) -> Resolution:
    """Resolve, order, fetch with proofs, sign and settle.

    Raises
    ------
    RuntimeError
        An owner did not deliver.
    """
    application = scene.application
    marks = [("start", time.perf_counter())]
    resolution = await application.resolve(await ask(scene, question, device))
    marks.append(("resolve", time.perf_counter()))
    order = await application.order(resolution)
    marks.append(("order", time.perf_counter()))
    fetched = await application.fetch(resolution, order)
    marks.append(("fetch", time.perf_counter()))
    settled = await application.settle(fetched)
    marks.append(("settle", time.perf_counter()))
    if len(settled) != len(resolution.targets):
        raise RuntimeError(f"a query was not settled whole: {[str(one.error) for one in fetched]}")
    times.add(marks)
    return resolution


async def query_agreed(
    scene: Scene, question: Question, device: DeviceIdentifier, times: Times
) -> Resolution:
    """Repeat a query under agreements.

    Raises
    ------
    RuntimeError
        An owner did not deliver.
    """
    marks = [("start", time.perf_counter())]
    result = await scene.application.query_agreed(await ask(scene, question, device))
    marks.append(("agreed", time.perf_counter()))
    if len(result.settled) != len(result.resolution.targets):
        raise RuntimeError("an agreed query was not settled whole")
    times.add(marks)
    return result.resolution
