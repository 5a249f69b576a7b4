"""Whatever the service is in, and whatever its model is like, the page looks like it and stays usable."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from streamgmm.engine import step as engine
from streamgmm.engine.values import Event
from streamgmm.mixture.vacancy import vacated
from streamgmm.service.live import pages
from streamgmm.service.live.steady import READABLE
from streamgmm.service.publisher import Committed
from streamgmm.service.snapshot import DiagnosisView, StatisticView, Totals, TransformView
from tests.engine import streams
from tests.page.axe import serious
from tests.page.shown import Shown, live_of, model_of_size, sample_of, settings_for, snapshot_of
from tests.service.snapshots import NO_DRIFT

TWO = ("APM", "latency")
DRAWN = "() => window.streamgmm.drawList && window.streamgmm.drawList.ellipses.length"
SHOWN = "(number) => window.streamgmm.state.frame.number === number"
ROWS = """(name) => {  // of pixels that a line of the theme's colour goes along in the first chart of drift
  const canvas = document.querySelector(".drift .chart canvas"), { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const given = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const colour = [1, 3, 5].map((i) => Number.parseInt(given.slice(i, i + 2), 16));
  const alike = (at) => data[at + 3] > 100 && colour.every((part, i) => Math.abs(part - data[at + i]) < 40);
  const pixels = (row) => Array.from({ length: width }, (_, x) => 4 * (row * width + x));
  return Array.from({ length: height }, (_, row) => row).filter((row) => pixels(row).filter(alike).length > width / 8);
}"""
OF = "(count) => window.streamgmm.drawList && window.streamgmm.drawList.ellipses.length === count"


def running(shown: Shown, k: int = 3, **changes: object) -> None:
    live = model_of_size(k, len(shown.settings.input.features))
    shown.show(snapshot_of(shown.settings, live, **changes), live, (sample_of(live, 60),))


GATHERING = {"phase": "warming_up"}
NONE_WAITS = {"lag": {0: 0}}
SOME = Totals(records=9, published=9, rejected={}, vectors=9, skipped=0)
LOOKS = [  # what the service is in: the word, its colour, what the banner says, whether the picture is a past one's
    ({"phase": "starting", "detail": "loading"}, False, "starting", "watch", "The service starts: loading.", True),
    ({**GATHERING, "warm_up": (0, 400), **NONE_WAITS}, False, "waiting", "calm", "Nothing has arrived yet", False),
    (
        {**GATHERING, "warm_up": (0, 400), "lag": {0: 59_100}},
        False,
        "warming up",
        "calm",
        "59,100 records wait, and the first of them are being read",
        False,
    ),
    ({**GATHERING, "warm_up": (100, 400)}, False, "warming up", "calm", "100 of 400 (25 %)", False),
    ({**GATHERING, "idle": 20, "lag": {0: 59_100}}, False, "busy", "watch", "59,100 records wait", False),
    (
        {"phase": "restoring", "detail": "reading"},
        True,
        "restoring",
        "watch",
        "from its last checkpoint: reading",
        True,
    ),
    ({"phase": "running"}, True, "running", "good", None, False),
    ({"idle": 20, **NONE_WAITS}, True, "quiet", "calm", "No record has arrived for 20 s. The service", False),
    (
        {"idle": 20, "lag": {0: 40, 1: 2}},
        True,
        "busy",
        "watch",
        "42 records wait, and none has been learnt for 40",
        False,
    ),
    ({"idle": 1_260, "lag": {0: 626_600}}, True, "standing still", "bad", "626,600 records wait, and none", False),
    (
        {"idle": 1_260, "lag": {0: 626_600}, "frozen": True},
        True,
        "standing still",
        "bad",
        "626,600 records wait",
        False,
    ),
    ({"frozen": True}, True, "frozen", "calm", "The model is frozen (learning.frozen): vectors are assigned", False),
    ({"idle": 20, "frozen": True, **NONE_WAITS}, True, "frozen", "calm", "No record has arrived for", False),
    ({"phase": "disconnected", "detail": "h:1"}, True, "no broker", "bad", "not reached its broker yet", True),
    (
        {"phase": "disconnected", "detail": "h:1", "totals": SOME},
        True,
        "no broker",
        "bad",
        "lost its broker and goes on",
        True,
    ),
    (
        {"phase": "draining", "detail": "told to stop"},
        True,
        "stopping",
        "watch",
        "The service ends: told to stop",
        False,
    ),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whatever_the_service_is_in_the_page_looks_like_it_and_axe_finds_nothing_serious(open_page, scheme) -> None:
    now = [1.7e9]
    with Shown(settings_for(TWO, 3), clock=lambda: now[0]) as shown:
        page = open_page(shown.address, color_scheme=scheme, bypass_csp=True)
        for given, has_model, word, tone, text, stale in LOOKS:
            changes, live = dict(given), model_of_size(3, 2) if has_model else None
            idle = changes.pop("idle", 0)
            now[0] += idle or 0.5
            shown.show(snapshot_of(shown.settings, live, **changes), live, records=int(not idle))
            expect(page.get_by_role("status")).to_have_text(word)
            expect(page.get_by_role("status")).to_have_class(f"status {tone}")
            expect(page.locator(".banner")).to_have_count(1 if text else 0)
            if text:
                expect(page.locator(".banner")).to_contain_text(text)
                expect(page.locator(".banner")).to_have_class(f"banner {tone}")
            expect(page.locator(".grid.stale")).to_have_count(int(stale))
            expect(page.locator(".scatter canvas")).to_have_count(int(has_model))
            claimed = has_model and not stale and tone != "bad"  # nothing is said of drift where nothing is seen of it
            expect(page.locator(".sentence")).to_have_count(int(claimed))
            assert serious(page, "header.top", ".banner", ".steps") == [], word  # the rest is as in test_demo


def test_a_page_that_has_no_answer_yet_says_so(open_page) -> None:
    answers: list[bool] = []
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown)

        def silent(route: Route) -> None:
            if answers:
                route.continue_()
            else:
                route.abort()

        page = open_page(shown.address, prepare=lambda page: page.route("**/api/v1/live*", silent), bypass_csp=True)
        expect(page.get_by_role("status")).to_have_text("connecting")
        expect(page.get_by_role("status")).to_have_class("status watch")
        expect(page.locator(".banner")).to_have_text("Waiting for the service to answer.")
        assert serious(page) == []
        answers.append(True)
        expect(page.get_by_role("status")).to_have_text("running")


def test_an_empty_service_waits_and_a_warming_one_shows_how_far_it_is(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        shown.show(snapshot_of(shown.settings, None, phase="warming_up", warm_up=(0, 400), lag={0: 0}))
        page = open_page(shown.address)
        expect(page.locator(".banner")).to_contain_text("Nothing has arrived yet")
        shown.show(snapshot_of(shown.settings, None, phase="warming_up", warm_up=(100, 400)))
        expect(page.locator(".banner")).to_contain_text("100 of 400 (25 %)")
        assert page.locator("progress").first.get_attribute("value") == "0.25"
        running(shown)
        expect(page.locator(".banner")).to_have_count(0)
        page.wait_for_function(DRAWN)


def test_a_service_that_went_away_is_noticed_and_found_again(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        for _ in range(5):
            running(shown)
        page = open_page(shown.address)
        expect(page.get_by_role("status")).to_have_text("running")
        port = int(shown.address.rpartition(":")[2])
    expect(page.get_by_role("status")).to_have_text("no connection")
    expect(page.locator(".banner")).to_contain_text("this is the last that it showed")
    assert page.evaluate(DRAWN) == 6
    with Shown(settings_for(TWO, 2), port) as shown:
        running(shown, k=5)
        expect(page.get_by_role("status")).to_have_text("running")
        page.wait_for_function(OF, arg=10)
        numbers = page.evaluate("() => window.streamgmm.state.history.rows.map(({ number }) => number)")
        assert numbers == sorted(set(numbers))  # of this service alone: it knows no others


def test_a_service_that_takes_long_to_start_is_not_taken_for_one_that_is_gone(open_page, monkeypatch) -> None:
    monkeypatch.setattr(pages, "KEEP_ALIVE", 0.1)
    with Shown(settings_for(TWO, 2)) as shown:
        shown.show(snapshot_of(shown.settings, None, phase="starting", detail="loading compiled code"))
        page = open_page(shown.address, prepare=counting)
        expect(page.get_by_role("status")).to_have_text("starting")
        for seconds in range(10, 70, 10):
            heard = page.evaluate("() => window.heard")
            page.wait_for_function("(before) => window.heard > before", arg=heard)
            page.clock.fast_forward(9_000)
            assert page.get_by_role("status").inner_text() == "starting", seconds
        assert page.evaluate("() => window.opened") == 1


def counting(page: Page) -> None:
    """A clock of the test's own, and counts of the streams that were opened and of the words that came without news."""
    page.clock.install()
    page.add_init_script("""
      const Stream = window.EventSource;
      window.opened = window.heard = 0;
      window.EventSource = class extends Stream {
        constructor(...given) {
          super(...given);
          window.opened += 1;
          this.addEventListener("here", () => { window.heard += 1; });
        }
      };
    """)


def test_a_page_too_many_says_so_and_comes_back(open_page, monkeypatch) -> None:
    monkeypatch.setattr(pages, "MOST_PAGES", 0)
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown)
        page = open_page(shown.address)
        expect(page.get_by_role("status")).to_have_text("no room")
        expect(page.get_by_role("status")).to_have_class("status bad")
        expect(page.locator(".banner")).to_contain_text("As many pages are open as the service serves.")
        monkeypatch.setattr(pages, "MOST_PAGES", 1)
        expect(page.get_by_role("status")).to_have_text("running")


def test_a_lost_broker_leaves_the_last_picture_and_claims_nothing_of_drift(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown)
        page = open_page(shown.address)
        expect(page.locator(".sentence")).to_have_count(1)
        running(shown, phase="disconnected", detail="no broker at h:1")
        expect(page.locator(".grid.stale")).to_have_count(1)
        expect(page.locator(".sentence")).to_have_count(0)
        assert page.evaluate(DRAWN) == 6


def test_an_event_says_to_whom_it_happened(open_page) -> None:
    born = Event("component_born", {"component": 5, "parent": 0, "replaced": 3, "steps": 9, "ids": [0, 1, 5]})
    with Shown(settings_for(TWO, 3)) as shown:
        live = model_of_size(3, 2)
        shown.show(snapshot_of(shown.settings, live), live, events=(born, Event("model_reheated", {})))
        page = open_page(shown.address)
        expect(page.locator(".events li").last).to_contain_text("component born: C5, from C0, in the place of C3")
        expect(page.locator(".events li").first).to_have_text(re.compile("model reheated$"))


def test_a_card_says_with_whom_its_component_was_merged_or_split(open_page) -> None:
    merged = Event("component_merged", {"component": 1, "into": 0, "steps": 9})
    split = Event("component_split", {"component": 2, "parent": 0, "replaced": 9, "steps": 9, "ids": [0, 1, 2]})
    with Shown(settings_for(TWO, 3)) as shown:
        live = model_of_size(3, 2)
        vacant = vacated(live.mixture.parameters, 1)
        live = live._replace(mixture=live.mixture._replace(parameters=vacant))
        shown.show(snapshot_of(shown.settings, live), live, events=(merged, split))
        page = open_page(shown.address)
        expect(page.locator(".card.id-0 .badge")).to_have_text("merged with C1")
        expect(page.locator(".card.id-2 .badge")).to_have_text("split from C0")
        expect(page.locator(".card .badge")).to_have_count(2)
        assert sorted(page.locator(".matrix thead .mark").all_inner_texts()) == ["C0", "C2"]
        assert sorted(page.locator(".card .mark").all_inner_texts()) == ["C0", "C2"]
        expect(page.locator(".events li").last).to_contain_text("component merged: C1, into C0")
        page.wait_for_function(OF, arg=2 * 2)  # two rings each of those that are there


def test_names_with_markup_are_text(open_page) -> None:
    wild = '<img src=x onerror="document.title=1">'
    settings = settings_for(
        (wild, "<b>bold</b>"), 2, model={"name": "a.b", "n_components": 2, "covariance_type": "diag"}
    )
    with Shown(settings) as shown:
        running(shown, 2, model="<script>document.title='broken'</script>")
        page = open_page(shown.address)
        expect(page.locator("h1")).to_contain_text("<script>document.title='broken'</script>")
        expect(page.locator(".axis-x")).to_have_text(wild)
        assert page.title() == "streamgmm"
        assert page.locator("main img, main b:has-text('bold')").count() == 0


@pytest.mark.parametrize(("k", "d"), [(1, 1), (1, 200), (200, 1), (200, 200)])
def test_a_model_of_any_size_stays_usable(open_page, k: int, d: int) -> None:
    with Shown(settings_for([f"x{i}" for i in range(d)], k)) as shown:
        running(shown, k)
        page = open_page(shown.address)
        page.wait_for_function(OF, arg=2 * k)
        cards = page.locator(".card")
        expect(cards).to_have_count(min(k, 30))
        cards.first.click()
        expect(cards.first).to_have_attribute("aria-pressed", "true")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator(".matrix tbody tr").count() == min(d, 24)
        if d > 1:
            page.get_by_label("across").select_option(str(d - 1))
            expect(page.locator(".axis-x")).to_have_text(f"x{d - 1}")


def test_what_is_missing_is_a_dash_and_not_drawn(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        live = live_of(np.array([[0.0, 0.0], [4.0, 4.0]]), np.ones((2, 2)), np.array([0.5, 0.5]), frozen=False)
        drawn = sample_of(live, 50)
        drawn.vectors[10:, 1] = np.nan
        seen = snapshot_of(shown.settings, live, log_likelihood=float("nan"))
        broken = tuple(c._replace(mean=(float("nan"), c.mean[1])) for c in seen.components)
        shown.show(seen._replace(components=broken), live, (drawn,))
        page = open_page(shown.address)
        page.wait_for_function(DRAWN)
        assert page.evaluate("window.streamgmm.drawList.points.length") == 10
        expect(page.locator(".means b").first).to_have_text("\u2013")
        assert not re.search(r"\b(NaN|null|undefined)\b", page.locator("body").inner_text())


def test_what_is_looked_at_beside_the_alarm_is_on_the_page_and_marked_where_it_is_odd(open_page) -> None:
    beside = DiagnosisView(
        jensen_shannon=0.1,
        effective_components=2.4,
        effective_components_before=3.2,
        outlier_rate=0.08,
        assignment_entropy=0.5,
        assignment_entropy_before=0.2,
        transforms=(TransformView("APM", 0.31), TransformView("latency", 0.02)),
    )
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown, drift=NO_DRIFT._replace(population_stability_index=0.3, diagnosis=beside))
        page = open_page(shown.address)
        facts = page.locator(".fact")
        expect(facts).to_have_count(5)
        assert [fact.replace("\n", " ") for fact in facts.all_inner_texts()] == [
            "outliers 8 % unlike the reference's",
            "weights' shift 0.30 stability index, above 0.1 a change",
            "components in use 2.40 3.20 in the reference",
            "undecided 0.50 nats +0.30 against the reference",
            "odd inside their component APM APM 0.31, latency 0.02",
        ]
        row, boxes = page.locator(".beside").bounding_box(), [fact.bounding_box() for fact in facts.all()]
        last_of_rows = {box["y"]: box["x"] + box["width"] for box in boxes}  # each row is full
        assert list(last_of_rows.values()) == pytest.approx([row["x"] + row["width"]] * len(last_of_rows), abs=1)
        assert page.locator(".fact.bad dt").all_inner_texts() == ["weights' shift"]
        assert page.locator(".fact.watch dt").all_inner_texts() == ["odd inside their component"]
        unknown = beside._replace(
            outlier_rate=None, assignment_entropy=None, assignment_entropy_before=None, transforms=()
        )
        running(shown, drift=NO_DRIFT._replace(population_stability_index=0.0, diagnosis=unknown))
        expect(facts).to_have_count(4)
        expect(page.locator(".fact.bad, .fact.watch")).to_have_count(0)
        assert not re.search(r"\b(NaN|null|undefined)\b", page.locator("body").inner_text())
        running(shown, drift=NO_DRIFT._replace(diagnosis=None))
        expect(facts).to_have_count(0)


def test_drift_is_told_in_words_on_the_page(open_page) -> None:
    said = "C3 grew from 12 to 31 %; C3 moved, mainly APM from 100 to 150 /min (+2.1 sd)"
    statistics = (StatisticView("weights", 9.0, 4.0, 3.2), StatisticView("mean", 2.0, 4.0))
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown, drift=NO_DRIFT._replace(state="none", statistics=statistics, sentence=None))
        page = open_page(shown.address)
        expect(page.locator(".sentence")).to_have_text("No drift. The stream looks like its reference.")
        running(shown, drift=NO_DRIFT._replace(state="alarm", statistics=statistics, sentence=said))
        expect(page.locator(".sentence")).to_have_text(f"Drift! The stream no longer looks like its reference. {said}.")
        expect(page.locator(".legend li").first).to_contain_text("warning above 3.20, alarm above 4.00")
        expect(page.locator(".legend li").last).to_contain_text("alarm above 4.00")


def test_the_lowest_warning_limit_is_drawn_where_it_lies(open_page) -> None:
    def height(share: float) -> float:
        """Pixels from the top to the line, where the lowest warning limit is this share of its limit."""
        statistics = (StatisticView("weights", 1.0, 4.0, 3.9), StatisticView("mean", 1.0, 5.0, 5.0 * share))
        running(shown, drift=NO_DRIFT._replace(statistics=statistics))
        page.wait_for_function(SHOWN, arg=shown.recorder.newest().number)
        page.wait_for_function("() => document.querySelector('.drift .chart canvas')")
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        rows = page.evaluate(ROWS, "watch")
        assert 1 <= len(rows) <= 3
        return float(np.mean(rows))

    with Shown(settings_for(TWO, 2)) as shown:
        running(shown)
        page = open_page(shown.address)
        page.wait_for_function(DRAWN)
        lowest, low, high = (height(share) for share in (0.5, 0.6, 0.9))
    assert lowest - low > 5
    assert low - high == pytest.approx(3 * (lowest - low), abs=3)


def test_a_past_curve_neither_moves_nor_vanishes_with_a_new_reference(open_page) -> None:
    def said(state: str, *statistics: StatisticView) -> None:
        running(shown, drift=NO_DRIFT._replace(state=state, statistics=statistics))
        page.wait_for_function(SHOWN, arg=shown.recorder.newest().number)

    with Shown(settings_for(TWO, 2)) as shown:
        running(shown, drift=NO_DRIFT._replace(state="settling", statistics=()))
        page = open_page(shown.address)
        expect(page.locator(".drift .chart")).to_have_count(1)
        page.get_by_text("The statistics as a table").click()
        said("alarm", StatisticView("mean", 9.0, 4.0))
        said("calibrating")
        expect(page.locator(".drift .chart")).to_have_count(2)
        expect(page.locator(".legend li")).to_have_text(re.compile("no limit yet"))
        expect(page.locator(".drift .empty")).to_contain_text("The reference is frozen.")
        said("none", StatisticView("mean", 9.0, 9.0))
        expect(page.locator(".legend li")).to_have_text(re.compile("alarm above 9.00"))
        cells = page.locator(".drift tbody tr td:last-child")
        expect(cells).to_have_text(["9.00 (100 %)", "\u2013 (\u2013)", "9.00 (225 %)", "\u2013 (\u2013)"])


def test_of_one_feature_a_band_holds_every_vector_of_its_interval(open_page) -> None:
    with Shown(settings_for(("APM",), 2)) as shown:
        live = live_of(np.array([[0.0], [9.0]]), np.ones((2, 1)), np.full(2, 0.5), frozen=False)
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 2000),))
        page = open_page(shown.address)
        page.wait_for_function(OF, arg=4)
        drawn = page.evaluate("() => window.streamgmm.drawList")
        assert all(one["flat"] for one in drawn["ellipses"])
        for share in (0.68, 0.95):
            bands = {one["id"]: one for one in drawn["ellipses"] if one["share"] == pytest.approx(share, abs=0.01)}
            within = [abs(p["x"] - bands[p["id"]]["x"]) <= bands[p["id"]]["rx"] for p in drawn["points"]]
            assert np.mean(within) == pytest.approx(share, abs=0.03)
            for point in drawn["points"]:
                assert abs(point["y"] - bands[point["id"]]["y"]) <= bands[point["id"]]["ry"]
        outer = bands
        expect(page.locator(".clusters")).to_contain_text("Each band is a component")
        picture, band = page.locator(".scatter canvas").bounding_box(), outer[0]
        page.mouse.move(picture["x"] + band["x"] + 0.98 * band["rx"], picture["y"] + band["y"] + 0.98 * band["ry"])
        expect(page.locator(".tip")).to_contain_text("of the stream")  # an ellipse would end before its corner


def test_of_one_feature_who_is_gone_has_no_lane(open_page) -> None:
    with Shown(settings_for(("APM",), 3)) as shown:
        before = live_of(np.array([[0.0], [4.0], [8.0]]), np.ones((3, 1)), np.full(3, 1 / 3))
        shown.show(snapshot_of(shown.settings, before), before, (sample_of(before, 60),))
        page = open_page(shown.address)
        page.wait_for_function(OF, arg=6)
        left = vacated(before.mixture.parameters, 1)
        after = before._replace(mixture=before.mixture._replace(parameters=left))
        shown.show(snapshot_of(shown.settings, after), after)
        page.wait_for_function(OF, arg=4)
        drawn = page.evaluate("() => window.streamgmm.drawList")
    assert {ring["id"] for ring in drawn["reference"]} == {0, 2}
    assert {point["id"] for point in drawn["points"]} == {0, 2}


def test_who_is_chosen_and_gone_dims_nobody(open_page) -> None:
    picture = "() => document.querySelector('.scatter canvas').toDataURL()"
    with Shown(settings_for(TWO, 3)) as shown:
        live = model_of_size(3, 2)
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 60),))
        page = open_page(f"{shown.address}?focus=1")
        page.wait_for_function(OF, arg=6)
        left = live._replace(mixture=live.mixture._replace(parameters=vacated(live.mixture.parameters, 1)))
        shown.show(snapshot_of(shown.settings, left), left)
        page.wait_for_function(OF, arg=4)
        gone = page.evaluate(picture)
        page.evaluate("() => { window.before = window.streamgmm.drawList; }")
        page.keyboard.press("Escape")
        page.wait_for_function("() => window.streamgmm.drawList !== window.before")
        assert page.evaluate("() => window.streamgmm.state.view.focus") is None
        assert page.evaluate(picture) == gone


def refused(shown: Shown, offset: int) -> None:
    """A record is set aside, and a component is born; both are shown."""
    state, report = streams.run(streams.plan(), [[streams.record(offset, b"\xc1")]], engine.init({0: offset}, 2))
    born = Event("component_born", {"component": offset, "parent": 0})
    told = Committed(state, report._replace(events=(born,)), 0.01, 100)
    shown.call(lambda: shown.recorder.committed(told, None))
    running(shown, totals=Totals(records=1, published=0, rejected={"undecodable": offset}, vectors=0, skipped=0))


def test_a_rewound_page_shows_the_dead_letters_and_births_of_then(open_page) -> None:
    with Shown(settings_for(TWO, 3)) as shown:
        refused(shown, 7)
        page = open_page(shown.address)
        expect(page.locator(".letters tbody tr")).to_have_count(1)
        then = page.evaluate("() => window.streamgmm.state.frame.time")
        for offset in range(100, 310):
            refused(shown, offset)
        expect(page.locator(".letters tbody tr").first).to_contain_text("0/309")
        expect(page.locator(".events li").first).to_contain_text("C309")
        page.goto(f"{shown.address}?at={then}")
        expect(page.locator(".banner")).to_contain_text("You are looking at")
        expect(page.locator(".letters tbody tr")).to_have_count(1)
        expect(page.locator(".letters tbody tr")).to_contain_text("0/7")
        expect(page.locator(".events li")).to_have_count(1)
        expect(page.locator(".events li")).to_contain_text("component born: C7, from C0")


@pytest.mark.parametrize("allowed", [False, True])
def test_what_was_in_a_dead_letter_is_shown_as_text_where_that_is_allowed(open_page, allowed: bool) -> None:
    wild = b"<img src=x onerror='document.title=1'>"
    state, report = streams.run(streams.plan(), [[streams.record(i, wild) for i in range(3)]])
    with Shown(settings_for(TWO, 2, http={"show_payloads": allowed})) as shown:
        counted = Totals(records=3, published=0, rejected={"undecodable": 3}, vectors=0, skipped=0)
        running(shown, totals=counted)
        shown.call(lambda: shown.recorder.committed(Committed(state, report, 0.01, 100), None))
        running(shown, totals=counted)
        page = open_page(shown.address)
        expect(page.locator(".letters tbody tr")).to_have_count(3)
        assert page.locator(".letters .payload").all_inner_texts() == ([wild.decode()] * 3 if allowed else [])
        assert page.title() == "streamgmm"


def test_a_stream_that_is_quiet_since_the_service_started_says_so(open_page) -> None:
    now = [1.7e9]
    with Shown(settings_for(TWO, 2), clock=lambda: now[0]) as shown:
        running(shown, totals=SOME, **NONE_WAITS)
        page = open_page(shown.address)
        expect(page.get_by_role("status")).to_have_text("running")
        now[0] += 1_260
        running(shown, totals=SOME, **NONE_WAITS)
        expect(page.get_by_role("status")).to_have_text("quiet")
        expect(page.locator(".banner")).to_contain_text("No record has arrived since the service started 21 min ago.")


def test_how_far_behind_is_a_dash_before_it_is_known(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown, lag={})
        page = open_page(shown.address)
        tile = page.locator(".tile", has_text="behind").locator("b")
        expect(tile).to_have_text("\u2013")
        running(shown, lag={0: 1_000, 1: 234})
        expect(tile).to_have_text("1,234")


def test_an_alarm_that_stands_while_nothing_is_above_its_limit_says_why(open_page) -> None:
    drift = NO_DRIFT._replace(state="alarm", sentence="C1 moved")
    passed = [1000.0]  # seconds
    with Shown(settings_for(TWO, 2, drift={"cool_down": 1_500}), clock=lambda: sum(passed)) as shown:
        running(shown, drift=drift._replace(statistics=(StatisticView("weights", 9.0, 4.0),)))
        page = open_page(shown.address)
        expect(page.locator(".sentence")).to_have_text(
            "Drift! The stream no longer looks like its reference. C1 moved."
        )
        passed.append(READABLE)
        running(shown, drift=drift._replace(statistics=(StatisticView("weights", 3.0, 4.0),)))
        expect(page.locator(".sentence")).to_contain_text("below their warning limits, which are lower, for 1,500 vec")


def test_how_the_alarm_rose_is_told_beside_what_is_seen_now(open_page) -> None:
    rose = Event("drift_raised", {"sentence": "C0 grew from 12 to 31 %", "statistics": [], "moved": []})
    with Shown(settings_for(TWO, 2)) as shown:
        live = model_of_size(2, 2)
        alarm = NO_DRIFT._replace(state="alarm", sentence="C1 moved", statistics=())
        seen = snapshot_of(shown.settings, live, drift=alarm)
        shown.show(seen, live, events=(rose,))
        page = open_page(shown.address)
        expect(page.locator(".sentence")).to_contain_text(
            re.compile(r"C1 moved\. The alarm rose at \d\d:\d\d:\d\d: C0 grew from 12 to 31 %\.$")
        )
        shown.show(seen._replace(drift=NO_DRIFT._replace(state="none")), live)
        expect(page.locator(".sentence")).not_to_contain_text("rose at")


def test_partitions_are_shown_by_how_far_they_are_behind_each_in_one_row(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown, lag={partition: partition * 1_000 + 57 for partition in range(20)})
        page = open_page(shown.address)
        rows = page.locator(".lags li")
        expect(rows).to_have_count(12)
        assert rows.first.inner_text().split() == ["19", "19,057"]
        places = [row.locator("> *").evaluate_all(TOPS) for row in rows.all()]
        assert all(len(set(tops)) == 1 for tops in places), places
        expect(page.locator(".stream h3").first).to_have_text("Behind, by partition the furthest behind")


TOPS = """(parts) => parts.map((part) => {
  const { top, height } = part.getBoundingClientRect();
  return Math.round((top + height / 2) / 4);
})"""


def test_words_say_what_is_and_not_more(open_page) -> None:
    waits = "The reference is complete after 600 more vectors"
    with Shown(settings_for(TWO, 2)) as shown:
        settling = NO_DRIFT._replace(state="settling", progress=0.9984, statistics=())
        running(shown, drift=settling, log_likelihood=None)
        page = open_page(shown.address)
        expect(page.locator(".sentence")).to_contain_text("the reference: 99 % done.")
        expect(page.locator(".drift .chart")).to_have_count(0)
        expect(page.locator(".components .about").first).to_contain_text("has found, largest first.")
        page.get_by_label("sorted").select_option("change")
        expect(page.locator(".components .about").first).to_contain_text("first those that changed most")
        running(shown, drift=settling._replace(state="calibrating", progress=0.05, sentence=waits))
        expect(page.locator(".sentence")).to_contain_text(f"5 % done. {waits}")


def test_a_reference_that_is_too_small_for_the_run_length_says_so(open_page) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        running(shown)
        page = open_page(shown.address)
        live = model_of_size(3, 2)
        for held in (True, False):
            fields = {"vectors": 5_000, "held": held, "held_run_length": 50_000.0}
            event = Event("reference_calibrated", fields)
            shown.show(snapshot_of(shown.settings, live), live, (), events=(event,))
        expect(page.locator(".events li").first).to_contain_text("too few for drift.expected_run_length")
        expect(page.locator(".events li").last).to_contain_text("reference calibrated: 5,000 vectors")
        expect(page.locator(".events li").last).not_to_contain_text("too few")


@pytest.mark.parametrize(("value", "digits", "said"), [(-0.04, 1, "0.0"), (-0.4, 0, "0"), (0.06, 1, "+0.1")])
def test_what_rounds_to_nothing_has_no_sign(open_page, value: float, digits: int, said: str) -> None:
    with Shown(settings_for(TWO, 2)) as shown:
        page = open_page(shown.address)
        given = f"import('/static/js/format.js').then(({{ signed }}) => signed({value}, {digits}))"
        assert page.evaluate(given) == said


LONG = "a_rather_long_name_of_a_feature_" * 6


def test_long_names_can_be_read_to_their_end(open_page) -> None:
    with Shown(settings_for((LONG, "latency"), 2)) as shown:
        running(shown, k=2)
        page = open_page(f"{shown.address}?focus=0&x=p0&y=p1")
        page.wait_for_function("() => window.streamgmm.drawList && window.streamgmm.drawList.points.length")
        cut = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).length"
        for place in (".card[aria-pressed=true] .name", ".matrix tbody th"):
            names = page.locator(place)
            assert names.count() > 0 and names.evaluate_all(cut) == 0, place


def test_the_title_of_a_principal_axis_is_seen_whole(open_page) -> None:
    with Shown(settings_for(("GapBetweenPACs", "ActionLatency", "MinimapAttacks"), 2)) as shown:
        running(shown, k=2)
        page = open_page(f"{shown.address}?x=p0&y=p1")
        title = page.locator(".axis-y span")
        expect(title).to_contain_text("2nd principal axis")
        assert title.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1 && e.scrollHeight <= e.clientHeight + 1")
