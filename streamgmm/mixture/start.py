"""Ways to start: each gives every vector of a buffer to components, before there is a model.

| name | each vector goes to |
| --- | --- |
| kmeans | its cluster by k-means from k-means++ seeds; the tightest of a few runs |
| k-means++ | the nearest of k seeds drawn by k-means++ (Arthur and Vassilvitskii 2007) |
| hierarchical | its cluster by Ward's criterion, on at most 2 000 vectors; the others to the nearest cluster mean |
| random_from_data | the nearest of k vectors drawn at random |
| random | every component, in random shares |

Vectors come whitened, so that no feature's unit counts for more than another's. `by_name` is the only place where a
name chooses; the names are scikit-learn's, `hierarchical` is ours.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.cluster.hierarchy import fcluster, ward
from scipy.cluster.vq import ClusterError, kmeans2, vq

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import Rows

Labels = np.ndarray[tuple[int], np.dtype[np.intp]]
Method = Callable[[Rows, int, np.random.Generator], Array]  # whitened rows, k, generator: responsibilities (n, k)

_RUNS = 4
_ITERATIONS = 20
_SAMPLE = 2000  # Ward's criterion looks at every pair


def k_means(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """The tightest of a few k-means clusterings."""
    runs = [_cluster(points, n_components, generator) for _ in range(_RUNS)]
    return _one_hot(min(runs, key=lambda run: run[0])[1], n_components)


def k_means_plus_plus(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """The cells of k-means++ seeds."""
    return nearest(points.vectors, _seeds(points, n_components, generator))


def random_from_data(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """The cells of k different vectors, drawn by weight."""
    return nearest(points.vectors, points.vectors[_draw(points, n_components, generator)])


def random(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """Random shares: a saddle that EM leaves slowly, and the protocol of many papers."""
    return generator.dirichlet(np.ones(n_components), size=len(points.weights))


def hierarchical(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """The k clusters of a sample's tree by Ward's criterion."""
    chosen = np.sort(_draw(points, min(len(points.weights), _SAMPLE), generator))
    sample = points.vectors[chosen]
    labels = fcluster(ward(sample), n_components, "maxclust") - 1 if len(sample) > 1 else np.zeros(1, np.intp)
    centres = [
        np.average(sample[labels == k], axis=0, weights=points.weights[chosen][labels == k]) for k in np.unique(labels)
    ]
    return _one_hot(_nearest(points.vectors, np.stack(centres)), n_components)


_BY_NAME: Mapping[str, Method] = {
    "kmeans": k_means,
    "k-means++": k_means_plus_plus,
    "hierarchical": hierarchical,
    "random_from_data": random_from_data,
    "random": random,
}


def by_name(name: str) -> Method:
    """The way to start of that name. Raises ValueError for a name that is none."""
    if name not in _BY_NAME:
        raise ValueError(f"init_params is {name!r}; it must be one of {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def nearest(points: Array, centres: Array) -> Array:
    """Responsibilities (n, k) that are 1 for the nearest centre (k, d) and 0 for the others."""
    return _one_hot(_nearest(points, centres), len(centres))


def _nearest(points: Array, centres: Array) -> Labels:
    return vq(points, centres, check_finite=False)[0].astype(np.intp)


def _one_hot(labels: Labels, n_components: int) -> Array:
    return np.eye(n_components)[labels]


def _draw(points: Rows, count: int, generator: np.random.Generator) -> Labels:
    chances = points.weights / points.weights.sum()
    return generator.choice(len(chances), count, replace=False, p=np.maximum(chances, np.finfo(float).tiny))


def _cluster(points: Rows, n_components: int, generator: np.random.Generator) -> tuple[float, Labels]:
    """(weighted sum of squared distances, labels) of one k-means run."""
    seeds = _seeds(points, n_components, generator)
    try:
        centres, _ = kmeans2(points.vectors, seeds, iter=_ITERATIONS, minit="matrix", missing="raise")
    except ClusterError:  # a cluster ran empty, as it must where there are fewer distinct points than components
        centres = seeds
    labels, distances = vq(points.vectors, centres, check_finite=False)
    return float(points.weights @ distances**2), labels.astype(np.intp)


def _seeds(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """k-means++: each next seed drawn by its squared distance from the nearest one so far."""
    vectors, weights = points
    chosen = [int(generator.choice(len(vectors), p=weights / weights.sum()))]
    distance = np.full(len(vectors), np.inf)
    while len(chosen) < n_components:
        distance = np.minimum(distance, np.square(vectors - vectors[chosen[-1]]).sum(axis=1))
        chance = weights * distance
        chance = chance if chance.any() else weights
        chosen.append(int(generator.choice(len(vectors), p=chance / chance.sum())))
    return np.asarray(vectors[chosen])
