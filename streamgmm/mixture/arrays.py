"""The one kind of array here: float64, and read-only once it belongs to a value."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def frozen(array: ArrayLike) -> Array:
    """The array as a read-only, aligned, row-major float64 view; copied only where it is something else."""
    view = np.require(array, np.float64, ["C", "A"]).view(np.ndarray)
    view.flags.writeable = False
    return view
