"""The rings lie where the model's covariances say, by numpy and scipy from the model's own values."""

import numpy as np
import pytest
from scipy.stats import chi2

from streamgmm.drift import monitor
from streamgmm.engine.values import Live
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from tests.page.shown import Shown, sample_of, settings_for, snapshot_of

D, K = 3, 4
LIST = "() => window.streamgmm.drawList"
READY = "(y) => window.streamgmm.drawList && window.streamgmm.state.frame.view.y.key === y"


def model(name: str) -> tuple[Live, np.ndarray]:
    """A model with covariances of this type, and these as full matrices (k, d, d)."""
    random, covariance = np.random.default_rng(7), covariances.by_name(name)
    vectors = np.concatenate(
        [random.normal(5 * i, [1, 2, 0.5], (60, D)) @ random.normal(0, 1, (D, D)) for i in range(K)]
    )
    learning = stepwise_em.Learning(covariance, batch_size=100)
    mixture = stepwise_em.init(vectors, K, learning)
    drift = monitor.freeze(monitor.init(), mixture.parameters, np.arange(K), steps=1, learnt=200.0)
    return Live(mixture, np.arange(K), 0, 0.1, drift), full(covariance, mixture.parameters)


def full(covariance: Covariance, parameters: Parameters) -> np.ndarray:
    given = parameters.covariances
    if covariance.name == "full":
        return given
    if covariance.name == "tied":
        return np.stack([given] * K)
    return np.stack([np.diag(np.broadcast_to(row, D)) for row in given])


def ring(ellipse: dict[str, float], plot: dict[str, object]) -> np.ndarray:
    """Places (n, 2) on a drawn ring, in the coordinates of its axes."""
    angle, turn = np.linspace(0, 2 * np.pi, 33), ellipse["turn"]
    along, across = ellipse["rx"] * np.cos(angle), ellipse["ry"] * np.sin(angle)
    x = ellipse["x"] + np.cos(turn) * along - np.sin(turn) * across
    y = ellipse["y"] + np.sin(turn) * along + np.cos(turn) * across
    return np.stack(
        [plot["x"][0] + (x - plot["left"]) / plot["sx"], plot["y"][0] + (plot["bottom"] - y) / plot["sy"]], 1
    )  # type: ignore[index]


def mahalanobis(places: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    off = places - mean
    return np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off)


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical"])
def test_rings_of_two_features_hold_what_they_say(open_page, name: str) -> None:
    live, sigma = model(name)
    settings = settings_for(["a", "b", "c"], K, model={"n_components": K, "covariance_type": name})
    with Shown(settings) as shown:
        shown.show(snapshot_of(settings, live), live, (sample_of_full(live, sigma),))
        page = open_page(f"{shown.address}?x=2&y=1")
        page.wait_for_function(READY, arg="1")
        drawn = page.evaluate(LIST)
    assert len(drawn["ellipses"]) == 2 * K
    for ellipse in drawn["ellipses"]:
        k, axes = ellipse["id"], [2, 1]
        mean, part = live.mixture.parameters.means[k][axes], sigma[k][np.ix_(axes, axes)]
        assert mahalanobis(ring(ellipse, drawn["plot"]), mean, part) == pytest.approx(
            chi2.ppf(ellipse["share"], 2), rel=1e-6
        )


def test_rings_of_principal_axes_are_the_projected_covariances_and_the_axes_are_the_references(open_page) -> None:
    live, sigma = model("full")
    settings = settings_for(["a", "b", "c"], K, model={"n_components": K})
    parameters = live.mixture.parameters
    mean = parameters.weights @ parameters.means
    off = parameters.means - mean
    total = np.einsum("k,kij->ij", parameters.weights, sigma + off[:, :, None] * off[:, None, :])
    scale = np.sqrt(np.diag(total))
    values, vectors = np.linalg.eigh(total / np.outer(scale, scale))
    axes = vectors.T[::-1][:2] / scale
    with Shown(settings) as shown:
        shown.show(snapshot_of(settings, live), live, (sample_of_full(live, sigma),))
        page = open_page(f"{shown.address}?x=p0&y=p1")
        page.wait_for_function(READY, arg="p1")
        drawn = page.evaluate(LIST)
        shares = page.evaluate(
            "() => [window.streamgmm.state.frame.view.x.share, window.streamgmm.state.frame.view.y.share]"
        )
    assert shares == pytest.approx((values[::-1] / values.sum())[:2].tolist())
    for ellipse in drawn["ellipses"]:
        k = ellipse["id"]
        signs = np.sign(vectors.T[::-1][:2][[0, 1], np.abs(vectors.T[::-1][:2]).argmax(axis=1)])
        turned = axes * signs[:, None]
        found = mahalanobis(
            ring(ellipse, drawn["plot"]), turned @ (parameters.means[k] - mean), turned @ sigma[k] @ turned.T
        )
        assert found == pytest.approx(chi2.ppf(ellipse["share"], 2), rel=1e-6)


def test_points_are_drawn_where_the_vectors_are(open_page) -> None:
    live, sigma = model("full")
    settings = settings_for(["a", "b", "c"], K, model={"n_components": K})
    sample = sample_of_full(live, sigma)
    with Shown(settings) as shown:
        shown.show(snapshot_of(settings, live), live, (sample,))
        page = open_page(shown.address)
        page.wait_for_function(READY, arg="1")
        drawn = page.evaluate(LIST)
    plot = drawn["plot"]
    for point in drawn["points"]:
        x = plot["x"][0] + (point["x"] - plot["left"]) / plot["sx"]
        y = plot["y"][0] + (plot["bottom"] - point["y"]) / plot["sy"]
        assert (x, y) == pytest.approx(tuple(sample.vectors[point["number"]][:2]), abs=0.02)
    assert len(drawn["points"]) > 50


def sample_of_full(live: Live, sigma: np.ndarray) -> object:
    variances = np.stack([np.diag(one) for one in sigma])
    parameters = live.mixture.parameters._replace(covariances=variances)
    return sample_of(live._replace(mixture=live.mixture._replace(parameters=parameters)), 64)
