"""Columns of places: towns, postcodes and streets, whose new values look like such."""

from __future__ import annotations

import re
from collections.abc import Sequence

from twinset.table.inference.words import listed, tokens

__all__ = ["find_place"]

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
