"""Images of labels: what QR codes an image has, read from bytes of a stranger.

An image is at most 20 MiB and 64 million pixels, and is looked at before it is unpacked: a small file that
unpacks to gigabytes is refused by its header. PNG and JPEG are read, no other format.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Final

from gridledger.exchange.errors import LabelUnreadable
from gridledger.model.errors import ConfigError

__all__ = ["MAX_IMAGE_BYTES", "MAX_IMAGE_PIXELS", "read_codes"]

MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
MAX_IMAGE_PIXELS: Final = 64_000_000
"""More than telephones' cameras give by default."""

_FORMATS: Final = ("PNG", "JPEG")


def read_codes(image: bytes | Path) -> list[bytes]:
    """Read the QR codes of an image.

    Returns
    -------
    list of bytes
        What they hold, each content once.

    Raises
    ------
    LabelUnreadable
        The bytes are no image of these formats, or it is too large.
    ConfigError
        The extra `scan` is not installed, or the file cannot be read.
    """
    data = _read(image) if isinstance(image, Path) else image
    if len(data) > MAX_IMAGE_BYTES:
        raise LabelUnreadable(f"the image has more than {MAX_IMAGE_BYTES} bytes", bytes=len(data))
    try:
        import zxingcpp
        from PIL import Image
    except ImportError as error:
        raise ConfigError(
            "is not installed: pip install 'gridledger[scan]'", key="scan", source="extra"
        ) from error
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_IMAGE_PIXELS:
                raise LabelUnreadable(
                    f"the image has more than {MAX_IMAGE_PIXELS} pixels", width=width, height=height
                )
            pixels = opened.convert("L")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LabelUnreadable(f"the image has more than {MAX_IMAGE_PIXELS} pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error) as error:
        raise LabelUnreadable("the file is no PNG or JPEG image") from error
    found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return list(dict.fromkeys(bytes(code.bytes) for code in found if code.valid))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error}", key="image", source=str(path)) from error
