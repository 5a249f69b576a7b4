"""The page's keys, and the browser's own where something scrolls."""

from playwright.sync_api import expect

from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

NOW = "() => [window.streamgmm.state.view.at, window.streamgmm.state.past]"


def test_a_table_that_scrolls_keeps_the_keys_it_scrolls_by(open_page) -> None:
    live = model_of_size(24, 2)
    with Shown(settings_for(("APM", "latency"), 24)) as shown:
        for seed in range(3):
            shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 20, seed),))
        page = open_page(f"{shown.address}?focus=1", viewport={"width": 700, "height": 900})
        table = page.locator(".matrix .scroll")
        table.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.querySelector('.matrix .scroll').scrollLeft > 0")
        page.keyboard.press("Space")
        assert page.evaluate(NOW) == [None, None]
        page.keyboard.press("d")
        assert page.evaluate("() => window.streamgmm.state.view.theme") != "auto"
        page.keyboard.press("Escape")
        assert page.evaluate("() => window.streamgmm.state.view.focus") is None


def test_a_letter_is_a_key_whatever_its_case(open_page) -> None:
    with Shown(settings_for(("APM", "latency"), 2)) as shown:
        live = model_of_size(2, 2)
        shown.show(snapshot_of(shown.settings, live), live)
        page = open_page(shown.address, color_scheme="light")
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        page.keyboard.press("Shift+D")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
