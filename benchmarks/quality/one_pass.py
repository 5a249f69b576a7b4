"""One pass of `partial_fit` over a sample, in the order in which it comes, each vector seen once."""

import numpy as np

from benchmarks.quality.truth import Matrix, mixture
from streamgmm import StreamingGaussianMixture
from streamgmm.mixture.parameters import Parameters

FIRST = 10 * 512  # vectors of the first call, from which the model starts
PIECE = 100 * 512


def learnt(vectors: Matrix, components: int, seed: int) -> Parameters:
    """What the averaged statistics say at the end, all settings as they come."""
    model = StreamingGaussianMixture(components, random_state=seed)
    cuts = [FIRST, *range(FIRST + PIECE, len(vectors), PIECE)]
    for piece in np.split(vectors, [cut for cut in cuts if cut < len(vectors)]):
        model.partial_fit(piece)
    model.settle()
    return mixture(model.weights_ / model.weights_.sum(), model.means_, model.covariances_)
