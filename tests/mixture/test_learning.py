import math

import pytest

from streamgmm.mixture import stepwise_em
from streamgmm.mixture.step_size import HalfLife
from tests.mixture.samples import learning


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; it must be an integer of at least 1"),
        ({"exponent": 0.5}, "exponent is 0.5; it must be a finite number above 0.5"),
        ({"exponent": 1.1}, "at most 1"),
        ({"exponent": math.nan}, "exponent is nan"),
        ({"delay": -1.0}, "delay is -1.0"),
        ({"delay": math.inf}, "delay is inf"),
        ({"reg_relative": -1e-9}, "reg_relative"),
        ({"reg_covar": math.nan}, "reg_covar"),
        ({"half_life": HalfLife(batches=0.0)}, "batches is 0.0"),
        ({"max_gap": 0.0}, "max_gap is 0.0"),
    ],
)
def test_what_is_out_of_bounds_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        stepwise_em.init([[0.0], [1.0], [2.0]], 1, learning("full", **wrong))
