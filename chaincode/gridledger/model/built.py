"""What a class of values has once it is built: attributes that are made when they are first asked for."""

from __future__ import annotations

import dataclasses
import inspect
import threading
from typing import Any, Final, Generic, NewType, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter

__all__ = ["CONFIG", "PARTS", "Built", "FieldSignature"]

CONFIG: Final = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True, validate_default=True)
PARTS: Final = "__parts__"
"""Attribute of a class that may be built: the classes that its fields hold, which are built before it."""

_T = TypeVar("_T")

_building: Final = threading.RLock()


class Built(Generic[_T]):
    """An attribute that pydantic makes of a class, such as `__pydantic_validator__`.

    It stands in a base; what is built stands in the class itself and hides it.
    """

    __slots__ = ("_name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> _T:
        if PARTS not in vars(owner):
            raise AttributeError(f"{owner.__name__} is not complete: @value or @record makes it so")
        with _building:
            _build(owner)
        return cast("_T", vars(owner)[self._name])


def _build(cls: type) -> None:
    if "__pydantic_complete__" in vars(cls):
        return
    for part in vars(cls)[PARTS]:
        _build(part)
    # Under another name, since an adapter takes no configuration for a class that has its own.
    named: Any = NewType(cls.__name__, cls)  # type: ignore[misc, valid-type]
    adapter: TypeAdapter[Any] = TypeAdapter(named, config=CONFIG)
    for name, made in (
        ("core_schema", adapter.core_schema),
        ("serializer", adapter.serializer),
        ("validator", adapter.validator),
        # Said last: from now on classes that hold this one take what it has.
        ("complete", True),
    ):
        setattr(cls, f"__pydantic_{name}__", made)


class FieldSignature:
    """The attribute `__signature__` of a dataclass whose constructor takes what any class may have."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if not dataclasses.is_dataclass(owner):
            raise AttributeError(f"{owner.__name__} has no fields")
        return inspect.Signature(
            [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty
                    if field.default is dataclasses.MISSING
                    else field.default,
                    annotation=field.type,
                )
                for field in dataclasses.fields(owner)
            ],
            return_annotation=None,
        )
