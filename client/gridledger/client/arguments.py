"""Arguments of a call, written as the contract layer reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from gridledger.model.canonical import WritableValue, canonical_bytes

__all__ = ["Argument", "ModelValue", "to_argument_bytes", "to_transient_map"]


@runtime_checkable
class ModelValue(Protocol):
    """A record or value of the model."""

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        ...


Argument: TypeAlias = "bytes | ModelValue | WritableValue | Sequence[ModelValue]"


def to_argument_bytes(argument: Argument) -> bytes:
    """Write one argument.

    Parameters
    ----------
    argument : str, int, bytes, model value, or a value of canonical JSON
        Strings and integers travel as text, bytes as they are, everything else as canonical JSON.

    Raises
    ------
    ModelError
        When it cannot be written as canonical JSON.

    Examples
    --------
    >>> [to_argument_bytes(one) for one in ("a", 7, b"raw", True, ["x", 1])]
    [b'a', b'7', b'raw', b'true', b'["x",1]']
    """
    if isinstance(argument, str):
        return argument.encode()
    if isinstance(argument, bytes):
        return argument
    if isinstance(argument, int) and not isinstance(argument, bool):
        return b"%d" % argument
    if isinstance(argument, ModelValue):
        return argument.to_bytes()
    return canonical_bytes(_to_value(argument))


def to_transient_map(transient: Mapping[str, Argument] | None) -> dict[str, bytes]:
    """Write the data that endorsers see and the ledger does not keep."""
    return {key: to_argument_bytes(value) for key, value in transient.items()} if transient else {}


def _to_value(argument: object) -> WritableValue:
    """Replace model values inside lists by their plain form."""
    if isinstance(argument, list | tuple):
        return [one.to_value() if hasattr(one, "to_value") else one for one in argument]
    return argument  # type: ignore[return-value]  # canonical_bytes checks the rest
