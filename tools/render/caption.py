"""Words on pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tools.render.raster import U8

INK, FAINT, PAPER = (38, 42, 48), (112, 118, 126), (250, 250, 249)
LEFT_INK, RIGHT_INK = (74, 108, 158), (188, 108, 52)


def write(picture: U8, text: str, x: int, y: int, size: int, colour: tuple[int, int, int] = INK) -> int:
    """Writes one line with its top left corner at x, y, in place; returns where it ends."""
    font = ImageFont.load_default(size)
    right = x + int(np.ceil(font.getlength(text)))
    strip = picture[y : y + round(size * 1.4), x : right + 2]
    if strip.size:
        image = Image.fromarray(strip)
        ImageDraw.Draw(image).text((0, 0), text, fill=colour, font=font)
        strip[:] = np.asarray(image)
    return right


def title(width: int, text: str, summary: str) -> U8:
    """A strip (44, width, 3) that names a picture, says what is in it, and which colour is which side."""
    strip = np.full((44, width, 3), PAPER, np.uint8)
    write(strip, _fitting(text, width - 24, 17), 12, 4, 17)
    end = write(strip, f"{summary} · ", 12, 25, 12, FAINT)
    end = write(strip, "left is blue", end, 25, 12, LEFT_INK)
    end = write(strip, ", ", end, 25, 12, FAINT)
    write(strip, "right is orange", end, 25, 12, RIGHT_INK)
    return strip


def _fitting(text: str, width: int, size: int) -> str:
    font = ImageFont.load_default(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."
