"""Check digits and shapes of numbers that are given to one person or account.

Sources: ISO 13616 (IBAN, mod 97), ISO/IEC 7812 (cards, Luhn), and the published rules of the
national numbers named below.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["NATIONAL", "NationalId", "is_birth_number", "is_card", "is_iban", "is_ip", "luhn"]


def luhn(digits: str) -> bool:
    """Whether the last digit fits the others by Luhn's rule."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        d = int(char) * (1 + place % 2)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


def is_card(text: str) -> bool:
    """Whether a text is a payment card number."""
    digits = re.sub(r"[ -]", "", text)
    return bool(re.fullmatch(r"[3-6]\d{12,18}", digits)) and luhn(digits)


def is_iban(text: str) -> bool:
    """Whether a text is an international bank account number."""
    bare = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", bare):
        return False
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def is_ip(text: str) -> bool:
    """Whether a text is an IP address, version 4 or 6."""
    if not re.fullmatch(r"\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_birth_number(text: str) -> bool:
    """Czech and Slovak birth number, YYMMDD (women: month + 50), maybe with more digits."""
    match = re.fullmatch(r"(\d\d)(\d\d)(\d\d)/?(\d{3,4})?", text)
    if not match:
        return False
    month, day = int(match[2]) % 50, int(match[3])
    month = month - 20 if month > 20 else month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    return match[4] is None or len(match[4]) == 3 or int(text.replace("/", "")) % 11 in (0, 10)


def _weighted(text: str, weights: tuple[int, ...], mod: int) -> int:
    return sum(int(c) * w for c, w in zip(text, weights, strict=False)) % mod


def _dni(t: str) -> bool:
    number = t.translate(str.maketrans("XYZ", "012"))
    return t[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number[:-1]) % 23]


def _nir(t: str) -> bool:
    body = t[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(t[13:])


def _pesel(t: str) -> bool:
    return _weighted(t, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) == 0 and int(t[4:6]) <= 31


def _cpf(t: str) -> bool:
    first = _weighted(t, tuple(range(10, 1, -1)), 11)
    second = _weighted(t, tuple(range(11, 1, -1)), 11)
    return int(t[9]) == (11 - first) % 11 % 10 and int(t[10]) == (11 - second) % 11 % 10


def _bsn(t: str) -> bool:
    return _weighted(t, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0


def _personnummer(t: str) -> bool:
    digits = t[-10:]
    return luhn(digits) and 1 <= int(digits[2:4]) <= 12


def _hetu(t: str) -> bool:
    digits = re.sub(r"\D", "", t[:-1])  # the century sign is gone or a letter
    return t[-1] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31]


def _fnr(t: str) -> bool:
    one = _weighted(t, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), 11)
    return one == 0 and _weighted(t, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), 11) == 0


def _ssn(t: str) -> bool:
    return t[:3] not in ("000", "666") and t[3:5] != "00" and t[5:] != "0000"


def _any(t: str) -> bool:
    return bool(t)


@dataclass(frozen=True)
class NationalId:
    """A number of one country: its shape, its check on the bare text, and where it is from.

    `sure` means that the shape and the check need no help from the column's name.
    """

    name: str
    shape: str
    check: Callable[[str], bool]
    locale: str
    sure: bool = True

    def holds(self, text: str) -> bool:
        """Whether a text is such a number."""
        text = text.strip().upper()
        return bool(re.fullmatch(self.shape, text)) and self.check(re.sub(r"[ ./-]", "", text))


NATIONAL = (
    NationalId("US social security number", r"\d{3}-\d{2}-\d{4}", _ssn, "en_US"),
    NationalId("Spanish DNI", r"[XYZ\d]\d{7}-?[A-Z]", _dni, "es_ES"),
    NationalId(
        "French NIR", r"[12] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", _nir, "fr_FR"
    ),
    NationalId(
        "Italian fiscal code", r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", _any, "it_IT"
    ),
    NationalId(
        "UK insurance number", r"[A-CEGHJ-PR-TW-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]", _any, "en_GB"
    ),
    NationalId("Polish PESEL", r"\d{11}", _pesel, "pl_PL"),
    NationalId("Norwegian number", r"\d{6} ?\d{5}", _fnr, "no_NO"),
    NationalId("Brazilian CPF", r"\d{3}\.?\d{3}\.?\d{3}-?\d\d", _cpf, "pt_BR"),
    NationalId("Swedish number", r"(?:19|20)?\d{6}[-+]?\d{4}", _personnummer, "sv_SE"),
    NationalId("Finnish code", r"\d{6}[-+A]\d{3}[0-9A-Y]", _hetu, "fi_FI"),
    NationalId("Czech birth number", r"\d{6}/\d{3,4}", is_birth_number, "cs_CZ"),
    NationalId("Dutch BSN", r"\d{9}", _bsn, "nl_NL", sure=False),
)
"""National numbers with a shape or check digits of their own."""
