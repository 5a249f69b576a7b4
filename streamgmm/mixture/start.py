"""Ways to start: each gives every vector of a buffer to components, before there is a model.

| name | each vector goes to |
| --- | --- |
| kmeans | its cluster by k-means from k-means++ seeds that a local search has moved, in the tightest of 8 runs,
of fewer above 30 components; of several starts all but the first take one plain run each (see `again`) |
| k-means++ | the nearest of k seeds drawn by k-means++ (Arthur and Vassilvitskii 2007) |
| hierarchical | its cluster by Ward's criterion (1963), of at most 2 000 vectors; the others to the nearest mean |
| random_from_data | the nearest of k vectors drawn at random |
| random | every component, in random shares |

Vectors come whitened, so that no feature's unit counts for more than another's. `by_name` is the only place where a
name chooses; the names are scikit-learn's, `hierarchical` is ours.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import Rows

Labels = NDArray[np.intp]
Method = Callable[[Rows, int, np.random.Generator], Array]  # whitened rows, k, generator: responsibilities (n, k)

_ITERATIONS = 100
_RUNS = 8  # at most; of one alone, one in a hundred to one in three merges two clusters and cuts another
_SEEDS = 240  # of all runs, unless one has more: among many clusters one that is cut wrongly costs little
_SAMPLE = 2000  # Ward's criterion looks at every pair


def k_means(points: Rows, n_components: int, generator: np.random.Generator, *, n_runs: int | None = None) -> Array:
    """A k-means clustering, the tightest of `n_runs`; of as many as `_RUNS` and `_SEEDS` say without a number."""
    count = n_runs or min(_RUNS, max(1, _SEEDS // n_components))
    runs = [_cluster(points, n_components, generator) for _ in range(count)]
    return _one_hot(min(runs, key=lambda run: run[0])[1], n_components)


def one_run(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """A k-means clustering by one run, its seeds as k-means++ draws them."""
    seeds = _seeds(points, n_components, generator)
    return _one_hot(_lloyd(points, seeds)[1], n_components)


def again(method: Method) -> Method:
    """The way of every start but the first, which must not end where that did.

    The tightest of many clusterings is nearly always the same one; a looser one may lead to a likelier mixture.
    """
    return one_run if method is k_means else method


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
    """The k clusters of a sample's tree by Ward's criterion, which knows no weights but those that drew the sample."""
    from scipy.cluster.hierarchy import fcluster, ward  # noqa: PLC0415 - see `_cells`

    chosen = np.sort(_draw(points, min(len(points.weights), _SAMPLE), generator))
    sample = points.vectors[chosen]
    labels = fcluster(ward(sample), n_components, "maxclust") if len(sample) > 1 else np.ones(1)
    centres = [sample[labels == label].mean(axis=0) for label in np.unique(labels)]
    return _one_hot(_cells(points.vectors, np.stack(centres))[0], n_components)


_BY_NAME: Mapping[str, Method] = {
    "kmeans": k_means,
    "k-means++": k_means_plus_plus,
    "hierarchical": hierarchical,
    "random_from_data": random_from_data,
    "random": random,
}


def by_name(name: str) -> Method:
    """The way to start of that name. Raises ValueError for a name that is none."""
    return bounds.option("init_params", name, _BY_NAME)


def nearest(points: Array, centres: Array) -> Array:
    """Responsibilities (n, k) that are 1 for the nearest centre (k, d) and 0 for the others."""
    return _one_hot(_cells(points, centres)[0], len(centres))


def _cells(points: Array, centres: Array) -> tuple[Labels, Array]:
    """Of each point (n, d) the nearest of the centres (k, d) and its distance."""
    from scipy.cluster.vq import vq  # noqa: PLC0415 - scipy takes .3 s to load, which a restored model does without

    labels, distances = vq(points, centres, check_finite=False)
    return labels.astype(np.intp), distances


def _one_hot(labels: Labels, n_components: int) -> Array:
    return np.eye(n_components)[labels]


def _draw(points: Rows, count: int, generator: np.random.Generator) -> Labels:
    chances = points.weights / points.weights.sum()
    return generator.choice(len(chances), count, replace=False, p=np.maximum(chances, np.finfo(float).tiny))


def _cluster(points: Rows, n_components: int, generator: np.random.Generator) -> tuple[float, Labels]:
    """(weighted sum of squared distances, labels) of one k-means run whose seeds a local search has moved."""
    return _lloyd(points, _moved(points, _seeds(points, n_components, generator), generator))


def _lloyd(points: Rows, centres: Array) -> tuple[float, Labels]:
    """(weighted sum of squared distances, labels) by k-means from these centres (Lloyd 1982)."""
    labels, distances = _cells(points.vectors, centres)
    for _ in range(_ITERATIONS):
        last, centres = labels, _centres(points, labels, centres)
        labels, distances = _cells(points.vectors, centres)
        if np.array_equal(labels, last):
            break
    return float(points.weights @ distances**2), labels


def _centres(points: Rows, labels: Labels, last: Array) -> Array:
    """Weighted means of the clusters; an empty one stays where it was."""
    mass = np.bincount(labels, points.weights, len(last))[:, None]
    sums = [np.bincount(labels, points.weights * feature, len(last)) for feature in points.vectors.T]
    return np.divide(np.stack(sums, axis=1), mass, out=last.copy(), where=mass > 0)


def _seeds(points: Rows, n_components: int, generator: np.random.Generator) -> Array:
    """Greedy k-means++: each next seed the best of a few that are drawn by squared distance from the nearest so far."""
    vectors, weights = points
    count = 2 + int(np.log(n_components))
    chosen = generator.choice(len(vectors), 1, p=weights / weights.sum())
    distance = _squared_distances(vectors, vectors[chosen])[0]
    while len(chosen) < n_components:
        chance = weights * distance
        chance = chance if chance.any() else weights
        drawn = generator.choice(len(vectors), count, p=chance / chance.sum())
        closer = np.minimum(distance, _squared_distances(vectors, vectors[drawn]))
        best = int(np.argmin(closer @ weights))
        chosen, distance = np.append(chosen, drawn[best]), closer[best]
    return np.asarray(vectors[chosen])


def _moved(points: Rows, seeds: Array, generator: np.random.Generator) -> Array:
    """Local search (Lattanzi and Sohler 2019): k times a vector is drawn, by its squared distance from the nearest
    seed, and takes the place of the seed that is missed least, if that brings the whole nearer.

    Lloyd's iterations move no centre from a cluster that has two to one that has none; this does.
    """
    vectors, weights = points
    distances, centres = _squared_distances(vectors, seeds), seeds.copy()
    near = _two_nearest(distances)
    for _ in range(len(seeds) if len(seeds) > 1 else 0):
        chance = weights * near.distance
        if not chance.any():
            break
        drawn = generator.choice(len(vectors), 1, p=chance / chance.sum())
        closer = _squared_distances(vectors, vectors[drawn])[0]
        missed, total = _without_one(near, closer, weights, len(seeds))
        if total < chance.sum():
            centres[missed], distances[missed] = vectors[drawn[0]], closer
            near = _after_move(near, distances, missed)
    return centres


class _Near(NamedTuple):
    """Of each vector the nearest of the seeds, and the next."""

    seed: Labels  # (n,)
    distance: Array  # (n,) squared, to the nearest
    next_seed: Labels  # (n,)
    next_distance: Array  # (n,)


def _two_nearest(distances: Array) -> _Near:
    """Of squared distances (k, n) from at least two seeds."""
    seed, places = distances.argmin(axis=0), np.arange(distances.shape[1])
    others = distances.copy()
    others[seed, places] = np.inf
    next_seed = others.argmin(axis=0)
    return _Near(seed, distances[seed, places], next_seed, distances[next_seed, places])


def _after_move(near: _Near, distances: Array, moved: int) -> _Near:
    """The same after one seed was moved. Only vectors that it was near to, or has come near to, are looked at again:
    so a move costs what a seed does, not what all of them do.
    """
    was_near = (near.seed == moved) | (near.next_seed == moved)
    anew = np.flatnonzero(was_near | (distances[moved] <= near.next_distance))
    found = _Near(near.seed.copy(), near.distance.copy(), near.next_seed.copy(), near.next_distance.copy())
    for whole, part in zip(found, _two_nearest(distances[:, anew]), strict=True):
        whole[anew] = part
    return found


def _without_one(near: _Near, closer: Array, weights: Array, n_seeds: int) -> tuple[int, float]:
    """Which seed is missed least where a new one is at squared distances `closer` (n,), and the sum without it."""
    with_all = np.minimum(near.distance, closer)
    losses = weights * (np.minimum(near.next_distance, closer) - with_all)
    by_seed = np.bincount(near.seed, losses, n_seeds)
    return int(by_seed.argmin()), float(weights @ with_all + by_seed.min())


def _squared_distances(vectors: Array, others: Array) -> Array:
    """From each of the others (m, d) to each vector (n, d): (m, n)."""
    return np.stack([np.square(vectors - other).sum(axis=1) for other in others])
