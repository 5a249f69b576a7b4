"""The docstrings say what there is: every parameter with its default, every attribute, every argument."""

import ast
import doctest
import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import streamgmm.estimator.streaming as module
from streamgmm import StreamingGaussianMixture

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
GIVEN = ("n_components", "covariance_type", "reg_covar", "tol", "max_iter", "n_init", "init_params", "weights_init")
GIVEN += ("means_init", "precisions_init", "random_state", "warm_start")
OURS = ("batch_size", "exponent", "delay", "half_life", "averaging", "reg_relative")
METHODS = ("fit", "fit_predict", "partial_fit", "predict", "predict_proba", "score_samples", "score", "sample", "bic")
METHODS += ("aic", "impute", "mahalanobis", "conditional", "settle")
ATTRIBUTES = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "converged_", "n_iter_")
ATTRIBUTES += ("lower_bound_", "n_features_in_", "feature_names_in_", "effective_sample_size_")


def section(docstring: str | None, title: str) -> dict[str, str]:
    """Names of a numpydoc section, and what stands behind their colons."""
    _, _, behind = inspect.cleandoc(docstring or "").partition(f"\n{title}\n{'-' * len(title)}\n")
    body = re.split(r"\n\n?[A-Z][A-Za-z ]+\n-+\n", behind)[0]
    return dict(re.findall(r"^(\*{0,2}\w+)(?: : (.*))?$", body, re.MULTILINE))


def public_methods() -> dict[str, object]:
    found = inspect.getmembers(StreamingGaussianMixture, inspect.isroutine)
    return {name: method for name, method in found if name[0] != "_" and method.__module__.startswith("streamgmm")}


def test_every_parameter_is_described_with_its_default() -> None:
    said = section(StreamingGaussianMixture.__doc__, "Parameters")
    parameters = StreamingGaussianMixture().get_params()
    assert said.keys() == parameters.keys() == {*GIVEN, *OURS}
    for name, default in parameters.items():
        assert ast.literal_eval(said[name].rpartition("default=")[2]) == default, name


def test_a_fitted_estimator_has_the_attributes_described_and_no_others() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 2))
    model = StreamingGaussianMixture(2, tol=1.0).fit(pd.DataFrame(vectors, columns=["a", "b"]))
    said = section(StreamingGaussianMixture.__doc__, "Attributes").keys()
    assert {name for name in vars(model) if name[-1] == "_" and name[0] != "_"} | {"precisions_"} == said
    assert set(ATTRIBUTES) <= said


@pytest.mark.parametrize("name", sorted(public_methods()))
def test_every_method_describes_its_arguments_and_what_it_returns(name: str) -> None:
    method = public_methods()[name]
    said = section(method.__doc__, "Parameters")  # type: ignore[attr-defined]
    taken = [
        argument for argument in inspect.signature(method).parameters.values() if argument.name not in ("self", "cls")
    ]  # type: ignore[arg-type]
    assert {given.lstrip("*") for given in said} == {argument.name for argument in taken}
    for argument in taken:
        if argument.default not in (inspect.Parameter.empty, None) or argument.default == 1:
            assert f"default={argument.default!r}" in said[argument.name]
    assert section(method.__doc__, "Returns")  # type: ignore[attr-defined]


def test_every_name_that_is_promised_is_there() -> None:
    assert all(callable(getattr(StreamingGaussianMixture, name)) for name in METHODS)


def test_the_example_runs() -> None:
    tried = doctest.testmod(module, raise_on_error=False)
    assert tried.attempted >= 5
    assert tried.failed == 0
