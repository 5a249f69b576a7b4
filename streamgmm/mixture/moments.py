"""What a block adds to the sums: mass, mean and scatter of each component.

The scatter of a block is taken about the block's own mean, and blocks are added by the parallel update of Chan,
Golub and LeVeque (1979), so that neither an offset of the data nor a component that lies far away costs digits, and
a component of tiny mass keeps its moments. Sums run over all 256 lanes in an order that is fixed when the code is
compiled; rows that fill up a block have weight 0.
"""

from typing import NamedTuple

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK, Block, Model
from streamgmm.mixture.compiled import compiled, compiled_sum


class Sums(NamedTuple):
    """Sums over whole blocks: not divided by the weight, scatter about the mean, in the kernel's own shape."""

    weight: float
    mass: Array  # (k,)
    mean: Array  # (k, d)
    scatter: Array  # as Model.factors


@compiled_sum
def block_weight(block: Block) -> float:
    """The weight of the block's rows."""
    weight = 0.0
    for n in range(BLOCK):
        weight += block.weights[n]
    return weight


@compiled_sum
def full_moments(block: Block, model: Model, sums: Sums, k: int) -> None:
    """Add the block's moments of component k, every product of two features."""
    mass = _block_mean(block, model, k)
    if mass == 0.0:
        return
    between = _add_mean(block, model, sums, k, mass)
    for i in range(len(block.shift)):
        for n in range(BLOCK):
            block.distance[n] = block.lane[n] * block.deviations[i, n]
        for j in range(i + 1):
            product = 0.0
            for n in range(BLOCK):
                product += block.distance[n] * block.deviations[j, n]
            sums.scatter[k, i, j] += product + between * block.shift[i] * block.shift[j]
            sums.scatter[k, j, i] = sums.scatter[k, i, j]


@compiled_sum
def diagonal_moments(block: Block, model: Model, sums: Sums, k: int) -> None:
    """Add the block's moments of component k, each feature's square alone."""
    mass = _block_mean(block, model, k)
    if mass == 0.0:
        return
    between = _add_mean(block, model, sums, k, mass)
    for i in range(len(block.shift)):
        product = 0.0
        for n in range(BLOCK):
            product += block.lane[n] * block.deviations[i, n] * block.deviations[i, n]
        sums.scatter[k, i] += product + between * block.shift[i] * block.shift[i]


@compiled_sum
def _block_mean(block: Block, model: Model, k: int) -> float:
    """The block's mass of a component; its lanes weighted, and the deviations taken from the block's own mean.

    `shift` becomes the way from the component's mean to the block's, `lane` the weighted responsibilities.
    """
    mass = 0.0
    for n in range(BLOCK):
        block.lane[n] = block.joint[k, n] * block.weights[n]
        mass += block.lane[n]
    if mass == 0.0:
        return mass
    for i in range(len(block.deviations)):
        centre = model.means[k, i]
        first = 0.0
        for n in range(BLOCK):
            deviation = block.vectors[i, n] - centre
            block.deviations[i, n] = deviation
            first += block.lane[n] * deviation
        block.shift[i] = first / mass
        for n in range(BLOCK):
            block.deviations[i, n] -= block.shift[i]
    return mass


@compiled
def _add_mean(block: Block, model: Model, sums: Sums, k: int, mass: float) -> float:
    """Add mass and mean; `shift` becomes the way between the means; returns what its square counts in the scatter."""
    before = float(sums.mass[k])
    fraction = mass / (before + mass)
    for i in range(len(block.shift)):
        block.shift[i] += model.means[k, i] - sums.mean[k, i]
        sums.mean[k, i] += fraction * block.shift[i]
    sums.mass[k] = before + mass
    return before * fraction
