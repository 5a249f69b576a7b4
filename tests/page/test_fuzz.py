"""Whatever is asked of the API, the answer is no server error, and is as the description says."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

ENDLESS = "/api/v1/live"  # it answers for as long as it is read


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Shown(settings_for(("a", "b"), 3)) as shown:
        live = model_of_size(3, 2)
        for seed in range(5):
            shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 20, seed),))
        yield shown.address


@pytest.fixture(scope="module")
def api(address: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{address}/openapi.json").include(path_regex="^/api/").exclude(path=ENDLESS)


def test_nothing_that_is_asked_breaks_it(api: schemathesis.BaseSchema) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) == 7
    for operation in operations:
        whatever_is_asked(operation)


def whatever_is_asked(operation: schemathesis.APIOperation) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=[not_a_server_error, status_code_conformance, response_schema_conformance])

    ask()


@pytest.mark.parametrize("query", ["x=-1", "x=p", "x=1e3", "y=%00", "x=" + "9" * 400, "y=<script>", "x=999999"])
def test_axes_that_are_none_are_refused(address: str, query: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}{ENDLESS}?{query}", timeout=10)
    assert refused.value.code == 422
    refused.value.close()


def test_axes_that_the_model_does_not_have_are_its_first(address: str) -> None:
    with urllib.request.urlopen(f"{address}/api/v1/frames/1?x=99999&y=p7", timeout=10) as answer:
        assert b'"key":"0"' in answer.read()
