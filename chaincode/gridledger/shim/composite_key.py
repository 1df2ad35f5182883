"""Simple and composite keys, by the rules of the official shims."""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.errors import ModelError

__all__ = [
    "COMPOSITE_NAMESPACE",
    "FIRST_SIMPLE_KEY",
    "MAX_CODE_POINT",
    "check_key",
    "check_simple_key",
    "composite_range",
    "create_composite_key",
    "split_composite_key",
]

COMPOSITE_NAMESPACE = "\x00"
FIRST_SIMPLE_KEY = "\x01"
MAX_CODE_POINT = "\U0010ffff"


def check_key(key: str, field: str = "key") -> str:
    """Return `key` if a peer can store it.

    Raises
    ------
    ModelError
        If it is empty or has no UTF-8 form.
    """
    if key and (key.isascii() or _has_utf8(key)):
        return key
    problem = "has no UTF-8 form" if key else "must not be empty"
    raise ModelError({field: problem}, subject="key")


def check_simple_key(key: str, field: str = "key") -> str:
    """Return `key`, a bound of a range of simple keys, which may be empty.

    Raises
    ------
    ModelError
        If it begins with U+0000, where composite keys live, or has no UTF-8 form.
    """
    if key.startswith(COMPOSITE_NAMESPACE):
        raise ModelError({field: "begins with U+0000, which marks composite keys"}, subject="key")
    return check_key(key, field) if key else key


def create_composite_key(object_type: str, attributes: Iterable[str]) -> str:
    """Join an object type and attributes to one key.

    Parameters
    ----------
    object_type : str
        The kind of thing; partial keys must name it.
    attributes : iterable of str
        From the most to the least significant.

    Returns
    -------
    str
        U+0000, then each part followed by U+0000: the same bytes as from the official shims.

    Raises
    ------
    ModelError
        If a part holds U+0000 or U+10FFFF or has no UTF-8 form; all such parts are named.

    Examples
    --------
    >>> create_composite_key("device", ["88.1042.17", "MTR01"])
    '\\x00device\\x0088.1042.17\\x00MTR01\\x00'
    """
    parts = [object_type, *attributes]
    joined = COMPOSITE_NAMESPACE.join(parts)
    if joined.isascii() and joined.count(COMPOSITE_NAMESPACE) == len(parts) - 1:
        return f"{COMPOSITE_NAMESPACE}{joined}{COMPOSITE_NAMESPACE}"  # Most are: a batch has thousands.
    problems: dict[str, str] = {}
    for index, part in enumerate(parts):
        field = f"attributes[{index - 1}]" if index else "object_type"
        if COMPOSITE_NAMESPACE in part or MAX_CODE_POINT in part:
            problems[field] = "U+0000 and U+10FFFF are not allowed in a composite key"
        elif not part.isascii() and not _has_utf8(part):
            problems[field] = "has no UTF-8 form"
    if problems:
        raise ModelError(problems, subject="composite key")
    return f"{COMPOSITE_NAMESPACE}{joined}{COMPOSITE_NAMESPACE}"


def split_composite_key(key: str) -> tuple[str, list[str]]:
    """Take a composite key apart; the inverse of `create_composite_key`.

    Raises
    ------
    ModelError
        If it is not a composite key.

    Examples
    --------
    >>> split_composite_key(create_composite_key("device", ["88.1042.17", "MTR01"]))
    ('device', ['88.1042.17', 'MTR01'])
    """
    if len(key) < 2 or key[0] != COMPOSITE_NAMESPACE or key[-1] != COMPOSITE_NAMESPACE:
        raise ModelError({"key": "is not a composite key"}, subject="composite key")
    object_type, *attributes = key[1:-1].split(COMPOSITE_NAMESPACE)
    return object_type, attributes


def composite_range(object_type: str, attributes: Iterable[str]) -> tuple[str, str]:
    """Return the start (in) and end (out) of all keys that begin with these parts."""
    start = create_composite_key(object_type, attributes)
    return start, start + MAX_CODE_POINT


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
