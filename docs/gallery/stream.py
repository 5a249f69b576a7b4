"""Components that move with a drifting stream."""

import numpy as np
from matplotlib.figure import Figure

from docs.gallery.style import COLOURS, bare, ellipse, panels, points
from streamgmm import StreamingGaussianMixture
from streamgmm.mixture.arrays import Array

NAME = "stream"
_BATCHES, _SHOWN = 60, (0, 19, 39, 59)


def draw() -> Figure:
    """Four moments of one stream: what came in lately, the components, and the way that their means have gone."""
    generator = np.random.default_rng(0)
    model = StreamingGaussianMixture(3, batch_size=100, half_life=300, random_state=0)
    figure, moments = panels(len(_SHOWN), height=2.9)
    shown, ways, recent = iter(moments), [], np.zeros((0, 2))
    for batch in range(_BATCHES):
        vectors = _vectors(batch / (_BATCHES - 1), generator)
        model.partial_fit(vectors)
        recent = np.concatenate([recent, vectors])[-400:]
        ways.append(model.means_)
        if batch in _SHOWN:
            axes = next(shown)
            bare(axes)
            axes.set(xlim=(-6.6, 6.6), ylim=(-6.2, 6.8), title=f"after {100 * (batch + 1):,} vectors")
            points(axes, recent, np.array(COLOURS)[model.predict(recent)], size=5, alpha=0.45)
            for k, colour in enumerate(COLOURS[:3]):
                ellipse(axes, model.means_[k], model.covariances_[k], colour)
                axes.plot(*np.array(ways)[:, k].T, color=colour, linewidth=2.2)
    return figure


def _vectors(moment: float, generator: np.random.Generator) -> Array:
    """A hundred vectors of three clusters: two circle each other, one stays and spreads. `moment` is from 0 to 1."""
    angle = np.pi * (0.15 + 0.9 * moment)
    way = 4.2 * np.array([np.cos(angle), np.sin(angle)])
    centres = np.array([way, -way, [0.0, 0.0]])
    spread = np.array([[0.8, 0.5], [0.6, 0.8], [0.5 + 0.6 * moment, 0.5]])
    which = generator.integers(3, size=100)
    return np.asarray(centres[which] + generator.normal(size=(100, 2)) * spread[which])
