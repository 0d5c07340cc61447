"""Tables of decimal numbers, from text to float64 in bulk.

Most numbers in motion files are short ("-12.345", "5.107e-06"). The last sixteen characters of each are taken as two
words of eight bytes, the point is closed up, and the digits are added up within the words, for all numbers of a text at
once; the few that do not fit are left to Python. Every number is the float64 nearest to the text, as `float` has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]

_DIGITS = 15  # that many decimal digits are exact in a float64 ...
_POWERS = 10.0 ** np.arange(23)  # ... and so are these: one division or product of both is rounded once, hence right
_WIDE = 16  # characters in two words
_NO_POINT = _WIDE  # in place of how many decimals there are
_PIECE = 1 << 16  # bytes turned at once: what is made of them stays in the cache
_BLANKS = tuple(b" \t\n\r")


def _words(*values: int) -> U64:
    return np.array(values, np.uint64)


def _last(count: int) -> int:
    """A word of which the last `count` characters are taken: little-endian, they are its highest bytes."""
    return ~0 << 8 * (8 - min(max(count, 0), 8)) & (1 << 64) - 1


def _first(count: int) -> int:
    return (1 << 8 * min(max(count, 0), 8)) - 1


# By the number of characters: what of the two words is the number's.
_OWN_LOW = _words(*(_last(count) for count in range(_WIDE + 1)))
_OWN_HIGH = _words(*(_last(count - 8) for count in range(_WIDE + 1)))
# By the number of decimals: what stays where it is, for it stands behind the point, and what moves up one character.
_STAY_LOW = _words(*(_last(count) for count in range(_WIDE)), _last(8))
_MOVE_LOW = _words(*(_first(7 - count) for count in range(_WIDE)), 0)
_STAY_HIGH = _words(*(_last(count - 8) for count in range(_WIDE)), _last(8))
_MOVE_HIGH = _words(*(_first(15 - count) for count in range(_WIDE)), 0)
_CARRY = _words(*(0xFF * (count < 8) for count in range(_WIDE)), 0)  # out of the higher word into the lower
_ZEROS, _ABOVE_NINE, _TOP_BITS = _words(0x3030303030303030, 0x7676767676767676, 0x8080808080808080)
_ADD_UP = (  # pairs of digits, then pairs of pairs, then both halves: (weight, bits, mask)
    _words(10, 8, 0x00FF00FF00FF00FF),
    _words(100, 16, 0x0000FFFF0000FFFF),
    _words(10_000, 32, 0x00000000FFFFFFFF),
)


def table(text: bytes, width: int) -> F64 | None:
    """Rows of `width` finite numbers (rows, width), blank lines left out; None where the text is anything else."""
    values = lines(text, (width,))
    return None if values is None else values.reshape(-1, width)


def lines(text: bytes, widths: Sequence[int]) -> F64 | None:
    """All numbers (N,) of lines that hold `widths` numbers in turn, again and again, blank lines left out; None where
    the text is anything else."""
    parts: list[F64] = []
    start, done = 0, 0  # of the text, and of the lines that hold numbers
    while start < len(text):  # in pieces that fit into a processor's cache
        stop = text.rfind(b"\n", start, start + _PIECE) + 1 or text.find(b"\n", start) + 1
        if stop == 0 or len(text) - stop < _PIECE // 8:
            stop = len(text)
        piece = _piece(text[start:stop], widths, done)
        if piece is None:
            return None
        parts.append(piece[0])
        start, done = stop, done + piece[1]
    return np.concatenate(parts) if done and done % len(widths) == 0 else None


def _piece(text: bytes, widths: Sequence[int], before: int) -> tuple[F64, int] | None:
    """The numbers of a few lines and how many lines hold any; `before` such lines went ahead."""
    codes = np.frombuffer(b" " * _WIDE + text + b" ", np.uint8)  # words may begin before the text does
    blank = codes <= 32
    if np.count_nonzero(blank) != sum(np.count_nonzero(codes == sign) for sign in _BLANKS) or b"_" in text:
        return None  # control characters, and what Python takes for a number but no motion file means as one
    edges = np.flatnonzero(np.diff(blank, prepend=True, append=True))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return np.empty(0), 0
    counts = np.diff(np.searchsorted(starts, np.flatnonzero(codes == ord("\n"))), prepend=0, append=len(starts))
    counts = counts[counts > 0]
    if (counts != np.resize(np.roll(widths, -before % len(widths)), len(counts))).any():
        return None
    values = _decimals(codes, starts, ends)
    try:
        for i in np.flatnonzero(np.isnan(values)):
            values[i] = float(text[starts[i] - _WIDE : ends[i] - _WIDE])
    except ValueError:
        return None
    return (values, len(counts)) if np.isfinite(values).all() else None


def _decimals(codes: U8, starts: I64, ends: I64) -> F64:
    """The numbers from `starts` to `ends`; NaN for those that are none, or that Python has to turn."""
    minus = codes[starts] == ord("-")
    starts = starts + minus
    stops = ends.copy()  # of the digits before an exponent
    marks = np.flatnonzero((codes | 32) == ord("e"))
    scaled = np.searchsorted(starts, marks, side="right") - 1
    stops[scaled] = marks
    points = np.flatnonzero(codes == ord("."))
    owners = np.searchsorted(starts, points, side="right") - 1
    decimals = np.full(len(starts), _NO_POINT)
    behind = stops[owners] - 1 - points
    decimals[owners] = np.where(behind >= 0, np.minimum(behind, _NO_POINT), _NO_POINT)
    values = _wholes(codes, starts, stops, decimals)
    shift = np.where(decimals < _NO_POINT, decimals, 0)
    if len(marks):
        signed = (codes[marks + 1] == ord("-")) | (codes[marks + 1] == ord("+"))
        power = _wholes(codes, marks + 1 + signed, ends[scaled], np.full(len(marks), _NO_POINT))
        values[scaled[~(power < 1000)]] = np.nan
        power = np.nan_to_num(power).clip(0, 1000).astype(np.int64)
        shift[scaled] += np.where(codes[marks + 1] == ord("-"), power, -power)
        values[np.abs(shift) >= len(_POWERS)] = np.nan
        ten = _POWERS[np.minimum(np.abs(shift), len(_POWERS) - 1)]
        values = np.where(shift >= 0, values / ten, values * ten)
    else:
        values /= _POWERS[shift]
    return np.where(minus, -values, values)


def _wholes(codes: U8, starts: I64, stops: I64, decimals: I64) -> F64:
    """The digits from `starts` to `stops` as whole numbers, the point left out; NaN where anything else stands there,
    and where the digits are too many."""
    length = stops - starts
    digits = length - (decimals < _NO_POINT)
    words = np.ndarray((len(codes) - 7,), "<u8", codes, strides=(1,))
    low = (words[stops - 8] ^ _ZEROS) & _OWN_LOW[np.minimum(length, _WIDE)]
    low = (low & _STAY_LOW[decimals]) | (low & _MOVE_LOW[decimals]) << np.uint64(8)
    wrong = (digits < 1) | (digits > _DIGITS)
    far = np.flatnonzero(length > 8)
    if len(far):
        high = (words[stops[far] - _WIDE] ^ _ZEROS) & _OWN_HIGH[np.minimum(length[far], _WIDE)]
        count = decimals[far]
        low[far] |= high >> np.uint64(56) & _CARRY[count]
        high = (high & _STAY_HIGH[count]) | (high & _MOVE_HIGH[count]) << np.uint64(8)
        wrong[far] |= _strange(high)
        values = _sum(low)
        values[far] += _sum(high) * 1e8
    else:
        values = _sum(low)
    values[wrong | _strange(low)] = np.nan
    return values


def _strange(word: U64) -> NDArray[np.bool_]:
    """Whether any of eight bytes is no digit."""
    return ((word + _ABOVE_NINE | word) & _TOP_BITS) != 0


def _sum(word: U64) -> F64:
    """The number whose eight digits are the bytes of a word."""
    for weight, bits, mask in _ADD_UP:
        word = word * weight + (word >> bits) & mask
    return word.astype(np.float64)
