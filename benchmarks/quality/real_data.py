"""Point 3: clusters that people have named, found without the names, beside scikit-learn's batch EM.

Features are standardised; the languages' are reduced to 12 principal components. Both sides get the same rows, seeds
and number of starts, and every other setting as it comes. Penguins: scikit-learn takes no NaN, so it gets the 342
complete rows; ours all 344. Both are judged on the complete ones.
"""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from benchmarks.harness.results import Result
from benchmarks.quality.truth import Matrix, Sample
from streamgmm import StreamingGaussianMixture

PEER = "scikit-learn, batch EM"
LESS = 0.02  # of the index
_FOLDER = Path(__file__).parents[1] / "data"


class Set(NamedTuple):
    """A file of `data/`: which column names the clusters, which hold features, how many there are of both."""

    file: str
    label: str
    features: slice
    components: int
    principal: int | None = None  # components to reduce the features to


SETS = {
    "penguins": Set("penguins.csv", "species", slice(2, 6), 3),
    "iris": Set("iris.csv", "label", slice(0, 4), 3),
    "wine": Set("wine.csv", "label", slice(0, 13), 3),
    "motion windows": Set("motion_windows.csv", "activity", slice(3, 9), 4),
    "music styles": Set("music_styles.csv", "style", slice(1, 13), 5),
    "languages": Set("language_letters.csv", "language", slice(1, 29), 16, principal=12),
}


def results(name: str, n_init: int, seeds: int) -> Iterator[Result]:
    """Of one set, with so many starts."""
    source, case = SETS[name], f"{name}, n_init {n_init}"
    sample = read(source)
    complete = ~np.isnan(sample.vectors).any(axis=1)
    judged, ours, peer = Sample(sample.vectors[complete], sample.labels[complete]), [], []
    for seed in range(seeds):
        options = {"n_components": source.components, "n_init": n_init, "random_state": seed}
        ours.append(_index(StreamingGaussianMixture(**options), sample.vectors, judged))
        peer.append(_index(GaussianMixture(**options), judged.vectors, judged))
    floor = round(median(peer) - LESS, 4)
    yield Result(case, "index, median", "ARI", median(ours)).against(PEER, median(peer)).at_least(floor)
    yield Result(case, "index, worst", "ARI", min(ours)).against(PEER, min(peer))


def read(source: Set) -> Sample:
    """Features as they are clustered, and labels."""
    with (_FOLDER / source.file).open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    values = np.array([[_number(cell) for cell in row[source.features]] for row in rows])
    scaled: Matrix = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    if source.principal is not None:
        scaled = PCA(source.principal, random_state=0).fit_transform(scaled)
    names = [row[head.index(source.label)] for row in rows]
    return Sample(scaled, np.unique(names, return_inverse=True)[1])


def _number(cell: str) -> float:
    return float(cell) if cell not in ("", "NA") else np.nan


def _index(model: StreamingGaussianMixture | GaussianMixture, learnt: Matrix, judged: Sample) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(learnt)
    return float(adjusted_rand_score(judged.labels, model.predict(judged.vectors)))
