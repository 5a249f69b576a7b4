import numpy as np
import pytest

from streamgmm.mixture.rows import rows_of


def test_without_weights_each_vector_weighs_one():
    rows = rows_of(np.zeros((3, 2), dtype=np.float32), None)
    assert rows.weights.tolist() == [1, 1, 1]
    assert rows.vectors.dtype == np.float64
    assert not rows.vectors.flags.writeable


@pytest.mark.parametrize(
    ("vectors", "weights", "message"),
    [
        ([1.0, 2.0], None, r"shape \(2,\)"),
        ([[1.0, 2.0, 3.0]], None, r"shape \(1, 3\); it must be \(n, 2\)"),
        ([[1.0, 2.0], [-np.inf, 1.0]], None, "infinity in row 1"),
        ([[1.0, np.inf]], None, "row 0"),
        ([[1.0, 1j]], None, "complex"),
        ([[1.0, 2.0]], [1.0, 2.0], r"weights has shape \(2,\)"),
        ([[1.0, 2.0]], [-1.0], r"weights\[0\] is -1.0"),
        ([[1.0, 2.0]], [np.nan], r"weights\[0\] is nan"),
    ],
)
def test_what_is_refused_and_why(vectors, weights, message):
    with pytest.raises(ValueError, match=message):
        rows_of(vectors, weights, 2)


def test_a_strided_or_unaligned_array_is_taken_as_its_values():
    buffer = np.zeros(1 + 6 * 8, dtype=np.uint8)
    unaligned = buffer[1:].view(np.float64).reshape(3, 2)
    assert rows_of(unaligned, None).vectors.flags.aligned
    assert rows_of(np.arange(12.0).reshape(3, 4)[:, ::2], None).vectors.tolist() == [[0, 2], [4, 6], [8, 10]]
