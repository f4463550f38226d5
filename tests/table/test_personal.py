"""Direct identifiers are found, and ordinary columns are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from twinset.encoding.surrogate_words import WORDS
from twinset.encoding.surrogates import make
from twinset.table.inference.table_schema import infer
from twinset.table.personal import (
    NATIONAL,
    find_personal,
    find_place,
    is_birth_number,
    is_card,
    is_iban,
    is_ip,
    luhn,
)
from twinset.table.schema import Kind, Personal


def test_check_digits():
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB82 WEST 1234 5698 7654 33")
    assert is_card("4111 1111 1111 1111")
    assert not is_card("4111 1111 1111 1112")
    assert is_ip("10.0.0.1")
    assert is_ip("2001:db8::1")
    assert not is_ip("10.0.0.256")
    assert not is_ip("12:30")
    assert is_birth_number("706213")
    assert not is_birth_number("701313")


NUMBERS = {  # from the public descriptions of each number
    "US social security number": ("123-45-6789", "000-45-6789"),
    "Spanish DNI": ("12345678Z", "12345678A"),
    "French NIR": ("2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
    "Polish PESEL": ("44051401359", "44051401358"),
    "Brazilian CPF": ("529.982.247-25", "529.982.247-24"),
    "Swedish number": ("811218-9876", "811218-9875"),
    "Finnish code": ("131052-308T", "131052-308U"),
    "Norwegian number": ("01010750160", "01010750161"),
    "Dutch BSN": ("111222333", "111222334"),
    "Italian fiscal code": ("RSSMRA85T10A562S", "RSSMRA85T10A56"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_national_numbers(name):
    (national,) = (n for n in NATIONAL if n.name == name)
    right, wrong = NUMBERS[name]
    assert national.holds(right)
    assert not national.holds(wrong)


PEOPLE = ["Anna", "Peter", "Maria", "John", "Paul", "Laura", "Thomas", "Julia", "David", "Sarah"]
FOUND = {
    "mail": (Personal.EMAIL, [f"{n.lower()}@example.org" for n in PEOPLE]),
    "anything": (Personal.EMAIL, [f"{n.lower()}.x@example.co.uk" for n in PEOPLE]),
    "Telefon": (Personal.PHONE, [f"030 123{i:04}" for i in range(20)]),
    "contact": (Personal.PHONE, [f"+1 (514) 721-4{i:03}" for i in range(20)]),
    "konto": (Personal.IBAN, ["DE89370400440532013000", "GB82WEST12345698765432"] * 3),
    "first_name": (Personal.NAME, PEOPLE),
    "Nachname": (Personal.NAME, ["Meier", "Schmidt", "Huber", "Vogel", "Krause", "Wolf"]),
    "Name": (Personal.NAME, [f"Smith{'abcdefghij'[i]}, Mr. {n} B." for i, n in enumerate(PEOPLE)]),
    "passenger": (Personal.NAME, [f"{a} {b}son" for a in PEOPLE for b in PEOPLE[:3]]),
    "address": (Personal.ADDRESS, [f"{i} Baker Street" for i in range(20)]),
    "wohnort": (Personal.ADDRESS, [f"Lindenstraße {i}" for i in range(20)]),
    "client_ip": (Personal.IP, [f"10.1.2.{i}" for i in range(20)]),
    "homepage": (Personal.URL, [f"https://example.org/{i}" for i in range(20)]),
    "ssn": (Personal.NATIONAL_ID, [f"123-45-{i:04}" for i in range(1000, 1020)]),
    "passport_no": (Personal.NATIONAL_ID, [f"X{i}" for i in range(1234560, 1234580)]),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_found(name):
    kind, values = FOUND[name]
    found = find_personal(name, values, 1.0)
    assert found is not None
    assert found.personal is kind


ORDINARY = {
    "address": ["U", "R"],
    "telephone": ["yes", "no"],
    "name": ["Rock", "Jazz", "Metal", "Alternative & Punk", "Blues", "Latin", "Reggae", "Pop"],
    "product_name": ["Green Apple", "Brown Bread", "Sweet Corn", "Sour Cream", "Fresh Milk"],
    "city": ["San Diego", "Los Angeles", "New York", "Santa Fe", "Salt Lake City", "Great Falls"],
    "company": ["Acme Corp", "Globex Inc", "Initech LLC", "Umbrella Group", "Stark Industries"],
    "dod_ssn": [f"21{i:02}-01-02 00:00:00" for i in range(20)],
    "area": [f"25-00{i}" for i in range(700, 720)],
    "id": [str(i) for i in range(1000000, 1000020)],
    "price": [f"{i}.99" for i in range(20)],
    "card_type": ["classic", "gold", "junior"],
    "email_sent": ["yes", "no"],
    "first": ["1", "2", "3"],
    "last_login": [f"2020-01-{i:02}" for i in range(1, 20)],
    "state": ["New Mexico", "West Virginia", "North Dakota", "South Carolina", "New Jersey"],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_left_alone(name):
    assert find_personal(name, ORDINARY[name], 1.0) is None


def raw(path: Path) -> pa.Table:
    names = pa.csv.read_csv(path).column_names
    types = dict.fromkeys(names, pa.string())
    convert = pa.csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
    return pa.csv.read_csv(path, convert_options=convert)


REAL = {
    "relational/synthea/patients.csv": {
        "SSN": "national_id", "DRIVERS": "national_id", "PASSPORT": "national_id", "FIRST": "name",
        "LAST": "name", "MAIDEN": "name", "ADDRESS": "address",
    },
    "relational/northwind/customers.csv": {
        "contactName": "name", "address": "address", "phone": "phone", "fax": "phone",
    },
    "relational/chinook/Customer.csv": {
        "FirstName": "name", "LastName": "name", "Address": "address", "Phone": "phone",
        "Fax": "phone", "Email": "email",
    },
    "relational/berka/client.csv": {"birth_number": "national_id"},
    "relational/chinook/Artist.csv": {},
    "tabular/student_por.csv": {},
    "tabular/german_credit.csv": {},
    "tabular/hotel_rates.csv.gz": {},
    "tabular/airbnb_nyc.csv.gz": {},
    "tabular/nist_acs_ma2019.csv.gz": {},
    "tabular/loans_full_schema.csv.gz": {},
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_tables(shared, name):
    schema = infer(raw(shared / "data" / name))
    found = {c.name: c.personal.value for c in schema.columns if c.personal}
    assert found == REAL[name]
    assert not any(c.is_learnable for c in schema.columns if c.personal)


def test_texts_that_mention_phones_stay_text_and_say_so():
    texts = [
        f"please call me back on 0800123{i:04} about offer number {i} today" for i in range(60)
    ]
    (column,) = infer(pa.table({"text": pa.array(texts)})).columns
    assert column.kind is Kind.TEXT
    assert column.personal is None
    assert "phone numbers" in column.reason


ENDS = [f"{a}{b}{c}" for a in "abcdefg" for b in ("ton", "ham", "ley") for c in ("", " Mill")]
TOWNS = [f"{a}{b}" for a in ("Al", "Bel", "Cor", "Dun") for b in ENDS]


@pytest.mark.parametrize(
    ("name", "values", "provider"),
    [
        ("home_city", TOWNS, "city"),
        ("postcode", [f"{a}{i} {i % 9}BC" for a in "LMNP" for i in range(10, 60)], "postcode"),
        ("city", [f"{a}, see page {i}" for a in "abcd" for i in range(50)], None),
        ("remark", TOWNS, None),
    ],
)
def test_new_towns_and_postcodes_look_like_such(name, values, provider):
    """Towns that are too rare to be learned were made of random words."""
    column = infer(pa.table({name: [*values, values[0]]})).columns[0]
    assert (column.kind, column.format.provider) == (Kind.TEXT, provider)
    made = make(column, 200, rng=np.random.default_rng(0)).to_pylist()
    assert not set(made) & set(values)
    worded = {v.split()[-1].lower().strip(".") for v in made} & set(WORDS)
    assert bool(worded) is (provider is None)
    assert provider is None or find_place(name, made) == provider
