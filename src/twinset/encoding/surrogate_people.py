"""New personal data: names, addresses, e-mail, phones, cards, accounts and the like.

Faker (own instance, own seed) fills pools of some thousand names or streets, which are combined by
row; numbers with check digits are made here, with valid ones. All makers take row indices.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.encoding.surrogate_patterns import by_pattern, permuted, rows_to_text
from twinset.errors import SchemaError

__all__ = ["PEOPLE"]

Ints = npt.NDArray[np.int64]
_POOL = 2_000
_LONGEST = 10_000
_ROOM = 2**31 - 1


def _faker(locale: str | None, salt: int) -> Any:
    import faker

    try:
        made = faker.Faker(locale or "en_US", use_weighting=False)
    except (AttributeError, ValueError):
        raise SchemaError(
            "format.locale", got=repr(locale), allowed="a locale of faker, as de_DE"
        ) from None
    made.seed_instance(salt)
    return made


@functools.lru_cache(maxsize=64)
def _pool(provider: str, locale: str | None, salt: int) -> tuple[str, ...]:
    """Return distinct values of a faker provider."""
    from faker.exceptions import BaseFakerException

    source = _faker(locale, salt)
    hidden = provider.startswith("_") or not provider.isidentifier()
    if hidden or not any(hasattr(p, provider) for p in source.get_providers()):
        raise SchemaError("format.provider", got=repr(provider), allowed="a provider of faker")
    try:
        call = getattr(source, provider)
        return tuple(dict.fromkeys(_short(call(), provider) for _ in range(_POOL)))
    except (TypeError, AttributeError, ValueError, LookupError, BaseFakerException):
        raise SchemaError(
            "format.provider", got=repr(provider), allowed="a provider that needs nothing stated"
        ) from None


def _short(value: object, provider: str) -> str:
    """Return a provider's value as one line; some providers make files of a megabyte."""
    text = str(value)
    if len(text) > _LONGEST:
        raise SchemaError("format.provider", got=repr(provider), allowed="a provider of short text")
    return " ".join(text.split())


def _pick(pool: tuple[str, ...], places: Ints) -> pa.Array:
    return pa.array(pool, pa.string()).take(pa.array(places % len(pool)))


def _spread(index: Ints, rng: np.random.Generator, *, unique: bool, salt: int) -> Ints:
    """One number per row below 2^31: different for different rows, or random."""
    return permuted(index, _ROOM, salt) if unique else rng.integers(0, _ROOM, len(index))


def _names(
    index: Ints,
    rng: np.random.Generator,
    *,
    locale: str | None,
    unique: bool,
    salt: int,
    **_: object,
) -> pa.Array:
    first, last = _pool("first_name", locale, salt), _pool("last_name", locale, salt)
    room = len(first) * len(last)
    block = index // room if unique else np.zeros(len(index), dtype=np.int64)
    number = permuted(index % room, room, salt) if unique else rng.integers(0, room, len(index))
    b, a = np.divmod(number, len(first))
    parts = [_pick(first, a)]
    if block.any():  # initials tell namesakes apart
        letters = pa.array(["", *(f" {chr(65 + i)}." for i in range(26))])
        while block.any():
            block, letter = np.divmod(block, 27)
            parts.append(letters.take(pa.array(letter)))
    named = pc.binary_join_element_wise(*parts, "")
    return pc.binary_join_element_wise(named, _pick(last, b), " ")


def _pooled(
    index: Ints,
    rng: np.random.Generator,
    *,
    provider: str,
    locale: str | None,
    salt: int,
    **_: object,
) -> pa.Array:
    """Values of any faker provider; digits in them are drawn anew."""
    pool = _pool(provider, locale, salt)
    chosen = rng.integers(0, len(pool), len(index))
    return _fresh_digits(pool, chosen, rng) if provider not in _FIXED else _pick(pool, chosen)


_FIXED = ("first_name", "last_name", "name", "city", "street_name", "country", "company", "job")


def _fresh_digits(pool: tuple[str, ...], chosen: Ints, rng: np.random.Generator) -> pa.Array:
    """Replace the first run of digits of each text by another number of that length."""
    split = [re.match(r"(\D*)(\d*)(.*)", t, re.DOTALL) for t in pool]
    heads, digits, tails = zip(*(m.groups() for m in split if m), strict=True)
    width = np.array([min(len(d), 9) for d in digits], dtype=np.int64)[chosen]
    low = np.where(width > 0, 10 ** np.maximum(width - 1, 0), 0)
    number = low + np.floor(rng.random(len(chosen)) * 9 * np.maximum(low, 1)).astype(np.int64)
    text = pc.if_else(pa.array(width > 0), pc.cast(pa.array(number), pa.string()), "")
    return pc.binary_join_element_wise(_pick(heads, chosen), text, _pick(tails, chosen), "")


def _emails(
    index: Ints, rng: np.random.Generator, *, unique: bool, salt: int, **_: object
) -> pa.Array:
    """Addresses at domains that are reserved for examples (RFC 2606)."""
    first, last = _pool("first_name", "en_US", salt), _pool("last_name", "en_US", salt)
    number = _spread(index, rng, unique=unique, salt=salt)
    rest, a = np.divmod(number, len(first))
    rest, b = np.divmod(rest, len(last))
    digits = pc.cast(pa.array(rest), pa.string())
    digits = pc.if_else(pa.array(rest == 0), "", digits)
    domain = pa.array(["example.com", "example.org", "example.net"]).take(pa.array(number % 3))
    user = pc.binary_join_element_wise(_pick(first, a), ".", _pick(last, b), digits, "")
    return pc.binary_join_element_wise(pc.utf8_lower(user), domain, "@")


def _digits(number: Ints, width: int) -> npt.NDArray[np.int64]:
    """Digits of numbers, shape (n, width)."""
    return number[:, None] // 10 ** np.arange(width - 1, -1, -1, dtype=np.int64) % 10


def _glue(digits: npt.NDArray[np.int64], prefix: str = "") -> pa.Array:
    codes = (digits + 48).astype(np.uint8)
    head = np.tile(np.frombuffer(prefix.encode(), dtype=np.uint8), (len(codes), 1))
    return rows_to_text(np.hstack([head, codes]))


def _cards(
    index: Ints, rng: np.random.Generator, *, unique: bool, salt: int, **_: object
) -> pa.Array:
    """Sixteen digits that begin with 4 and end with Luhn's digit (ISO/IEC 7812)."""
    number = _spread(index, rng, unique=unique, salt=salt)
    body = np.hstack(
        [np.full((len(index), 1), 4), rng.integers(0, 10, (len(index), 4)), _digits(number, 10)]
    )
    doubled = body.copy()
    doubled[:, ::2] *= 2
    doubled -= 9 * (doubled > 9)
    check = -doubled.sum(axis=1) % 10
    return _glue(np.hstack([body, check[:, None]]))


def _ibans(
    index: Ints,
    rng: np.random.Generator,
    *,
    locale: str | None,
    unique: bool,
    salt: int,
    **_: object,
) -> pa.Array:
    """IBANs with valid check digits (ISO 13616), of Germany or the country of the locale."""
    lengths = {
        "DE": 18,
        "AT": 16,
        "FR": 23,
        "ES": 20,
        "PL": 24,
        "CZ": 20,
        "SE": 20,
        "DK": 14,
        "FI": 14,
    }
    country = (locale or "de_DE")[-2:].upper()
    country = country if country in lengths else "DE"
    width = lengths[country]
    number = _spread(index, rng, unique=unique, salt=salt)
    body = np.hstack([rng.integers(0, 10, (len(index), width - 10)), _digits(number, 10)])
    letters = [int(d) for c in country for d in str(int(c, 36))]
    rest = np.zeros(len(index), dtype=np.int64)
    for column in (*body.T, *letters, 0, 0):
        rest = (rest * 10 + column) % 97
    return _glue(np.hstack([_digits(98 - rest, 2), body]), prefix=country)


def _ips(
    index: Ints, rng: np.random.Generator, *, unique: bool, salt: int, **_: object
) -> pa.Array:
    """Addresses of private networks (RFC 1918)."""
    number = permuted(index, 2**24, salt) if unique else rng.integers(0, 2**24, len(index))
    parts = [pc.cast(pa.array(number >> s & 255), pa.string()) for s in (16, 8, 0)]
    return pc.binary_join_element_wise(pa.scalar("10"), *parts, ".")


def _urls(
    index: Ints, rng: np.random.Generator, *, unique: bool, salt: int, **_: object
) -> pa.Array:
    number = _spread(index, rng, unique=unique, salt=salt)
    page = pc.cast(pa.array(number), pa.string())
    return pc.binary_join_element_wise(pa.scalar("https://www.example.com/"), page, "")


def _of_pattern(pattern: str) -> Callable[..., pa.Array]:
    """Return the maker of texts of one pattern, where a column has none of its own."""

    def maker(
        index: Ints, rng: np.random.Generator, *, unique: bool, salt: int, **_: object
    ) -> pa.Array:
        first = int(index[0]) if len(index) else 0
        return by_pattern(pattern, len(index), rng, start=first, salt=salt, unique=unique)

    return maker


def _any(index: Ints, rng: np.random.Generator, *, provider: str, **given: Any) -> pa.Array:
    """Any other provider that faker knows."""
    if provider == "other":
        return _of_pattern("[A-Z]{2}[0-9]{8}")(index, rng, **given)
    return _pooled(index, rng, provider=provider, **given)


_PHONE = r"\+1-555-[0-9]{3}-[0-9]{4}"

PEOPLE: dict[str, Callable[..., pa.Array]] = {
    "name": _names,
    "first_name": _pooled,
    "last_name": _pooled,
    "street_address": _pooled,
    "address": functools.partial(_any, provider="street_address"),
    "email": _emails,
    "credit_card_number": _cards,
    "card": _cards,
    "iban": _ibans,
    "ipv4": _ips,
    "ip": _ips,
    "url": _urls,
    "phone_number": _of_pattern(_PHONE),
    "phone": _of_pattern(_PHONE),
    "ssn": _of_pattern("9[0-9]{2}-[0-9]{2}-[0-9]{4}"),
    "national_id": _of_pattern("9[0-9]{8}"),
    "other": _any,
}
"""Makers by the name of a faker provider or of a kind of personal data."""
