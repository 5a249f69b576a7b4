"""What moved, in words: the largest thing, and the largest of another kind."""

import numpy as np
import pytest

from streamgmm.drift.moved import Moved, Statistic
from streamgmm.drift.words import Feature, sentence, told, unexplained

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
        ([Moved("spread", 1, None, 0.5, 1.5, 5.0)], "C1 became wider: squared distances times 3.00"),
        ([Moved("spread", 1, None, 0.0, 0.0, 5.0)], "C1 became narrower: squared distances times 0.00"),
        (
            [Moved("spread", 1, None, 1.0, 6e25, 5e25)],
            "C1 became wider: squared distances more than 1000 times as large",
        ),
        ([Moved("weight", 1, None, 0.116, 0.124, 5.0)], "C1 grew from 11.6 to 12.4 %"),
        (
            [FASTER._replace(feature=1, before=5.0, now=5.0000000003, deviations=265361892737.8)],
            "C3 moved, mainly load from 5 to 5.0000000003 (more than 1000 sd)",
        ),
        (
            [Moved("log_likelihood", None, None, -1.0, -2.5e24, -5.0)],
            "the vectors fit worse: log-likelihood -1.00 to -2.5e+24 nats",
        ),
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


def test_where_nothing_that_moved_is_large_the_statistic_is_named():
    calm, high = Statistic("weights", 1.0, 5.0, 4.0, 0, 1), Statistic("mean", 4.21, 5.0, 4.2, 0, 5)
    assert unexplained([calm]) is None
    assert unexplained([calm, high, calm._replace(value=4.1)]) == (
        "nothing stands out; the statistic mean is at 4.21, above its warning limit of 4.20"
    )
