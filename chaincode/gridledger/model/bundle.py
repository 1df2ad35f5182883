"""Bundles: calls of one identity that travel together, each with an outcome of its own."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gridledger.model.record import ModelValue, value

__all__ = ["MAX_BUNDLE", "BundleCommitted", "BundledCall", "BundledEvent", "BundledOutcome"]

MAX_BUNDLE: Final = 64
"""Calls of a bundle: with 40 in flight all go together, and a block's worth of CPU is used at most."""

_Calls = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,99}:[A-Za-z0-9]{1,100}$")]


@value
class BundledCall(ModelValue):
    """A call of a function; one that happens once needs no call key here: the bundle has one."""

    function: _Calls
    """`contract:Function`."""
    arguments: tuple[bytes, ...]
    """As they would travel alone, without a call key."""


@value
class BundledOutcome(ModelValue):
    """What became of a call: a result, or a refusal, and then it wrote nothing."""

    result: bytes | None = None
    refusal: str | None = None
    """As it travels alone; see `ContractError.to_wire`."""


@value
class BundledEvent(ModelValue):
    """The event of a call."""

    place: Annotated[int, Field(ge=0, lt=MAX_BUNDLE)]
    """The call's place in its bundle, from 0."""
    name: str
    payload: bytes


@value
class BundleCommitted(ModelValue):
    """The event of a bundle: those of its calls, since a transaction has one."""

    events: tuple[BundledEvent, ...]
