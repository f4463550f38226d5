"""The second set of planted defects, by table; the first is `tests/evaluation/test_planted.py`."""

from __future__ import annotations

from spoils import (
    Defect,
    doubled,
    flipped,
    homoscedastic,
    missing_by,
    narrowed,
    rounded,
    seasonless,
    slope,
    swapped,
    without,
)

REPEATS = "equal another synthetic row"
PLANTED = {
    "adult": (
        Defect("labels swapped in a subgroup",
               swapped("education", "HS-grad", "Bachelors", "race", "Black"),
               ("education", "race")),
        Defect("rounded to tens", rounded("age", 10), ("age",)),
        Defect("slope 10% larger", slope("education-num", "hours-per-week"),
               ("education-num", "hours-per-week")),
        Defect("scatter made even", homoscedastic("age", "hours-per-week"),
               ("age", "hours-per-week")),
        Defect("2% of the rows doubled", doubled, (), REPEATS),
        Defect("variance 10% smaller", narrowed("age"), ("age",)),
        Defect("rare intersection gone", without("sex", "Female", "occupation", "Craft-repair"),
               ("sex", "occupation")),
        Defect("missing by another column", missing_by("native-country", "age"),
               ("native-country", "age")),
        Defect("correlation turned in a group", flipped("age", "hours-per-week", "sex", "Female"),
               ("age", "hours-per-week")),
    ),
    "king_county_houses": (
        Defect("labels swapped in a subgroup", swapped("condition", 3, 4, "floors", 1.5),
               ("condition", "floors")),
        Defect("rounded to tens", rounded("yr_built", 10), ("yr_built",)),
        Defect("slope 10% larger", slope("sqft_living", "price"), ("sqft_living", "price")),
        Defect("scatter made even", homoscedastic("sqft_living", "price"),
               ("sqft_living", "price")),
        Defect("seasons of dates removed", seasonless("date"), ("date",)),
        Defect("2% of the rows doubled", doubled, (), REPEATS),
        Defect("variance 10% smaller", narrowed("lat"), ("lat",)),
        Defect("rare intersection gone", without("condition", 5, "grade", 8),
               ("condition", "grade")),
        Defect("correlation turned in a group", flipped("sqft_living", "price", "floors", 1.5),
               ("sqft_living", "price")),
    ),
    "nhanes": (
        Defect("labels swapped in a subgroup",
               swapped("SmokeNow", "Yes", "No", "Race1", "Black"), ("SmokeNow", "Race1")),
        Defect("rounded to tens", rounded("Weight", 10), ("Weight",)),
        Defect("slope 10% larger", slope("Height", "Weight"), ("Height", "Weight")),
        Defect("scatter made even", homoscedastic("Age", "Weight"), ("Age", "Weight")),
        Defect("2% of the rows doubled", doubled, (), REPEATS),
        Defect("variance 10% smaller", narrowed("Pulse"), ("Pulse",)),
        Defect("rare intersection gone",
               without("MaritalStatus", "Widowed", "Gender", "male"),
               ("MaritalStatus", "Gender")),
        Defect("missing by another column", missing_by("TotChol", "Age"), ("TotChol", "Age")),
        Defect("correlation turned in a group", flipped("Age", "BPSysAve", "Gender", "male"),
               ("Age", "BPSysAve")),
    ),
}  # fmt: skip
