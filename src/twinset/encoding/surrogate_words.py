"""Surrogate texts from a neutral list of words; nothing is learned from real texts but length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.encoding.surrogate_patterns import permuted
from twinset.table.inference.words import listed

__all__ = ["WORDS", "make_text"]

WORDS = listed(
    "about above across after again air all along also among and any apple area arrow as at "
    "away back basket before begin below beside between bird blue board boat book both bottom "
    "box branch bread bridge bright bring brown build bush by call candle carry cart castle "
    "center chair change circle clay clear climb clock cloth cloud coast color come cook "
    "copper corn corner cotton country cover cross cup dance day deep door down draw dress "
    "drink dry each early earth east edge eight end enter even every face fall far farm "
    "feather fence field fill find fire first fish five flag floor flower follow forest four "
    "fresh from front fruit garden gate gather give glass gold good grain grass green ground "
    "grow half hall hand harbor hat heavy hill hold home honey horn horse house ice in iron "
    "island join jump keep kettle kind lake lamp land large last late leaf learn leave left "
    "lemon letter level light like line linen list little long look low make many maple map "
    "market meadow meet metal middle milk mill mirror month moon more morning mountain move "
    "music name narrow near nest new next nine noon north note oak ocean of olive on open "
    "orange order other out over paint paper part past path pearl pepper picture pine place "
    "plain plant plate pond pot quiet rain read red rest ribbon rice right ring river road "
    "rock roof room root rope rose round row run salt sand sea seed seven shade shape sheet "
    "shell ship shore short side silver sing six sky slow small smooth snow soft song south "
    "spoon spring square stair star start stone storm stream street sugar summer sun table "
    "tall ten tent the three through time to tower town trail tree turn two under up valley "
    "view village voice walk wall warm water wave way week west wheel white wide wind window "
    "winter wood wool word yard year yellow young"
)
"""Common words without meaning for anyone."""


def make_text(
    quantiles: tuple[int, ...] | None,
    n: int,
    rng: np.random.Generator,
    *,
    start: int = 0,
    salt: int = 0,
    unique: bool = False,
) -> pa.Array:
    """Make `n` texts whose numbers of words follow the quantiles (5, 25, 50, 75, 95%).

    Unique texts begin with words that spell the row's index, and so have at least four words.
    """
    low, *middle, high = quantiles or (2, 4, 6, 10, 20)
    points = [low, *middle, high]
    levels = np.interp(rng.random(n), np.linspace(0.05, 0.95, len(points)), points)
    lengths = np.clip(np.rint(levels).astype(np.int64), 4 if unique else 1, 400)
    chosen = rng.integers(0, len(WORDS), int(lengths.sum()))
    ends = np.cumsum(lengths)
    if unique:
        rest = permuted(start + np.arange(n, dtype=np.int64), 2**31 - 1, salt)
        for place in range(4):
            rest, word = np.divmod(rest, len(WORDS))
            chosen[ends - lengths + place] = word
    return _sentences(chosen, lengths, ends, sentence=bool(n) and bool(np.median(lengths) >= 5))


def _sentences(
    chosen: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    *,
    sentence: bool,
) -> pa.Array:
    """Join words to texts; long ones begin with a capital and end with a full stop."""
    words = pa.array(WORDS).take(pa.array(chosen))
    offsets = pa.array(np.r_[0, ends].astype(np.int64))
    lists = pa.LargeListArray.from_arrays(offsets, words)
    text = pc.binary_join(lists, " ")
    if not sentence or not len(lengths):
        return text.cast(pa.string())
    head = pc.utf8_upper(pc.utf8_slice_codeunits(text, 0, 1))
    tail = pc.utf8_slice_codeunits(text, 1)
    return pc.binary_join_element_wise(head, tail, pa.scalar("."), "").cast(pa.string())
