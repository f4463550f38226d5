"""Find columns of direct identifiers: names, e-mail, phones, accounts, national numbers, addresses.

A column is one only if its values look so; a name such as `phone` or `Nachname` lowers the bar.
Nothing is found by a name alone, so `address` with the values U and R stays a category. Towns,
postcodes and streets are no identifiers, but new values of them look like such.

Check digits: ISO 13616 (IBAN, mod 97), ISO/IEC 7812 (cards, Luhn), and the published rules of the
national numbers named below.
"""

from __future__ import annotations

import functools
import importlib
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinset.table.inference.words import listed, tokens, word_set
from twinset.table.schema import Personal

__all__ = [
    "NATIONAL",
    "Finding",
    "NationalId",
    "find_personal",
    "find_place",
    "is_birth_number",
    "is_card",
    "is_iban",
    "is_ip",
    "luhn",
    "mentions",
]
_TOWN = re.compile(r"[^\W\d_][^\d_,;:@/]{1,40}")
_POSTCODE = re.compile(r"(?=.*\d)[A-Z0-9]{1,5}[ -]?[A-Z0-9]{2,5}", re.IGNORECASE)
_PLACES = (  # faker's provider, words of the column's name, what its values look like
    (
        "city",
        listed(
            "city town ort stadt ciudad ville citta cidade stad miasto mesto municipality gemeinde"
        ),
        _TOWN,
    ),
    (
        "postcode",
        listed("postcode postal postalcode zip zipcode plz cap cep codigopostal codepostal"),
        _POSTCODE,
    ),
    ("street_name", listed("street strasse str calle rue via rua straat ulica gata"), _TOWN),
    ("country", listed("country land pais pays paese kraj nation"), _TOWN),
)
_MOST = 0.8
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
_URL = re.compile(r"(?:https?://|ftp://|www\.)\S+", re.IGNORECASE)
_PHONE_CHARS = re.compile(r"[+(]?[0-9][0-9 ()./\u00a0-]*[0-9)](?: ?(?:x|ext\.?|#) ?\d{1,6})?", re.I)
_PHONE_SURE = re.compile(
    r"\+\d{1,3}[ (./-].*|\(\d{1,5}\)[ -]?\d.*|\d{3}[.-]\d{3}[.-]\d{4}.*|1-\d{3}-\d{3}-\d{4}.*"
    r"|\+\d{9,15}|\d{3,5}-\d{3}[ -]\d{2}[ -]\d{2}"
)
_STREET = re.compile(
    r"\d+[A-Za-z]?\s+\S.*\b(?:st|street|ave|avenue|rd|road|blvd|boulevard|lane|ln|drive|dr|way|court"
    r"|ct|place|pl|terrace|highway|hwy|parkway|pkwy|square|sq|circle|trail|crescent)\b"
    r"|.*(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|gatan|vägen|straat|laan|plein)\s+\d+"
    r"|(?:rue|avenue|calle|via|viale|rua|avenida|ul\.|c/)\s.*\d+.*|\d+,?\s(?:rue|bis|avenue|bd)\s.*",
    re.IGNORECASE,
)
_WORDS: dict[Personal, frozenset[str]] = {
    Personal.EMAIL: frozenset(["email", "mail", "emails", "correo", "courriel", "epost"]),
    Personal.PHONE: word_set(
        "phone phones telephone tel fax mobile cell cellphone handy telefon telefono telephon "
        "telefone celular movil gsm msisdn telefoon telefonnummer homephone workphone"
    ),
    Personal.ADDRESS: word_set(
        "address addr street strasse str adresse anschrift direccion domicilio calle rue "
        "indirizzo endereco adres straat ulice adresa gata adress streetaddress"
    ),
    Personal.NATIONAL_ID: word_set(
        "ssn nin nino personnummer bsn cpf dni nif nie pesel passport reisepass pasaporte "
        "passeport aadhaar aadhar nir curp fodselsnummer hetu sozialversicherungsnummer svnr "
        "steuerid ahv nric taxid drivers driverslicense driverlicense license licence"
    ),
    Personal.CARD: word_set("card creditcard cc ccn pan kreditkarte tarjeta cardnumber"),
    Personal.IBAN: frozenset(["iban"]),
    Personal.IP: frozenset(["ip", "ipaddress", "ipv4", "ipv6"]),
    Personal.URL: frozenset(["url", "website", "homepage", "link", "web"]),
}
_NATIONAL_PAIRS = (
    {"social", "security"}, {"national", "id"}, {"tax", "id"}, {"birth", "number"},
    {"rodne", "cislo"}, {"insurance", "number"}, {"drivers", "license"}, {"personal", "number"},
    {"identity", "card"}, {"steuer", "id"}, {"codice", "fiscale"}, {"id", "card"},
)  # fmt: skip
_FIRST = word_set(
    "first firstname given givenname forename fname vorname prenom nombre fornamn voornaam "
    "jmeno imie middle middlename"
)
_LAST = word_set(
    "last lastname surname family familyname lname nachname familienname apellido apellidos "
    "cognome sobrenome achternaam efternamn prijmeni nazwisko maiden maidenname"
)
_VAGUE = frozenset(["first", "last", "given", "family", "middle"])
_NAME = word_set("name names fullname naam namn nome nom jmeno navn nimi")
_OF_PERSON = word_set(
    "contact customer client patient person employee student teacher doctor provider "
    "physician author owner user passenger driver player member guest manager agent seller "
    "buyer applicant borrower holder cardholder mother father parent spouse kunde mitarbeiter "
    "cliente"
)
_PERSON_NAME = re.compile(r"[^\W\d_][^\W_.,'`´’-]*\d*(?:[ .,'`´’\"()-]+[^\W_][^\W_]*)*[.)\"]?")
_LOCALES = listed("en_US en_GB es_ES de_DE fr_FR it_IT pt_BR nl_NL pl_PL sv_SE cs_CZ")
_IN_TEXT = (
    ("e-mail addresses", re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)),
    ("phone numbers", re.compile(r"(?<![\d.])(?:\+?\d[ -]?){9,14}\d(?!\d)|\(\d{3}\) ?\d{3}-\d{4}")),
    ("links", re.compile(r"https?://|www\.", re.IGNORECASE)),
)


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


def find_place(name: str, values: Sequence[str]) -> str | None:
    """Return the faker provider of a column's values, if its name and they say one.

    >>> find_place("home_city", ["Leeds", "York", "New Malden"])
    'city'
    >>> find_place("city", ["see page 4", "n/a 17"]) is None
    True
    """
    words = tokens(name)
    hints = {*words, "".join(words)}
    for provider, known, looks in _PLACES:
        fit = sum(bool(looks.fullmatch(v.strip())) for v in values)
        if hints & set(known) and values and fit >= _MOST * len(values):
            return provider
    return None


@dataclass(frozen=True)
class Finding:
    """What kind of direct identifier a column holds, how new ones are made, and why."""

    personal: Personal
    provider: str
    reason: str
    locale: str | None = None


def find_personal(name: str, values: Sequence[str], distinct_share: float) -> Finding | None:
    """Return the direct identifier a column holds, or None.

    Parameters
    ----------
    name
        Of the column.
    values
        Distinct values as text: all, or a sample of hundreds.
    distinct_share
        Distinct values per row with a value.
    """
    values = [v.strip() for v in values if v.strip()]
    if len(values) < 2:
        return None
    words = tokens(name)
    hints = {kind for kind, known in _WORDS.items() if known & {*words, "".join(words)}}
    for find in (_by_content, _by_number, _by_name_words):
        if finding := find(words, values, hints, distinct_share):
            return finding
    return None


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(bool(test(v)) for v in values) / len(values)


def _mostly(values: Sequence[str], test: Callable[[str], object], least: float) -> bool:
    """Whether more than `least` of the values pass; a look at the first ten saves the rest."""
    head = values[:10]
    if len(values) > 20 and sum(bool(test(v)) for v in head) < (least - 0.4) * len(head):
        return False
    return _share(values, test) > least


def _by_content(
    words: tuple[str, ...], values: Sequence[str], hints: set[Personal], distinct: float
) -> Finding | None:
    """Shapes that need no hint."""
    first = values[:200]
    if _mostly(first, _EMAIL.fullmatch, 0.5 if Personal.EMAIL in hints else 0.8):
        return Finding(Personal.EMAIL, "email", "the values are e-mail addresses")
    if _mostly(first, is_iban, 0.5 if Personal.IBAN in hints else 0.8):
        return Finding(Personal.IBAN, "iban", "the values are IBANs with valid check digits")
    if _mostly(first, is_ip, 0.8):
        return Finding(Personal.IP, "ipv4", "the values are IP addresses")
    if _mostly(first, _URL.fullmatch, 0.8) and (distinct > 0.3 or Personal.URL in hints):
        return Finding(Personal.URL, "url", "the values are web addresses")
    return None


def _by_number(
    words: tuple[str, ...], values: Sequence[str], hints: set[Personal], distinct: float
) -> Finding | None:
    """Phones, cards and national numbers."""
    few = values[:200]
    if sum(any(c.isdigit() for c in v) for v in few) < 0.8 * len(few):
        return None
    if len(few) >= 5 and _mostly(few, is_card, 0.5 if Personal.CARD in hints else 0.9):
        return Finding(Personal.CARD, "credit_card_number", "card numbers with valid check digits")
    pair = any(p <= set(words) for p in _NATIONAL_PAIRS)
    hinted = Personal.NATIONAL_ID in hints or pair
    for national in NATIONAL:
        asked = (national.sure and len(few) >= 5) or hinted
        if asked and _mostly(few, national.holds, 0.9):
            reason = f"the values have the form of a {national.name}"
            return Finding(Personal.NATIONAL_ID, "ssn", reason, national.locale)
    if hinted and distinct > 0.3 and _mostly(few, _is_given_number, 0.8):
        reason = "distinct numbers, and the name of a number that is given to one person"
        return Finding(Personal.NATIONAL_ID, "ssn", reason)
    if len(few) >= 50 and {"birth", "number"} <= set(words) and _mostly(few, is_birth_number, 0.95):
        return Finding(Personal.NATIONAL_ID, "ssn", "birth numbers", "cs_CZ")
    return _phone(few, hints, distinct)


def _is_given_number(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{0,3}[0-9][0-9A-Z /-]{4,18}", text, re.IGNORECASE)) and not (
        re.match(r"\d{4}-\d\d-\d\d", text)
    )


def _phone(values: Sequence[str], hints: set[Personal], distinct: float) -> Finding | None:
    def looks(text: str) -> bool:
        digits = sum(c.isdigit() for c in text)
        return 6 <= digits <= 17 and bool(_PHONE_CHARS.fullmatch(text)) and not _is_date(text)

    if Personal.PHONE in hints and _mostly(values, looks, 0.7):
        return Finding(Personal.PHONE, "phone_number", "phone numbers, as the name says")
    if len(values) < 5 or distinct <= 0.3:
        return None
    if _mostly(values, lambda v: looks(v) and _PHONE_SURE.fullmatch(v), 0.8):
        return Finding(Personal.PHONE, "phone_number", "the values have the form of phone numbers")
    return None


def _is_date(text: str) -> bool:
    return bool(re.match(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:\D|$)", text))


def _by_name_words(
    words: tuple[str, ...], values: Sequence[str], hints: set[Personal], distinct: float
) -> Finding | None:
    """Names and addresses."""
    few = values[:300]
    if Personal.ADDRESS in hints and not hints & {Personal.EMAIL, Personal.IP}:
        worded = _share(few, lambda v: len(v.split()) > 1 and len(v) >= 8)
        if worded > 0.5 and _share(few, lambda v: any(c.isdigit() for c in v)) > 0.3:
            return Finding(Personal.ADDRESS, "street_address", "addresses, as the name says")
    if len(few) >= 10 and distinct > 0.3 and _mostly(few, _STREET.match, 0.6):
        return Finding(Personal.ADDRESS, "street_address", "the values have the form of addresses")
    return _person(words, few, distinct)


def _person(words: tuple[str, ...], values: Sequence[str], distinct: float) -> Finding | None:
    """Names of people."""
    if not _mostly(values, lambda v: _PERSON_NAME.fullmatch(v) and len(v) <= 60, 0.8):
        return None
    capital = _share(values, lambda v: v[:1].isupper() or not v[:1].isascii())
    joined, named = "".join(words), set(words)
    whole = named & _NAME and not named - _NAME - _FIRST - _LAST - _OF_PERSON - {"of", "the"}
    known_first = functools.partial(_known_names, values)
    several = _share(values, lambda v: 2 <= len(re.split(r"[ ,]+", v)) <= 6)
    person = bool(named & _OF_PERSON) or "fullname" in joined
    if capital < 0.6 or _mostly(values, str.isdigit, 0):
        return None
    if distinct < 0.05:  # few people, each in many rows: only what the name says, too
        sure = whole and person and len(values) >= 5 and several > 0.9 and known_first() > 0.7
        reason = "most values hold a known first name, and the column's name says so"
        return Finding(Personal.NAME, "name", reason) if sure else None
    single = _share(values, lambda v: len(v.split()) <= 3)
    for known, provider in ((_FIRST, "first_name"), (_LAST, "last_name")):
        clear = (joined in known - _VAGUE) or bool(named & known and named & _NAME)
        fits = clear or (joined in known and distinct > 0.5 and _one_word(values))
        if fits and single > 0.8 and distinct > 0.05:
            return Finding(Personal.NAME, provider, "names of people, as the column's name says")
    if whole and len(values) >= 2 and several > 0.6 and known_first() > (0.25 if person else 0.45):
        return Finding(Personal.NAME, "name", "most values hold a known first name")
    if len(values) >= 20 and distinct > 0.3 and several > 0.9 and known_first() > 0.7:
        return Finding(Personal.NAME, "name", "most values hold a known first name")
    return None


def _one_word(values: Sequence[str]) -> bool:
    return _share(values, lambda v: len(v.split()) <= 2 and len(v) >= 3) > 0.8


def _known_names(values: Sequence[str]) -> float:
    """Share of values with a known first name among the first three words."""
    known = _first_names()

    def holds(value: str) -> bool:
        parts = [re.sub(r"\d+$", "", p) for p in re.split(r"[ ,.()\"-]+", value) if p]
        return any(_bare(p) in known for p in parts[:4])

    return _share(values, holds)


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


@functools.lru_cache(maxsize=1)
def _first_names() -> frozenset[str]:
    """Return the first names that faker knows in several languages."""
    names: set[str] = set()
    for locale in _LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for field in ("first_names", "first_names_male", "first_names_female"):
            names.update(_bare(n) for n in getattr(provider, field, ()) if len(n) > 2)
    return frozenset(names)


def mentions(values: Sequence[str]) -> str:
    """Say what personal data free texts mention, or nothing."""
    texts = values[:300]
    found = [what for what, regex in _IN_TEXT if _share(texts, regex.search) >= 0.02]
    return f"some texts hold {' and '.join(found)}" if found else ""
