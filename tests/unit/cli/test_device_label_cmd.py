"""Labels by command, those that need no network."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.exchange.label import Label
from gridledger.model.identifier import DeviceIdentifier

RESOLVER = ("--resolver", "https://id.example")
DEVICE = "88.1042.1/A%2F7"


def call(*words: object) -> tuple[int, Any]:
    results, errors = io.StringIO(), io.StringIO()
    code = run([*map(str, words), "--json"], Output(stream=results, errors=errors))
    return code, json.loads(results.getvalue() or errors.getvalue())


def test_label_is_written_and_read_back(tmp_path: Path) -> None:
    out = tmp_path / "label.png"

    code, written = call("device", "label", DEVICE, *RESOLVER, "--out", out)
    assert (code, written["url"]) == (0, f"https://id.example/{DEVICE}")

    assert call("device", "read-label", out, *RESOLVER, "--root", "88.1042") == (
        0,
        {"identifier": DEVICE, "url": f"https://id.example/{DEVICE}"},
    )


def test_label_is_written_as_svg(tmp_path: Path) -> None:
    out = tmp_path / "label.svg"

    assert call("device", "label", DEVICE, *RESOLVER, "--out", out)[0] == 0

    label = Label(identifier=DeviceIdentifier.parse(DEVICE), resolver=RESOLVER[1])
    assert out.read_text() == label.svg()


def test_label_of_another_format_is_refused(tmp_path: Path) -> None:
    code, error = call("device", "label", DEVICE, *RESOLVER, "--out", tmp_path / "label.pdf")

    assert (code, error["error"]["code"]) == (3, "GL-CFG-001")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [("--resolver", "https://other.example"), (*RESOLVER, "--root", "88.7")],
    ids=["resolver", "root"],
)
def test_read_label_of_a_foreign_label_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "label.png"
    call("device", "label", DEVICE, *RESOLVER, "--out", out)

    code, error = call("device", "read-label", out, *words)

    assert (code, error["error"]["code"]) == (79, "GL-SRV-039")


def test_read_label_of_no_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "label.png"
    path.write_text("no image")

    code, error = call("device", "read-label", path, *RESOLVER)

    assert (code, error["error"]["code"]) == (79, "GL-SRV-038")
