"""The form that asks for the token: used as people use it, and refused access seen from an open page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from tests.page.axe import serious
from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

OPEN_TO_OTHERS = {"host": "0.0.0.0"}
SECRET = "s3cret <b>"


@pytest.fixture
def closed() -> Iterator[Shown]:
    with serving() as shown:
        yield shown


def serving(port: int = 0, **http: object) -> Shown:
    http = {**OPEN_TO_OTHERS, "token": SecretStr(SECRET), **http}
    return Shown(settings_for(("APM", "latency"), 2, http=http), port)


def running(shown: Shown) -> str:
    """The address of a service that runs, on this machine."""
    live = model_of_size(2, 2)
    shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 60),))
    return f"http://127.0.0.1:{shown.address.rpartition(':')[2]}"


def test_a_moment_that_is_refused_for_want_of_a_token_says_so(open_page) -> None:
    with serving() as shown:
        address = running(shown)
        for _ in range(5):
            running(shown)
        page = open_page(address)
        page.get_by_label("Token").fill(SECRET)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("status")).to_have_text("running")
        page.context.clear_cookies()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("alert")).to_contain_text("the service asks for its token")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_is_for_everybody_and_lets_in_who_has_the_token(closed: Shown, open_page, scheme: str) -> None:
    page = open_page(f"{running(closed)}/?x=1", color_scheme=scheme, bypass_csp=True)
    expect(page.get_by_label("Token")).to_be_focused()
    assert serious(page) == []
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    assert serious(page) == []
    page.get_by_label("Token").fill(SECRET)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("status")).to_have_text("running")
    assert page.url.endswith("/?x=1")


def test_without_a_token_it_says_what_to_set(open_page) -> None:
    with serving(token=SecretStr("")) as shown:
        page = open_page(running(shown), bypass_csp=True)
        expect(page.get_by_role("alert")).to_contain_text("set http.token")
        expect(page.get_by_label("Token")).to_be_hidden()
        assert serious(page) == []


def test_an_open_page_that_is_no_longer_let_in_says_so_and_comes_back_with_the_cookie(open_page) -> None:
    with serving() as shown:
        address = running(shown)
        port = int(address.rpartition(":")[2])
        page = open_page(address, bypass_csp=True)
        page.get_by_label("Token").fill(SECRET)
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("running")
        cookies = page.context.cookies()
        page.context.clear_cookies()
    with serving(port) as shown:
        running(shown)
        expect(page.get_by_role("status")).to_have_text("not logged in")
        expect(page.locator(".banner")).to_contain_text(
            "The service asks for its token: load the page again to log in."
        )
        expect(page.locator(".grid.stale .card")).to_have_count(2)
        assert serious(page) == []
        page.context.add_cookies(cookies)
        expect(page.get_by_role("status")).to_have_text("running")


def test_a_service_that_is_opened_to_all_asks_nothing(open_page) -> None:
    with serving(public_read=True, token=SecretStr("")) as shown:
        page = open_page(running(shown))
        expect(page.get_by_role("status")).to_have_text("running")
