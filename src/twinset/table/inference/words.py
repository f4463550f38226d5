"""Words in column names, and spellings, that say what a column is; several languages.

Names are hints only: a hint never wins against the values.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = [
    "BOOLEANS", "CODE_WORDS", "PERSON_WORDS", "QUANTITY_WORDS", "SCALES", "TIME_WORDS",
    "false_first", "is_id_name", "is_person_id", "is_row_number", "listed", "tokens",
    "word_set",
]  # fmt: skip


def listed(text: str) -> tuple[str, ...]:
    """Words of a list that is written as one text."""
    return tuple(text.split())


def word_set(text: str) -> frozenset[str]:
    """Words of a list that is written as one text, for look-ups."""
    return frozenset(text.split())


BOOLEANS = frozenset(
    frozenset(pair.split("/"))
    for pair in listed(
        "yes/no y/n true/false t/f 1/0 on/off ja/nein j/n ja/nee ja/nej oui/non o/n vrai/faux "
        "si/no sí/no s/n verdadero/falso sim/não sim/nao vero/falso v/f wahr/falsch da/ne да/нет "
        "tak/nie evet/hayır evet/hayir kyllä/ei igen/nem ano/ne true/false 1.0/0.0 1.00/0.00 "
        "は/いいえ 是/否"
    )
)
"""Pairs that spell true and false, in lower case."""

_FALSE = word_set(
    "no n false f 0 off nein nee nej non faux falso falsch não nao ne нет nie hayır hayir ei "
    "nem 0.0 0.00 いいえ 否"
)


def false_first(pair: tuple[str, str]) -> tuple[str, str]:
    """Put the two spellings of a boolean in the order false, true."""
    low = pair[0].strip().lower()
    return pair if low in _FALSE else (pair[1], pair[0])


PERSON_WORDS = word_set(
    "patient subject person pers user customer cust client member student pupil employee emp "
    "worker staff household hh family account acct acc participant part respondent resp donor "
    "passenger player visitor guest citizen individual indiv subscriber policyholder policy "
    "borrower device vehicle animal series session seller buyer author owner cardholder "
    "beneficiary claimant applicant candidate resident voter mother child infant kunde kunden "
    "patienten person versicherter mitarbeiter haushalt schueler cliente usuario persona "
    "hogar alumno empleado paciente individu patiente menage utilisateur medewerker klant "
    "deelnemer pacjent klient pacient"
)
"""Those whose data a table holds: the unit to protect is likely one of them."""

_ID_WORDS = word_set(
    "id ids key uuid guid pk fk identifier identifiant kennung ref reference rowid seqn "
    "serialno mrn eid pid uid oid cid sid"
)
_NUMBER_WORDS = word_set("no nr num number nummer numero número index idx row rownum rn n")
_GLUED = re.compile(
    rf"(?:{'|'.join(sorted(PERSON_WORDS, key=len, reverse=True))}|resp|case|record|row|order|trans"
    r"|transaction|item|product|store|shop|school|hosp|hospital|site|event|visit|encounter|claim"
    r"|invoice|booking|listing|movie|track|unique|object|global)s?_?(?:id|key|nr|uuid)"
)

CODE_WORDS = word_set(
    "code cd type typ class klasse category cat kategorie group grp gruppe grupo sex gender "
    "geschlecht sexo race ethnicity ethnic hisp hispanic religion zip zipcode zip3 postcode "
    "postal plz fips naics sic isco icd icd9 icd10 drg cpt ndc soc region county state "
    "province country nation nationality citizenship district ward bezirk provincia status "
    "state marital marriage married occupation occ industry ind sector branch department dept "
    "division channel device browser os operating system systems traffic brand model make "
    "color colour species cluster label flag method mode reason source language puma tract "
    "station relationship relation role segment campaigntype"
)
"""Things that are named by codes, so that whole numbers there are labels."""

QUANTITY_WORDS = word_set(
    "count cnt num number n nb qty quantity anzahl cantidad nombre total sum amount amt "
    "betrag montant price preis precio cost costs income inc revenue sales salary wage "
    "balance fee fees payment pay paid charge charges age alter edad year years yr yrs jahr "
    "month months monate week weeks day days tage hour hours hrs hr minute minutes min mins "
    "second seconds sec secs duration dauer length len height width depth weight wt bmi area "
    "sqft size rooms bedrooms bathrooms beds baths children kids babies adults nights visits "
    "stays points score rate ratio percent pct share distance km miles temperature temp "
    "pressure pulse bp volume capacity latitude lat longitude lon long gain loss debt credit "
    "limit avg mean median max minimum maximum std bytes milliseconds times attempts absences "
    "failures dependents persons people stock sold bought lag lead mileage speed power "
    "voltage hour grade"
)
"""Things that are counted or measured, so that whole numbers there are quantities."""

TIME_WORDS = word_set(
    "date datum fecha time day month period ym yyyymm yyyymmdd dt birth dob start end"
)

SCALES: tuple[dict[str, int], ...] = tuple(
    {word: rank for rank, level in enumerate(scale.split("<")) for word in level.split("|")}
    for scale in (
        "none<very low<low<medium low<medium<medium high<high<very high<extreme",
        "very low<low<moderate<high<very high", "low<mid<high", "low<middle<high", "l<m<h",
        "none<mild<moderate<severe<very severe<critical", "never<rarely<sometimes<often<always",
        "none<several<majority<most<all", "none<slight<some<much<extreme",
        "very poor<poor<fair<average<good<vgood<very good<excellent",
        "very bad<bad<neutral<good<very good", "unacceptable<acceptable<good<very good",
        "strongly disagree<disagree<somewhat disagree<neutral<somewhat agree<agree<strongly agree",
        "very dissatisfied<dissatisfied<neutral<satisfied<very satisfied",
        "very unlikely<unlikely<neutral<likely<very likely",
        "xxs<xs<s<m<l<xl<xxl<xxxl", "tiny<small<medium<large<extra large",
        "junior<mid<senior", "beginner<intermediate<advanced<expert", "bronze<silver<gold<platinum",
        "first<second<third<fourth<fifth", "1st<2nd<3rd<4th<5th<6th<7th<8th<9th<10th",
        "jan<feb<mar|march<apr|april<may<jun|june<jul|july<aug<sep|sept<oct<nov<dec",
        "january<february<march<april<may<june<july<august<september<october<november<december",
        "mon<tue|tues<wed<thu|thur|thurs<fri<sat<sun",
        "monday<tuesday<wednesday<thursday<friday<saturday<sunday",
        "primary<secondary<tertiary", "niedrig<mittel<hoch", "bajo<medio<alto", "faible<moyen<fort",
        "morning<afternoon<evening<night", "q1<q2<q3<q4",
    )
)  # fmt: skip
"""Words that have an order, with their rank."""


@functools.lru_cache(maxsize=16_384)
def tokens(name: str) -> tuple[str, ...]:
    """Lower-case words of a column name, without accents: `homePhone_2` is home, phone, 2."""
    bare = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    bare = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", bare)
    bare = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", bare)
    return tuple(w for w in re.split(r"[^a-z0-9]+", bare.lower()) if w)


def is_id_name(name: str) -> bool:
    """Whether a column name says that its values name things: `id`, `orderID`, `person_key`."""
    words = tokens(name)
    if not words:
        return False
    glued = "".join(words)
    if words[-1] in _ID_WORDS or words[0] == "id" or _GLUED.fullmatch(glued):
        return True
    named = words[-1] in _NUMBER_WORDS | {"code"} and len(words) > 1
    return named and words[0] not in ("n", "nb", "num") and bool(PERSON_WORDS & set(words[:-1]))


def is_person_id(name: str) -> bool:
    """Whether a column name says that its values name people, or what stands for them."""
    words = tokens(name)
    glued = "".join(words)
    if glued in PERSON_WORDS or glued in ("id", "mrn", "seqn", "pid", "uid", "hhid"):
        return True
    starts = any(glued.startswith(w) for w in PERSON_WORDS)
    return is_id_name(name) and (bool(PERSON_WORDS & set(words)) or starts)


def is_row_number(name: str) -> bool:
    """Whether a column name says that the column counts rows."""
    words = tokens(name)
    return "".join(words) in _NUMBER_WORDS | {"unnamed0", "x", "rownumber", "rowno", "level0", ""}
