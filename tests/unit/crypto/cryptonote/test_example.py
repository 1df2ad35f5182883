"""The numbers and the code of docs/stealth-addresses.md."""

from __future__ import annotations

import re
from pathlib import Path

from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.keys import (
    derive_public_key,
    derive_view_tag,
    generate_key_derivation,
    generate_key_image,
    secret_key_to_public_key,
)
from gridledger.crypto.cryptonote.scalar import hash_to_scalar
from gridledger.crypto.cryptonote.stealth import OneTimeKey, SpendSecret, ViewSecret
from gridledger.crypto.secret_key import SecretKey

TEXT = (Path(__file__).parents[4] / "docs/stealth-addresses.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (\S+) \| .* \| `([0-9a-f]+)` \|$", TEXT, flags=re.MULTILINE))


def test_numbers_of_the_example_are_those_of_the_code() -> None:
    b, r = hash_to_scalar(b"device"), hash_to_scalar(b"sender")
    device = SpendSecret(SecretKey(b))
    a = device.view.reveal().reveal()
    spend_key, view_key = device.address.spend_key, device.address.view_key
    sender_key, derivation = secret_key_to_public_key(r), generate_key_derivation(view_key, r)
    one_time = derive_public_key(derivation, 0, spend_key)
    key = OneTimeKey(public_key=one_time, sender_key=sender_key, view_tag=derive_view_tag(derivation, 0))
    opened = device.open(key)
    x = opened.secret_key.reveal()
    assert {name: bytes.fromhex(value) for name, value in ROWS.items()} == {
        "b": b,
        "a": a,
        "B": spend_key,
        "A": view_key,
        "r": r,
        "R": sender_key,
        "D": derivation,
        "tag": key.view_tag,
        "P": one_time,
        "x": x,
        "Hp(P)": hash_to_ec(one_time),
        "I": generate_key_image(one_time, x),
        "seal": opened.sealing_key.reveal(),
    }
    assert f"    {device.address}\n" in TEXT
    assert ViewSecret(SecretKey(a), spend_key).owns(key)
    assert generate_key_derivation(sender_key, a) == derivation


def test_code_of_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(compile(code, "stealth-addresses.md", "exec"), {})  # noqa: S102 (our own document)
