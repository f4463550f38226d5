"""Numbers written as text: how they are read and written back.

A `Format` says how: decimals, decimal comma, groups of three digits, a currency sign or ``%``.
Everything works on whole Arrow arrays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.arrow_types import as_numpy
from twinset.table.schema import Format

__all__ = [
    "LARGEST",
    "find_notation",
    "plain",
    "to_floats",
    "to_integers",
    "write_integers",
    "write_reals",
]

LARGEST = 1e100  # beyond it squares and sums would overflow; such numbers are read as infinite
NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
INTEGER = r"^[+-]?[0-9]+(\.0*)?$"
_AFFIXED = re.compile(
    r"(?P<sign>[-+]?)(?P<prefix>(?:[$€£¥₹₽]|USD|EUR|GBP|CHF|Rs\.?|R\$)[ \u00a0]?)?"
    r"(?P<number>[-+]?[0-9.,'\u2019 \u00a0\u202f]*[0-9](?:[eE][-+]?[0-9]+)?)"
    r"(?P<suffix>[ \u00a0]?(?:%|[$€£¥₹₽]|EUR|USD|CHF|kr|zł|Kč))?"
)
_STYLES: tuple[tuple[str, str | None, bool], ...] = (
    (r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", None, False),
    (r"[-+]?\d{1,3}(,\d{3})*(\.\d+)?", ",", False),
    (r"[-+]?\d+(,\d+)?([eE][-+]?\d+)?", None, True),
    (r"[-+]?\d{1,3}(\.\d{3})*(,\d+)?", ".", True),
    *(
        style
        for mark in (" ", "\u00a0", "\u202f", "'", "\u2019")
        for style in (
            (rf"[-+]?\d{{1,3}}({mark}\d{{3}})*(\.\d+)?", mark, False),
            (rf"[-+]?\d{{1,3}}({mark}\d{{3}})*(,\d+)?", mark, True),
        )
    ),
)
_COMPILED = tuple((re.compile(style), thousands, comma) for style, thousands, comma in _STYLES)


def find_notation(values: Sequence[str]) -> Format | None:
    """Return how the numbers among `values` are written, or None if they are not numbers.

    Parameters
    ----------
    values
        Distinct texts of one column, a sample; half of them may be something else (null words).
    """
    found = [(v, m) for v in values if (m := _AFFIXED.fullmatch(v.strip()))]
    if not found or len(found) < 0.5 * len(values):
        return None
    affixes = {(m["prefix"] or "", m["suffix"] or "") for _, m in found}
    if len(affixes) > 1:
        return None
    (prefix, suffix) = affixes.pop()
    texts = [m["sign"] + m["number"] for _, m in found]
    for style, thousands, comma in _COMPILED:
        if all(style.fullmatch(t) for t in texts):
            if thousands and not any(thousands in t for t in texts):
                continue
            if thousands == "," and all(re.fullmatch(r"[-+]?0,\d{3}|[-+]?\d+", t) for t in texts):
                continue
            return Format(thousands=thousands, comma=comma, prefix=prefix, suffix=suffix)
    return None


def plain(text: pa.Array, fmt: Format) -> pa.Array:
    """Texts without affixes and groups, with a decimal point."""
    text = pc.utf8_trim_whitespace(text)
    for affix in (fmt.prefix, fmt.suffix):
        if affix:
            text = pc.replace_substring(text, affix, "", max_replacements=1)
    if fmt.thousands:
        text = pc.replace_substring(text, fmt.thousands, "")
    if fmt.comma:
        text = pc.replace_substring(text, ",", ".")
    return text


def to_floats(text: pa.Array) -> pa.Array:
    """Plain texts as float64; null where a text is not a number (`inf` and `nan` are numbers)."""
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        good = pc.or_(
            pc.match_substring_regex(text, NUMBER),
            pc.match_substring_regex(text, r"^[+-]?(inf|infinity|nan)$", ignore_case=True),
        )
        kept = pc.replace_substring_regex(pc.if_else(good, text, None), r"^\+", "")
    try:
        return pc.cast(kept, pa.float64())
    except pa.ArrowInvalid:  # out of the range of a double: let Python make it inf or 0
        return pa.array([None if v is None else float(v) for v in kept.to_pylist()], pa.float64())


def to_integers(text: pa.Array) -> pa.Array:
    """Plain texts as int64; null where a text is not a whole number of 64 bits."""
    try:
        if not pc.any(pc.match_substring_regex(text, r"[xX]")).as_py():
            return pc.cast(text, pa.int64())
    except pa.ArrowInvalid:
        pass
    good = pc.match_substring_regex(text, INTEGER)
    kept = pc.replace_substring_regex(pc.if_else(good, text, None), r"^\+|\.0*$", "")
    try:
        return pc.cast(kept, pa.int64())
    except pa.ArrowInvalid:
        low, high = -(2**63), 2**63 - 1
        whole = (None if v is None else int(v) for v in kept.to_pylist())
        fits = [v if v is not None and low <= v <= high else None for v in whole]
        return pa.array(fits, pa.int64())


def write_integers(values: pa.Array, fmt: Format) -> pa.Array:
    """Whole numbers (int64) as text."""
    text = pc.cast(values, pa.string())
    if fmt.width:
        negative = pc.starts_with(text, "-")
        digits = pc.utf8_lpad(pc.utf8_ltrim(text, "-"), fmt.width, "0")
        text = pc.if_else(negative, pc.binary_join_element_wise("-", digits, ""), digits)
    if fmt.decimals:
        text = pc.binary_join_element_wise(text, "." + "0" * fmt.decimals, "")
    return _dress(text, fmt)


def write_reals(values: pa.Array, fmt: Format) -> pa.Array:
    """Real numbers (float64) as text: fixed decimals, or the shortest that reads back equal."""
    text = _fixed(values, fmt.decimals) if fmt.decimals is not None else _shortest(values, fmt)
    return _dress(text, fmt)


def _fixed(values: pa.Array, decimals: int) -> pa.Array:
    """Text with exactly this many decimals."""
    x: npt.NDArray[np.float64] = as_numpy(values).astype(np.float64)
    null = np.isnan(x)
    scaled = np.abs(np.where(null, 0.0, x)) * 10.0**decimals
    if scaled.size and scaled.max() >= 2**53:
        texts = [None if n else f"{v:.{decimals}f}" for v, n in zip(x, null, strict=True)]
        return pa.array(texts, pa.string())
    whole = np.rint(scaled).astype(np.int64)
    text = pc.cast(pa.array(whole, mask=null), pa.string())
    if decimals:
        text = pc.utf8_lpad(text, decimals + 1, "0")
        head = pc.utf8_slice_codeunits(text, 0, -decimals)
        text = pc.binary_join_element_wise(head, pc.utf8_slice_codeunits(text, -decimals), ".")
    negative = pa.array((x < 0) & (whole != 0))
    return pc.if_else(negative, pc.binary_join_element_wise("-", text, ""), text)


def _shortest(values: pa.Array, fmt: Format) -> pa.Array:
    """Shortest text that reads back as the same number, as Python writes it."""
    text = pc.cast(values, pa.string())
    x = np.abs(as_numpy(values).astype(np.float64))
    exponent = as_numpy(pc.match_substring(text, "e").fill_null(False))
    odd = np.flatnonzero(((x < 1e-4) & (x > 0)) | (x >= 1e15) | exponent)
    if len(odd):  # Arrow and Python differ only in where and how they write exponents
        spelled = [repr(v).removesuffix(".0") for v in values.take(pa.array(odd)).to_pylist()]
        mask = np.zeros(len(x), dtype=bool)
        mask[odd] = True
        text = pc.replace_with_mask(text, pa.array(mask), pa.array(spelled, pa.string()))
    if fmt.min_decimals:
        bare = pc.invert(pc.match_substring_regex(text, "[.e]"))
        tail = "." + "0" * fmt.min_decimals
        text = pc.if_else(bare, pc.binary_join_element_wise(text, tail, ""), text)
    return text


def _dress(text: pa.Array, fmt: Format) -> pa.Array:
    """Put the decimal comma, groups of digits and affixes on plain texts."""
    if fmt.thousands:
        text = pc.replace_substring(text, ".", "\x00")
        for _ in range(7):
            pattern = r"^([+-]?[0-9]+)([0-9]{3})($|[\x00,])"
            text = pc.replace_substring_regex(text, pattern, r"\1,\2\3")
        text = pc.replace_substring(text, ",", fmt.thousands)
        text = pc.replace_substring(text, "\x00", "," if fmt.comma else ".")
    elif fmt.comma:
        text = pc.replace_substring(text, ".", ",")
    if fmt.prefix or fmt.suffix:
        negative = pc.starts_with(text, "-")
        bare = pc.binary_join_element_wise(fmt.prefix, pc.utf8_ltrim(text, "-"), fmt.suffix, "")
        text = pc.if_else(negative, pc.binary_join_element_wise("-", bare, ""), bare)
    return text
