"""The one kind of array here: float64, and read-only once it belongs to a value."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_FLOAT64 = np.dtype(np.float64)


def frozen(array: ArrayLike) -> Array:
    """The array as a read-only, aligned, row-major float64 view; copied only where it is something else.

    All arrays go into the kernel in this one form, so that it is compiled once.
    """
    if type(array) is np.ndarray and array.dtype == _FLOAT64:
        flags = array.flags
        if flags.carray:  # row-major, aligned and writable
            return sealed(array.view())
        if flags.c_contiguous and flags.aligned:
            return array
    return sealed(np.require(array, _FLOAT64, ["C", "A"]).view(np.ndarray))


def sealed(array: Array) -> Array:
    """The array itself, made read-only: for one that nobody else holds."""
    array.setflags(write=False)
    return array
