"""What many rows say, laid end to end without names, quotes and escapes, by steps over whole arrays of bytes."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.core.data.rows import MAX_ROW_BYTES

# ASCII's own unit and record separators stand behind each value and behind each row.
VALUE, ROW = 0x1F, 0x1E
_CR, _QUOTE, _COLON, _SLASH = 13, 34, 58, 92
_BLANKS = 4  # so many may stand between a name and its colon
_PAD = b"\n" * 16
# What stands outside of strings: numbers, true and false are values, all else is structure.
_OUTSIDE = np.full(256, VALUE, dtype=np.uint8)
for _sign in b"+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
    _OUTSIDE[_sign] = _sign
# What a byte is part of; the one of values selects all bits.
_VALUE, _NAME = 255, 1
_UNESCAPED = np.zeros(256, dtype=np.uint8)
for _sign, _meant in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
    _UNESCAPED[_sign] = _meant
_HEX = np.full(256, 255, dtype=np.uint8)
for _sign in b"0123456789abcdefABCDEF":
    _HEX[_sign] = int(chr(_sign), 16)

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Laid(NamedTuple):
    """The values of rows.

    Attributes:
        text: UTF-8; of each row its values, a `VALUE` or several between them, and then one `ROW`. Numbers are as the
            file writes them.
        stops: where the `ROW` of each row is; rising, int64, (rows,).
        odd: which rows are written in a way that is too odd for this; nothing of them is in `text`. bool, (rows,)
    """

    text: bytes
    stops: Ints
    odd: Mask


def from_json(data: bytes, starts: Ints, ends: Ints) -> Laid:
    """Lays out the rows of JSONL that lie in `data` from `starts` to before `ends`, both rising."""
    array, ends, odd = _opened(data, starts, ends)
    odd |= array[starts] != ord("{")
    escapes = _escaping(np.flatnonzero(array == _SLASH)) if b"\\" in data else np.zeros(0, dtype=np.int64)
    quotes = np.flatnonzero(array == _QUOTE)
    if len(escapes):
        escaped = np.zeros(len(array), dtype=np.bool_)
        escaped[escapes + 1] = True
        quotes = quotes[~escaped[quotes]]
    opens, closes = _pairs(quotes, starts, ends, odd)
    behind = closes + 1
    for _ in range(_BLANKS):
        if not (blank := _blank(array[behind])).any():
            break
        behind += blank
    else:
        odd[_rows_of(closes[_blank(array[behind])], ends)] = True
    inside = _spread(np.where(array[behind] == _COLON, _NAME, _VALUE), opens, closes, len(array))
    # A string that can be read has nothing below a blank in it but escaped.
    text = array & inside
    np.maximum(text, VALUE, out=text)
    text[opens] = VALUE
    outside = np.flatnonzero(inside == 0)
    text[outside] = _outside(array[outside])
    keep = _unescape(array, text, escapes[inside[escapes] == _VALUE], ends, odd) if len(escapes) else None
    return _closed(text, keep, starts, ends, odd)


def from_csv(data: bytes, starts: Ints, ends: Ints, delimiter: str) -> Laid:
    """Lays out the rows of CSV that lie in `data` from `starts` to before `ends`, both rising."""
    array, ends, odd = _opened(data, starts, ends)
    ends = ends - ((array[ends - 1] == _CR) & (ends > starts))
    opens, closes = _pairs(np.flatnonzero(array == _QUOTE), starts, ends, odd)
    # A doubled quote closes and opens again.
    again, going = np.isin(opens - 1, closes), np.isin(closes + 1, opens)
    mark = ord(delimiter)
    first, last = np.zeros(len(array), dtype=np.bool_), np.zeros(len(array), dtype=np.bool_)
    first[starts], last[ends] = True, True
    begun = again | (array[opens - 1] == mark) | first[opens]
    ended = going | (array[closes + 1] == mark) | last[closes + 1]
    odd[_rows_of(opens[~(begun & ended)], ends)] = True
    inside = _spread(np.full(len(opens), _VALUE), opens, closes, len(array))
    # Between rows stand line breaks alone.
    outside = bytes.maketrans(delimiter.encode() + b"\r\n", bytes([VALUE] * 3))
    text = _either(inside, array, np.frombuffer((data + _PAD).translate(outside), dtype=np.uint8))
    text[opens[~again]], text[closes[~going]] = VALUE, VALUE
    keep = None
    if going.any():
        keep = np.ones(len(array), dtype=np.bool_)
        keep[closes[going]] = False
    return _closed(text, keep, starts, ends, odd)


def stops(text: bytes) -> Ints:
    """Returns where each row ends in the text of rows laid end to end."""
    return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ROW)


def rows_with(laid: Laid, needle: bytes, any_case: bool = False) -> Mask:
    """Returns in which rows of what was laid end to end the bytes stand within one value, as `spans_with` does."""
    if VALUE in needle or ROW in needle:
        return np.zeros(len(laid.stops), dtype=np.bool_)
    return spans_with(laid.text, needle, np.append(0, laid.stops[:-1] + 1), laid.stops, any_case)


def spans_with(data: bytes, needle: bytes, starts: Ints, ends: Ints, any_case: bool = False) -> Mask:
    """Returns in which of the spans, which rise, the bytes stand.

    Args:
        data: what the spans are of.
        needle: the bytes; in lower case for `any_case`.
        starts: where each begins.
        ends: before where it ends.
        any_case: whether letters of ASCII in the data may be upper case too.
    """
    array = np.frombuffer(data, dtype=np.uint8)

    def holds(signs: Bytes, sign: int) -> Mask:
        return np.asarray((signs | 32 if any_case and ord("a") <= sign <= ord("z") else signs) == sign)

    size = max(0, len(array) - len(needle) + 1)
    found = holds(array[:size], needle[0])
    if len(needle) > 1:
        found &= holds(array[1 : size + 1], needle[1])
    at = np.flatnonzero(found)
    for place in range(2, len(needle)):
        at = at[holds(array[at + place], needle[place])]
    return np.asarray(np.append(at, len(array))[np.searchsorted(at, starts)] < ends)


def _opened(data: bytes, starts: Ints, ends: Ints) -> tuple[Bytes, Ints, Mask]:
    array = np.frombuffer(data + _PAD, dtype=np.uint8)
    odd = np.asarray((ends - starts > MAX_ROW_BYTES) | (ends > len(data)))
    ends = np.minimum(ends, len(data))
    for sign in (0, VALUE, ROW):
        if sign in data:
            odd[_rows_of(np.flatnonzero(array == sign), ends)] = True
    return array, ends, odd


def _closed(text: Bytes, keep: Mask | None, starts: Ints, ends: Ints, odd: Mask) -> Laid:
    for place in np.flatnonzero(odd):
        text[starts[place] : ends[place]] = VALUE
    text[ends] = ROW
    stop = int(ends[-1]) + 1
    if keep is None:
        return Laid(text[:stop].tobytes(), ends, odd)
    written = text[:stop][keep[:stop]].tobytes()
    return Laid(written, stops(written), odd)


def _rows_of(at: Ints, ends: Ints) -> Ints:
    """Returns the rows in which positions lie."""
    return np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)


def _pairs(quotes: Ints, starts: Ints, ends: Ints, odd: Mask) -> tuple[Ints, Ints]:
    """Returns where strings open and close; a row in which one is left open is odd."""
    wrong = (np.searchsorted(quotes, ends) - np.searchsorted(quotes, starts)) % 2 == 1
    if wrong.any():
        odd |= wrong
        quotes = quotes[~wrong[_rows_of(quotes, ends)]]
    return quotes[: len(quotes) // 2 * 2 : 2], quotes[1::2]


def _spread(kinds: NDArray[Any], opens: Ints, closes: Ints, size: int) -> Bytes:
    """Returns for each byte the kind of the string it is in, its opening quote included; 0: none. uint8, (size,)."""
    bounds = np.zeros(2 * len(opens) + 2, dtype=np.int64)
    bounds[1:-1:2], bounds[2:-1:2], bounds[-1] = opens, closes, size
    values = np.zeros(2 * len(opens) + 1, dtype=np.uint8)
    values[1::2] = kinds
    return np.repeat(values, np.diff(bounds))


def _either(select: Bytes, one: Bytes, other: Bytes) -> Bytes:
    """Returns the one's bits where those of `select` are set, else the other's; far quicker than `np.where`."""
    return (one & select) | (other & ~select)


def _escaping(slashes: Ints) -> Ints:
    """Returns the backslashes that escape what is behind them, and are not themselves escaped."""
    begin = np.maximum.accumulate(np.where(np.diff(slashes, prepend=-2) != 1, slashes, 0))
    return np.asarray(slashes[(slashes - begin) % 2 == 0])


def _blank(signs: Bytes) -> Mask:
    return np.asarray((signs == 32) | (signs == 9))


def _outside(signs: Bytes) -> Bytes:
    """Returns what all that stands outside of strings says: each part of it whole, and nothing for null."""
    text = _OUTSIDE[signs]
    at = np.flatnonzero(text[:-4] == ord("n"))  # NaN and Infinity go on otherwise
    at = at[text[at + 1] == ord("u")]
    for place in range(4):
        text[at + place] = VALUE
    return text


def _unescape(array: Bytes, text: Bytes, escapes: Ints, ends: Ints, odd: Mask) -> Mask:
    """Writes into `text` what escapes mean; returns which bytes are left of it."""
    keep = np.ones(len(array), dtype=np.bool_)
    kinds = array[escapes + 1]
    coded = kinds == ord("u")
    plain = escapes[~coded]
    meant = _UNESCAPED[kinds[~coded]]
    odd[_rows_of(plain[meant == 0], ends)] = True
    text[plain + 1] = meant
    keep[plain] = False
    at = escapes[coded]
    digits = _HEX[array[at[:, None] + np.arange(2, 6)]]
    codes = digits.astype(np.uint32) @ np.array([4096, 256, 16, 1], dtype=np.uint32)
    high, low = codes & 0xFC00 == 0xD800, codes & 0xFC00 == 0xDC00
    firsts = np.flatnonzero(high[:-1] & low[1:] & (np.diff(at) == 6))
    codes[firsts] = 0x10000 + ((codes[firsts] & 0x3FF) << 10) + (codes[firsts + 1] & 0x3FF)
    lone = high | low
    lone[firsts] = lone[firsts + 1] = False
    bad = lone | (digits == 255).any(axis=1) | (codes == VALUE) | (codes == ROW)
    odd[_rows_of(at[bad], ends)] = True
    codes[bad] = VALUE
    keep[at[:, None] + np.arange(6)] = False
    whole = np.ones(len(at), dtype=np.bool_)
    whole[firsts + 1] = False
    at, codes = at[whole], codes[whole]
    written = np.frombuffer(codes.astype("<u4").tobytes().decode("utf-32-le").encode(), dtype=np.uint8)
    sizes = 1 + (codes > 0x7F).astype(np.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
    places = np.repeat(at - np.cumsum(sizes) + sizes, sizes) + np.arange(len(written))
    text[places] = written
    keep[places] = True
    return keep
