"""How much a mixture knows of its components at most, beside one that was told which component each vector belongs to.

Where components overlap, part of what a vector says is lost in the doubt about its component (Louis 1982). With scores
s of a component and responsibilities r its own information is E[s s^T], with labels known it would be E[s s^T / r]. The
fraction of the two, of squares that are summed over a component's numbers, is 1 where components lie apart.

It is an upper bound of what is left. Of all the mixture's information it takes a family's block alone, as if all other
numbers were known; they are learnt from the same vectors, and what is left once they are (the block's Schur complement)
is never more. A sum of squares is also blind to a direction of which less is known than of the others.
"""

import numpy as np

from streamgmm.drift.scores import FAMILIES, MEAN, SPREAD, WEIGHTS, Layout
from streamgmm.mixture.arrays import Array

_NOTHING = 1e-9  # a responsibility below this says nothing of spread and mean
_LEAST = 0.05  # of a component that shares every vector, at least


def fractions(scores: Array, roots: Array, layout: Layout) -> Array:
    """(f, k): of each component's weight, spread and mean; 1 for the other families, and where nothing is known.

    `scores` (n, p) are of single vectors without gaps, `roots` (k,) the square roots of the weights.
    """
    found = np.ones((len(FAMILIES), len(roots)))
    if len(scores) == 0:
        return found
    responsibilities = scores[:, layout.edges[1] : layout.edges[2]] * roots
    shares = np.maximum(responsibilities, _NOTHING)
    found[WEIGHTS] = _ratio((responsibilities**2).sum(axis=0), responsibilities.sum(axis=0))
    for family in (SPREAD, MEAN):
        groups = np.flatnonzero(layout.family == family)
        squares = scores[:, layout.edges[groups[0]] : layout.edges[groups[-1] + 1]] ** 2
        of_component = squares.reshape(len(scores), len(roots), -1).sum(axis=2)
        found[family] = _ratio(of_component.sum(axis=0), (of_component / shares).sum(axis=0))
    return found


def _ratio(known: Array, whole: Array) -> Array:
    return np.clip(np.divide(known, whole, out=np.ones_like(known), where=whole > 0), _LEAST, 1.0)
