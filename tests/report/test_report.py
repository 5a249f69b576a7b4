"""The report from events: as lines, and as a page that loads nothing and holds nothing but text from outside."""

import json
import resource
from html.parser import HTMLParser

import pytest

from streamgmm import settings as all_settings
from streamgmm.broker.open import open_broker
from streamgmm.commands.report import command, page, story, text
from streamgmm.commands.report.events import Seen, Summary, _event, read
from streamgmm.errors import BrokerError, SettingsError
from streamgmm.records.columns import Record, of_records
from streamgmm.service import outbox
from tests.events import check
from tests.service.world import World, settings

HOUR = 3_600_000
NOW = outbox.now_ms()
START = NOW - 2 * HOUR
EVIL = '"><script src=//x.test/a.js></script><img src=x onerror=alert(1)> &lt; \x1b[31m \x00'
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "span",
        "table",
        "tr",
        "th",
        "td",
        "main",
        "i",
    ),
    *("svg", "rect", "line", "text", "polyline"),
}


def statistics(value):
    names = ("log_likelihood", "weights", "spread", "mean", "missing")
    return [{"name": name, "value": value, "limit": 4.0} for name in names]


def summary(minutes, **changes):
    drift = {"state": "none", "progress": 1.0, "statistics": statistics(1.0), "sentence": None, "moved": []}
    drift |= {"population_stability_index": 0.01, "diagnosis": None, **changes.pop("drift", {})}
    totals = {"records": 9, "published": 9, "rejected": {}, "vectors": 9, "skipped": 0, "incomplete": 0}
    changes = {"log_likelihood": -3.5, **changes}
    given = {"weights": {"0": 0.4, "7": 0.6}, "steps": 7, "records_per_second": 12.5}
    return event("summary", minutes, **given, drift=drift, totals={**totals, "components": {}}, **changes)


def change(kind, minutes, feature="APM"):
    moved = {"what": "mean", "component": 7, "feature": feature, "before": 92.6, "now": 118.0, "deviations": 0.8}
    said = {"sentence": f"{feature} higher than in the reference", "moved": [moved], "statistics": statistics(9.0)}
    place = {"partition": 1, "offset": 1234, "first_partition": 0, "first_offset": 1185}
    return event(kind, minutes, reference=1, **said, components=[7], features=[feature], **place)


def event(kind, minutes, **fields):
    return {"schema": 1, "type": kind, "model": "players", "time": START + minutes * 60_000, **fields}


STORY = [
    summary(1),
    event("reference_frozen", 2, steps=40, batches=40.0, reference=1),
    change("drift_raised", 30),
    summary(31, drift={"state": "alarm", "statistics": statistics(9.0), "sentence": "APM higher"}),
    change("drift_cleared", 60),
    change("drift_raised", 90),
    {**summary(91), "model": "another"},
]


@pytest.fixture(params=["sqlite", "kafka"])
async def world(request, tmp_path):
    url = f"sqlite:///{tmp_path}/log.db" if request.param == "sqlite" else request.getfixturevalue("kafka_url")
    async with open_broker(all_settings.Broker(url=url)) as broker:
        yield World(broker, settings(url, f"in-{tmp_path.name}"))


async def seen(world, events, hours=2.5):
    values = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in events]
    records = [Record(i, NOW, b"players", value) for i, value in enumerate(values)]
    await world.create()
    await world.publish(world.settings.topics["events"], 0, of_records(records, len(records)))
    return await read(world.broker, world.settings, NOW - round(hours * HOUR), NOW)


async def test_it_tells_what_is_what_was_and_what_moved(world):
    for one in STORY:
        check(one)
    found = await seen(world, STORY)
    said = "\n".join(text.lines(found))
    topic = world.settings.input.topic
    assert f"drift: ALARM at {story.at(STORY[5]['time'])}: APM higher than in the reference" in said
    assert said.count(f"ALARM           {topic}/1@1234") == 2
    assert "mean of APM, component 7: 92.6 to 118 (+0.8 sd)" in said
    assert "log_likelihood       9.00     4.00  above" in said
    assert "reference frozen" in said
    assert "from 2 summaries and 4 events" in said
    raised, cleared, again = (STORY[i]["time"] for i in (2, 4, 5))
    assert story.alarms(found) == ((raised, cleared), (again, None))


def of(events):
    """As if they had been read."""
    found = [_event(json.dumps(one).encode())[1] for one in events]
    summaries = tuple(one for one in found if isinstance(one, Summary))
    return Seen("players", "in", START, NOW, summaries, tuple(one for one in found if one not in summaries), 0, ())


def test_an_alarm_ends_where_the_next_one_rises_or_the_calibration_begins_anew():
    restarted = event("calibration_restarted", 50, reference=1, left="alarm")
    check(restarted)
    found = story.alarms(of([change("drift_raised", 10), change("drift_raised", 30), restarted]))
    at = [START + minutes * 60_000 for minutes in (10, 30, 50)]
    assert found == ((at[0], at[1]), (at[1], at[2]))
    said = story.now(of([change("drift_raised", 30), restarted]))
    assert said == f"calibrating anew after a change of settings since {story.at(at[2])}"


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("drift_switched_off", {"left": "alarm"}, "not watched: drift was switched off"),
        ("reference_let_go", {"steps": 9, "batches": 9.0, "settle": 200}, "settling: an alarm let the reference go"),
    ],
)
def test_an_alarm_ends_where_nothing_is_watched_any_more(kind, fields, said):
    end = event(kind, 50, reference=1, **fields)
    check(end)
    found = of([change("drift_raised", 30), end])
    assert story.alarms(found) == ((START + 30 * 60_000, START + 50 * 60_000),)
    assert story.now(found) == f"{said} since {story.at(START + 50 * 60_000)}"


def reheated(minutes, *, let_go):
    before = {"generation": 0, "steps": 9, "batches": 9.0}
    return event("model_reheated", minutes, reference=1, before=before, after=before, reference_let_go=let_go)


def calibrated(minutes):
    held = {"expected_run_length": 20_000, "held_run_length": 20_000, "held": True}
    return event("reference_calibrated", minutes, reference=1, vectors=400, **held)


def test_a_model_that_is_reheated_ends_the_alarm_where_it_lets_the_reference_go_only():
    raised, *ends = change("drift_raised", 10), reheated(20, let_go=True), reheated(20, let_go=False)
    for end in ends:
        check(end)
    at = [START + minutes * 60_000 for minutes in (10, 20)]
    older = {name: field for name, field in ends[1].items() if name != "reference_let_go"}
    assert [story.alarms(of([raised, end])) for end in (*ends, older)] == [((at[0], at[1]),), *[((at[0], None),)] * 2]
    assert "settling: an alarm started the step size anew" in story.now(of([raised, ends[0]]))
    assert story.now(of([raised, ends[1]])).startswith("ALARM")


def test_now_is_after_the_last_event_which_a_summary_of_its_commit_does_not_know():
    frozen = event("reference_frozen", 2, steps=40, batches=40.0, reference=1)
    check(calibrated(5))
    calibrating = summary(5, drift={"state": "calibrating", "progress": 0.5})
    told = {
        "calibrating on a new reference": [summary(2), frozen],
        f"no drift: the calibration ended at {story.at(START + 300_000)}": [frozen, calibrated(5), calibrating],
        "calibrating (50%)": [frozen, calibrating],
        "ALARM": [frozen, calibrated(5), change("drift_raised", 5), summary(5)],
        "alarm cleared": [change("drift_raised", 4), change("drift_cleared", 5), summary(5)],
        "calibrating on a new ": [change("drift_raised", 2), frozen, summary(2)],
    }
    for said, events in told.items():
        assert story.now(of(events)).startswith(said)


def test_a_page_that_cannot_be_written_whole_leaves_the_one_before(tmp_path):
    page_file, link = tmp_path / "drift.html", tmp_path / "link.html"
    link.symlink_to(page_file)
    assert list(command.told(of(STORY), link))[-1] == f"written to {link}"
    assert link.is_symlink()
    before = page_file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as a disk that is full
    try:
        with pytest.raises(SettingsError, match="cannot be written: File too large"):
            list(command.told(of(STORY), page_file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (page_file.read_bytes(), sorted(tmp_path.iterdir())) == (before, [page_file, link])


def test_windows_of_event_time_are_counted_and_bury_nothing():
    shares = {"log_likelihood": -3.5, "outliers": 0.0, "components": {"0": 1.0}}
    windows = [event("event_time_window", i, start=i, end=i + 1, vectors=i + 7, **shares) for i in range(60)]
    found = of([*windows, event("reference_frozen", 5, steps=40, batches=40.0, reference=1)])
    said = list(text.lines(found))
    assert len(said) < 15
    assert sum("reference frozen" in line for line in said) == 1
    (line,) = (line for line in said if "windows of event time" in line)
    assert "windows of event time: 60, the newest:" in line and '"vectors":66' in line
    markup = page.html(found)
    assert (markup.count("windows of event time: 60"), markup.count("event time window")) == (1, 0)


async def test_records_that_are_no_events_are_counted_and_left_out(world):
    broken = [b"\xff\xfe", b"null", b"{}", b'{"type": "summary", "model": "players", "time": 1}', b""]
    wrong = [{**change("drift_raised", 3), "moved": [3]}, event("drift_raised", 10**15), summary(4, log_likelihood="x")]
    found = await seen(world, [*broken, *wrong, summary(5)])
    assert (len(found.summaries), found.changes, found.unreadable) == (1, (), 8)
    assert "8 records of the events topic are not events" in "\n".join(text.lines(found))
    assert "drift: no drift" in "\n".join(text.lines(found))


async def test_without_events_it_says_so_and_without_a_topic_whose_fault_it_is(world):
    with pytest.raises(BrokerError, match="the model has not run there"):
        await read(world.broker, world.settings, START, NOW)
    found = await seen(world, [])
    assert "drift: unknown: no summary in this time" in "\n".join(text.lines(found))
    assert "No summary was read" in page.html(found)


class Parts(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.attributes, self.texts = set(), [], []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


async def test_the_page_is_whole_and_loads_nothing_whatever_the_names_are(world):
    hostile = [
        {**summary(3), "weights": {EVIL: 1.0, "1": float("1e308")}},
        {**change("drift_raised", 5, EVIL), "sentence": EVIL},
        event(EVIL, 6, **{EVIL: [EVIL]}),
        event("</style><script>", 7),
    ]
    found = await seen(world, hostile)
    markup = page.html(found)
    parts = Parts(markup)
    assert parts.tags == TAGS
    names = {name for name, _ in parts.attributes}
    assert not {name for name in names if name.startswith("on") or name in {"src", "href", "action", "data"}}
    assert all(
        "http" not in (value or "") or name == "xmlns" for name, value in parts.attributes if name != "http-equiv"
    )
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in parts.attributes
    assert any("<script src=//x.test/a.js>" in said for said in parts.texts)  # as text, to be read
    assert not {sign for sign in markup if not sign.isprintable()} - {"\n"}
    assert "\x1b" not in "".join(text.lines(found))


async def test_a_summary_with_many_components_and_gaps_is_drawn(world):
    weights = {str(i): 1 / 40 for i in range(40)}
    found = await seen(world, [{**summary(i, log_likelihood=None), "weights": weights} for i in range(100)])
    markup = page.html(found)
    assert markup.count("<polyline") == 1 + 0 + 8 + 1  # shares, no log-likelihood, eight weights, rates
    assert "nan" not in markup.lower()
