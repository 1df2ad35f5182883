"""Envelopes that are almost right: bytes or parts of a message changed at random."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from gridledger.crypto.cryptonote.scalar import ORDER

__all__ = ["fuzz"]

_ODD_NUMBERS = (-1, 0, 1, 255, 256, 2**31, 2**53, 2**64)
_ODD_BYTES = tuple(
    number.to_bytes(32, "little")
    for number in (0, 1, 2, 8, ORDER - 1, ORDER, ORDER + 1, 2**255 - 19, 2**255 - 1, 2**255 + 1, 2**256 - 1)
)
"""As points: the identity, points of small order, encodings that are none; as scalars: about the order."""
_ODD_VALUES = (None, True, "", "88.1042.1", [], {}, "0" * 64, "é")
_ROUNDS = 100
_WORD = 32
"""Bytes of a point and of a scalar."""
_HEXADECIMAL = re.compile(r"[0-9a-f]+")


def fuzz(message: bytes, chance: random.Random) -> bytes:
    """Return another message than the given one, which is JSON."""
    for _ in range(_ROUNDS):
        changed = chance.choice((_change_bytes, _change_parts, _change_values, _change_values))(
            message, chance
        )
        if changed != message:
            return changed
    raise AssertionError("a hundred changes changed nothing")


def _change_bytes(message: bytes, chance: random.Random) -> bytes:
    changed = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + chance.randint(1, 8)]
            case 3:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                other = chance.randrange(len(changed))
                changed[at], changed[other] = changed[other], changed[at]
        changed = changed or bytearray(b" ")
    return bytes(changed)


def _change_parts(message: bytes, chance: random.Random) -> bytes:
    root = [json.loads(message)]
    for _ in range(chance.randint(1, 2)):
        places = list(_places(root))
        holder, key = chance.choice(places)
        value = holder[key]
        match chance.randrange(8):
            case 0:
                holder[key] = deepcopy(chance.choice(_ODD_VALUES))
            case 1 if isinstance(holder, dict):
                del holder[key]
            case 2 if isinstance(holder, dict):
                holder[chance.choice(("more", "schema", "é"))] = deepcopy(value)
            case 3:
                other, name = chance.choice(places)
                holder[key], other[name] = deepcopy(other[name]), deepcopy(value)
            case _:
                holder[key] = _changed(value, chance)
    return json.dumps(root[0], separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def _change_values(message: bytes, chance: random.Random) -> bytes:
    """Change points, scalars and bodies alone, so that the message keeps its form and is looked at whole."""
    root = [json.loads(message)]
    places = [(holder, key) for holder, key in _places(root) if len(_raw(holder[key])) >= _WORD]
    for _ in range(chance.randint(1, 2)):
        holder, key = chance.choice(places)
        holder[key] = _change_raw(_raw(holder[key]), chance)
    return json.dumps(root[0], separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def _places(holder: Any) -> list[tuple[Any, Any]]:
    """Return where a value stands, for every value in a tree."""
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    found = [(holder, key) for key in keys]
    for key in keys:
        if isinstance(holder[key], dict | list):
            found += _places(holder[key])
    return found


def _changed(value: Any, chance: random.Random) -> Any:
    kinds: dict[type, Callable[[Any, random.Random], Any]] = {
        int: _change_number,
        str: _change_text,
        list: _change_list,
    }
    change = kinds.get(type(value))
    return chance.choice(_ODD_VALUES) if change is None else change(value, chance)


def _change_number(value: int, chance: random.Random) -> int:
    return chance.choice((*_ODD_NUMBERS, value + 1, value - 1, chance.randrange(1000)))


def _change_list(value: list[Any], chance: random.Random) -> list[Any]:
    match chance.randrange(4):
        case 0:
            return chance.sample(value, len(value))
        case 1:
            return [*value, *value[:1]]
        case 2:
            return value[1:]
        case _:
            return [_changed(one, chance) for one in value]


def _change_text(value: str, chance: random.Random) -> str:
    raw = _raw(value)
    if len(raw) < _WORD or chance.random() < 0.2:
        return chance.choice((value.upper(), value[:-1], value + "0", value[::-1], f" {value}"))
    return _change_raw(raw, chance)


def _change_raw(given: bytes, chance: random.Random) -> str:
    raw = bytearray(given)
    at = chance.randrange(len(raw) // _WORD) * _WORD
    match chance.randrange(4):
        case 0:
            raw[at : at + _WORD] = chance.choice(_ODD_BYTES)
        case 1:
            more = int.from_bytes(raw[at : at + _WORD], "little") + ORDER
            raw[at : at + _WORD] = (more % 2**256).to_bytes(_WORD, "little")
        case 2:
            raw[at] ^= 1 << chance.randrange(8)
        case _:
            raw = raw[_WORD:] + raw[:_WORD] if len(raw) > _WORD else raw[::-1]
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(value: Any) -> bytes:
    """Return the bytes that a text stands for in base64; none for what is no such text, digests included."""
    if not isinstance(value, str) or _HEXADECIMAL.fullmatch(value):
        return b""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
