"""What the products of a pass cost by BLAS: of each block of 256 vectors and each component the triangular product of
the E-step (dtrmm) and the scatter (dsyrk), on features centred before. Nothing else of a pass is counted.
"""

import numpy as np
from scipy.linalg.blas import dsyrk, dtrmm

from benchmarks.harness import timing
from benchmarks.harness.mixtures import Case
from streamgmm.mixture.block import BLOCK


def products(case: Case) -> timing.Call:
    """The products of one block."""
    rng = np.random.default_rng(0)
    shape = (case.components, case.features, case.features)
    factors = [np.asfortranarray(np.triu(matrix)) for matrix in rng.standard_normal(shape)]
    scatters = [np.zeros_like(factor) for factor in factors]
    block = np.asfortranarray(rng.standard_normal((BLOCK, case.features)))
    whitened = block.copy(order="F")

    def one_block() -> None:
        for factor, scatter in zip(factors, scatters, strict=True):
            np.copyto(whitened, block)
            dtrmm(1.0, factor, whitened, side=1, overwrite_b=1)
            dsyrk(1.0, block, trans=1, c=scatter, overwrite_c=1)

    return one_block
