"""Labels: every identifier survives label, image, text; hostile images and codes are refused by code."""

from __future__ import annotations

import io
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gridledger.exchange.errors import LabelForeign, LabelUnreadable
from gridledger.exchange.label import MAX_URL_BYTES, Label, label_sheet, read_label
from gridledger.exchange.label_image import MAX_IMAGE_BYTES, read_codes
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier

RESOLVER = "https://id.example"
ROOT = SystemIdentifier("88.1042")
DEVICE = DeviceIdentifier.parse("88.1042.1/2050.15.003.BLK01.PAD01.MTR01")

systems = st.from_regex(r"88\.1042(\.[0-9A-Z]{1,5}){1,3}", fullmatch=True).map(SystemIdentifier)
own_codes = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\U0010ffff"), min_size=1, max_size=32
).filter(lambda code: code not in (".", ".."))
devices = st.builds(DeviceIdentifier, systems, own_codes)
fields = st.builds(FieldIdentifier, devices, st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", fullmatch=True))


def code_of(content: str | bytes) -> bytes:
    drawn = io.BytesIO()
    segno.make_qr(content, mode="byte").save(drawn, kind="png", scale=4)
    return drawn.getvalue()


def rastered(svg: str, scale: int = 4) -> bytes:
    """Draw the one path of an SVG code, which is made of relative horizontal strokes, as a PNG image."""
    view = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    strokes = re.search(r'stroke="#000" d="([^"]*)"', svg) or re.search(r'd="([^"]*)" stroke="#000"', svg)
    assert view
    assert strokes
    image = Image.new("L", (int(view[1]), int(view[2])), 255)
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", strokes[1]):
        values = [float(number) for number in re.findall(r"-?[0-9.]+", numbers)]
        if command == "h":
            image.paste(0, (int(x), int(y), int(x + values[0]), int(y) + 1))
            x += values[0]
        elif command == "m":
            x, y = x + values[0], y + values[1]
        else:
            x, y = values
    drawn = io.BytesIO()
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(drawn, "PNG")
    return drawn.getvalue()


@given(st.one_of(systems, devices, fields))
@settings(max_examples=60, deadline=None)
def test_read_label_every_identifier_survives_image_and_text(
    identifier: SystemIdentifier | DeviceIdentifier | FieldIdentifier,
) -> None:
    label = Label(identifier=identifier, resolver=RESOLVER)

    assert read_label(label.png(), resolver=RESOLVER, root=ROOT) == label
    assert read_label(rastered(label.svg()), resolver=RESOLVER, root=ROOT) == label


def test_read_label_longest_field_identifier_is_read() -> None:
    system = SystemIdentifier(f"88.1042.{'A' * 16}.{'B' * 16}.{'C' * 16}")
    field = system.device("\x01" * 128).field("f" * 64)
    resolver = f"https://{'r' * 250}.ex:65535"
    label = Label(identifier=field, resolver=resolver)

    assert len(label.url) <= MAX_URL_BYTES
    assert read_label(label.png(), resolver=resolver, root=ROOT).identifier == field


def test_read_label_turned_scaled_and_dirty_photograph_is_read(tmp_path: Path) -> None:
    code = Image.open(io.BytesIO(Label(identifier=DEVICE, resolver=RESOLVER).png())).convert("L")
    code.paste(
        128, (code.width // 2 - 12, code.height // 2 - 12, code.width // 2 + 12, code.height // 2 + 12)
    )
    photograph = Image.new("L", (900, 700), 200)
    photograph.paste(code.rotate(17, expand=True, fillcolor=255), (200, 120))
    path = tmp_path / "photograph.jpg"
    photograph.save(path, quality=60)

    assert read_label(path, resolver=RESOLVER, root=ROOT).identifier == DEVICE


@pytest.mark.parametrize(
    "text",
    [
        "https://id.example.evil.example/88.1042.1/R27",
        "https://evil.example/88.1042.1/R27",
        "http://id.example/88.1042.1/R27",
        "https://id.example@evil.example/88.1042.1/R27",
        "https://id.example:443/88.1042.1/R27",
        "https://id.example/88.1042.1/R27?next=https://evil.example",
        "https://id.example/88.1042.1/R27#ac_power",
        "https://id.example/88.1042.1/../88.666.1/R27",
        "https://id.example/88.1042.1/r%2f27",
        "https://id.example/88.666.1/R27",
        "https://id.example/88.10422.1/R27",
        "javascript:alert(1)",
        "WIFI:S:free;T:nopass;;",
        "'; DROP TABLE device; --",
        "88.1042.1/R27",
        "https://id.example/",
        "https://id.example/" + "A" * 2000,
    ],
)
def test_read_label_foreign_code_is_refused(text: str) -> None:
    with pytest.raises(LabelForeign) as refused:
        read_label(code_of(text), resolver=RESOLVER, root=ROOT)

    assert (refused.value.code, refused.value.exit_code) == ("GL-SRV-039", 79)
    assert len(str(refused.value.fields["text"])) <= MAX_URL_BYTES


def test_read_label_code_of_binary_data_is_refused() -> None:
    with pytest.raises(LabelForeign, match="no identifier"):
        read_label(code_of(bytes(range(128, 256))), resolver=RESOLVER)


def test_read_label_other_root_is_read_where_none_is_asked_for() -> None:
    label = Label(identifier=DeviceIdentifier.parse("99.7/x"), resolver=RESOLVER)

    assert read_label(label.png(), resolver=RESOLVER) == label
    with pytest.raises(LabelForeign, match=r"does not stand below 88\.1042"):
        read_label(label.png(), resolver=RESOLVER, root=ROOT)


def test_read_label_root_itself_is_below_no_other() -> None:
    label = Label(identifier=ROOT, resolver=RESOLVER)

    assert read_label(label.png(), resolver=RESOLVER, root=ROOT) == label


def test_read_label_image_without_code_is_refused() -> None:
    drawn = io.BytesIO()
    Image.new("L", (300, 300), 255).save(drawn, "PNG")
    with pytest.raises(LabelUnreadable, match="no QR codes"):
        read_label(drawn.getvalue(), resolver=RESOLVER)


def test_read_label_two_different_codes_are_refused_and_two_equal_ones_read() -> None:
    def beside(one: bytes, other: bytes) -> bytes:
        left, right = (Image.open(io.BytesIO(data)).convert("L") for data in (one, other))
        image = Image.new("L", (left.width + right.width + 40, max(left.height, right.height)), 255)
        image.paste(left, (0, 0))
        image.paste(right, (left.width + 40, 0))
        drawn = io.BytesIO()
        image.save(drawn, "PNG")
        return drawn.getvalue()

    ours = Label(identifier=DEVICE, resolver=RESOLVER)

    with pytest.raises(LabelUnreadable, match="has 2 QR codes"):
        read_label(beside(ours.png(), code_of("https://evil.example")), resolver=RESOLVER)
    assert read_label(beside(ours.png(), ours.png()), resolver=RESOLVER) == ours


def bomb(width: int, height: int) -> bytes:
    """Make a PNG file of a few bytes that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


@pytest.mark.parametrize("side", [8_100, 10_000, 40_000])
def test_read_codes_image_that_unpacks_to_too_much_is_refused(side: int) -> None:
    with pytest.raises(LabelUnreadable, match="pixels"):
        read_codes(bomb(side, side))


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", bomb(100, 100), b"<svg/>", b"\0" * (MAX_IMAGE_BYTES + 1)],
    ids=["empty", "gif", "head", "cut", "svg", "large"],
)
def test_read_codes_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(LabelUnreadable):
        read_codes(data)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_read_label_damaged_images_give_coded_errors(data: st.DataObject) -> None:
    image = bytearray(Label(identifier=DEVICE, resolver=RESOLVER).png())
    for place in data.draw(st.lists(st.integers(0, len(image) - 1), max_size=8)):
        image[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(image)))
    try:
        label = read_label(bytes(image[:cut]), resolver=RESOLVER, root=ROOT)
    except (LabelUnreadable, LabelForeign):
        return
    assert label.identifier == DEVICE


def test_read_codes_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_codes(tmp_path / "none.png")


def test_label_with_a_resolver_that_is_no_origin_is_refused() -> None:
    with pytest.raises(ModelError, match="resolver"):
        Label(identifier=DEVICE, resolver="https://id.example/path")


class Page(HTMLParser):
    """Counts drawings, and keeps captions and what would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.drawings = 0
        self.captions: list[str] = []
        self.others: list[str] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.drawings += tag == "svg"
        self._in_code = tag == "code"
        if tag == "code":
            self.captions.append("")
        if tag in {"script", "img", "link", "b", "iframe"}:
            self.others.append(tag)

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.captions[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_code = False


def test_label_sheet_has_every_label_with_its_identifier_and_runs_nothing() -> None:
    codes = ["R27", "<b>&'7\"", "泵 7", "$(rm)"]
    labels = [
        Label(identifier=ROOT.child(1).device(code), resolver=RESOLVER, title=f"<script>{code}</script>")
        for code in codes
    ]
    page = Page()

    text = label_sheet(labels, columns=3, heading="</title><script>")
    page.feed(text)

    assert page.drawings == len(codes)
    assert page.captions == [str(label.identifier) for label in labels]
    assert page.others == []
    assert "repeat(3, 1fr)" in text
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert [read_label(rastered(one), resolver=RESOLVER) for one in drawings] == [
        Label(identifier=label.identifier, resolver=RESOLVER) for label in labels
    ]


@pytest.mark.parametrize("columns", [0, 13])
def test_label_sheet_of_too_few_or_too_many_columns_is_refused(columns: int) -> None:
    with pytest.raises(ModelError, match="columns"):
        label_sheet([], columns=columns)
