"""What moved, in words: the largest thing, and the largest of another kind."""

import numpy as np
import pytest

from streamgmm.drift.moved import Moved
from streamgmm.drift.words import Feature, sentence, told

FEATURES = (Feature("APM", "/min", np.exp), Feature("load", "", lambda values: values))
GREW = Moved("weight", 3, None, 0.12, 0.31, 9.0)
SHRANK = Moved("weight", 0, None, 0.41, 0.2, -9.0)
FASTER = Moved("mean", 3, 0, float(np.log(100)), float(np.log(150)), 2.1)


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ([], None),
        ([GREW], "C3 grew from 12 to 31 %"),
        ([SHRANK], "C0 shrank from 41 to 20 %"),
        ([FASTER], "C3 moved, mainly APM from 100 to 150 /min (+2.1 sd)"),
        (
            [FASTER._replace(feature=1, before=0.5, now=0.25, deviations=-1.0)],
            "C3 moved, mainly load from 0.50 to 0.25 (-1.0 sd)",
        ),
        ([Moved("spread", 1, None, 1.0, 2.25, 5.0)], "C1 became wider: squared distances times 2.25"),
        ([Moved("spread", 1, None, 1.0, 0.5, -5.0)], "C1 became narrower: squared distances times 0.50"),
        (
            [Moved("missing", None, 1, 0.01, 0.2, 5.0)],
            "values of load are missing in 20.0 % of the vectors, it was 1.0 %",
        ),
        (
            [Moved("log_likelihood", None, None, -1.0, -2.0, -5.0)],
            "the vectors fit worse: log-likelihood -1.00 to -2.00 nats",
        ),
    ],
)
def test_each_kind_reads_as_a_person_would_say_it(moved, said):
    assert sentence(moved, FEATURES) == said


def test_two_kinds_are_told_before_two_of_one_kind():
    assert sentence([GREW, SHRANK, FASTER], FEATURES) == (
        "C3 grew from 12 to 31 %; C3 moved, mainly APM from 100 to 150 /min (+2.1 sd)"
    )


def test_values_are_in_the_features_own_units():
    (fact,) = told([FASTER], FEATURES)
    assert (fact.feature, round(fact.before), round(fact.now)) == ("APM", 100, 150)
