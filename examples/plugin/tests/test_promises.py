"""The checks that twinset ships hold for what this package brings."""

import pytest
from twinset_example.attack import NeighbourVote
from twinset_example.generator import Gauss
from twinset_example.metric import Repeats

from twinset.checks import check_attack, check_generator, check_metric
from twinset.errors import InputError


@pytest.mark.parametrize("points", [21, 101])
def test_generator(points):
    check_generator(Gauss(points=points))


def test_an_option_that_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="2 or more"):
        Gauss(points=1)


def test_metric():
    check_metric(Repeats())


def test_attack():
    check_attack(NeighbourVote())
