"""Labels: QR codes that stick to devices and carry their identifiers as URLs of the resolver.

    label = Label(identifier=DeviceIdentifier.parse("88.1042.1/R27"), resolver="https://id.example")
    label.png(), label.svg()                # images
    label_sheet([label, …])                 # a page to print
    read_label(image, resolver="https://id.example", root=SystemIdentifier("88.1042"))

A code holds nothing but the URL of `gridledger.model.identifier`. Whoever reads one opens no address: the
identifier is taken out and asked for on the ledger. A code can be stuck over another by anybody, so what is
read is an image and a text of a stranger: `gridledger.exchange.label_image` bounds the one, and `Label.parse`
lets only URLs of the expected resolver and identifiers below the expected root through.

Source: CN112508707B, [0070] (the manufacturer puts the identifier on the device), [0085] (it is scanned).
"""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from gridledger.exchange.errors import LabelForeign, LabelUnreadable
from gridledger.exchange.label_image import read_codes
from gridledger.model.errors import ModelError
from gridledger.model.identifier import Identifier, SystemIdentifier, parse_identifier_url

__all__ = ["MAX_URL_BYTES", "Label", "label_sheet", "read_label"]

MAX_URL_BYTES: Final = 800
"""The longest origin (268) with the longest field identifier (513) and two slashes stay below."""

_MARGIN: Final = 4
"""Modules of quiet zone; ISO/IEC 18004 wants four."""
_SCALE: Final = 8
"""Pixels a module of PNG images."""
_ERROR_CORRECTION: Final = "m"
"""A seventh of a code may be dirt; more where it fits without a larger one."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """The label of one identifier.

    Raises
    ------
    ModelError
        If `resolver` is no origin.
    """

    identifier: Identifier
    resolver: str
    """Origin of the server that answers for identifiers: `https://id.example`."""
    title: str = ""
    """What a person calls the device; stands on sheets and is not in the code."""

    def __post_init__(self) -> None:
        self.identifier.to_url(self.resolver)

    @property
    def url(self) -> str:
        """What the code holds."""
        return self.identifier.to_url(self.resolver)

    @classmethod
    def parse(cls, text: str, *, resolver: str, root: SystemIdentifier | None = None) -> Self:
        """Read what a code holds.

        Parameters
        ----------
        text : str
            A stranger's text.
        resolver : str
            The only origin that is accepted.
        root : SystemIdentifier, optional
            Root of the exchange; identifiers of other roots are refused. Any by default.

        Raises
        ------
        LabelForeign
            The text is no URL of an identifier, or one of another resolver or root.

        Examples
        --------
        >>> url = "https://id.example/88.1042.1/R27"
        >>> str(Label.parse(url, resolver="https://id.example").identifier)
        '88.1042.1/R27'
        """
        if len(text) > MAX_URL_BYTES:
            raise LabelForeign(f"the code holds more than {MAX_URL_BYTES} bytes", text=text[:MAX_URL_BYTES])
        try:
            origin, identifier = parse_identifier_url(text)
        except ModelError as error:
            raise LabelForeign("the code holds no identifier", text=text) from error
        if origin != resolver:
            raise LabelForeign(f"the code is not of {resolver}", text=text)
        system = identifier if isinstance(identifier, SystemIdentifier) else identifier.system
        if root is not None and system != root and not system.is_below(root):
            raise LabelForeign(f"the code's identifier does not stand below {root}", text=text)
        return cls(identifier=identifier, resolver=origin)

    def png(self, *, scale: int = _SCALE) -> bytes:
        """Draw the code as a PNG image, black on white; `scale` is in pixels a module."""
        return self._drawn("png", scale=scale)

    def svg(self) -> str:
        """Draw the code as an SVG image with the identifier as its title; a unit a module."""
        return self._drawn("svg", title=str(self.identifier), xmldecl=False, omitsize=True).decode("utf-8")

    def _drawn(self, kind: str, **options: object) -> bytes:
        import segno  # an extra: identifiers are read and written without it

        code = segno.make_qr(self.url, error=_ERROR_CORRECTION, mode="byte")
        drawn = io.BytesIO()
        code.save(drawn, kind=kind, border=_MARGIN, light="white", **options)
        return drawn.getvalue()


def read_label(image: bytes | Path, *, resolver: str, root: SystemIdentifier | None = None) -> Label:
    """Read the label in an image, such as a photograph.

    Parameters
    ----------
    image : bytes or Path
        PNG or JPEG; see `gridledger.exchange.label_image` for its limits.
    resolver, root
        See `Label.parse`.

    Raises
    ------
    LabelUnreadable
        The image is none, is too large, or has no QR code or several different ones.
    LabelForeign
        See `Label.parse`.
    ConfigError
        The extra `scan` is not installed, or the file cannot be read.
    """
    codes = read_codes(image)
    if len(codes) != 1:
        raise LabelUnreadable(f"the image has {len(codes) or 'no'} QR codes, want one", codes=len(codes))
    try:
        text = codes[0].decode("ascii")
    except UnicodeDecodeError as error:
        raise LabelForeign("the code holds no identifier", text=ascii(codes[0])[:MAX_URL_BYTES]) from error
    return Label.parse(text, resolver=resolver, root=root)


def label_sheet(labels: Sequence[Label], *, columns: int = 4, heading: str = "") -> str:
    """Lay labels out on a page to print: HTML with a drawing for each, its title and its identifier below.

    Parameters
    ----------
    labels : sequence of Label
    columns : int, default 4
        Labels a row of A4 paper; 1 to 12.
    heading : str, optional
        The page's title, which is not printed.

    Raises
    ------
    ModelError
        `columns` is out of its range.

    Notes
    -----
    Nothing is loaded from elsewhere and nothing runs in it; a label is never cut by the end of a page.
    """
    if not 1 <= columns <= 12:
        raise ModelError({"columns": "want 1 to 12"}, subject="sheet of labels")
    figures = "\n".join(_figure(label) for label in labels)
    return _PAGE.format(heading=html.escape(heading or "Labels"), columns=columns, figures=figures)


_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{heading}</title>
<style>
@page {{ size: A4; margin: 10mm }}
body {{ margin: 0; display: grid; grid-template-columns: repeat({columns}, 1fr); gap: 4mm }}
figure {{ margin: 0; padding: 2mm; border: 0.2mm dashed #999; text-align: center; break-inside: avoid }}
figure svg {{ width: 100%; height: auto; shape-rendering: crispEdges }}
figcaption {{ font: 8pt/1.2 sans-serif; overflow-wrap: anywhere }}
figcaption code {{ font: 7pt/1.2 monospace }}
</style>
</head>
<body>
{figures}
</body>
</html>
"""


def _figure(label: Label) -> str:
    title = f"{html.escape(label.title)}<br>" if label.title else ""
    caption = f"<figcaption>{title}<code>{html.escape(str(label.identifier))}</code></figcaption>"
    return f"<figure>{label.svg()}{caption}</figure>"
