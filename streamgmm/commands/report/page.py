"""The report as one page that loads nothing: its style and pictures are in it, and no script.

It is built as a tree, so that what comes from records (names of models and features, sentences) can only be text.
"""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from streamgmm.commands.report import story, text
from streamgmm.commands.report.events import Seen
from streamgmm.commands.report.pictures import COLOURS, Curve, Frame, picture
from streamgmm.drift.words import compact

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin:1.6em 0 .3em}table{border-collapse:collapse}"
    "td,th{padding:.15em .8em .15em 0;text-align:left;vertical-align:top}svg{width:100%;height:auto}"
    "svg text{font-size:10px;fill:#555}.curve{fill:none;stroke-width:1.5}.axis{stroke:#ddd}"
    ".limit{stroke:#b00;stroke-dasharray:5 4}.alarm{fill:#f7d4d4}.now{font-size:1.1em}.key{margin-right:1em}"
)


def html(seen: Seen) -> str:
    """The page."""
    root = Element("html", {"lang": "en"})
    head, body = SubElement(root, "head"), SubElement(root, "body")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width"})
    _say(head, "title", f"Drift of {seen.model}")
    SubElement(head, "style").text = _STYLE
    _say(body, "h1", f"Drift of {seen.model}")
    _say(body, "p", f"{story.at(seen.start)} to {story.at(seen.end)} UTC")
    _say(body, "p", story.now(seen), "now")
    _pictures(body, seen)
    _tables(body, seen)
    for line in text.coverage(seen):
        _say(body, "p", line)
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"


def _pictures(body: Element, seen: Seen) -> None:
    frame = Frame(seen.start, seen.end, story.alarms(seen))
    shares = Curve([(s.time, story.share(s)) for s in seen.summaries], COLOURS[0])
    _say(body, "h2", "The largest statistic as a share of its limit; alarms are shaded")
    body.append(picture("largest statistic as a share of its limit", [shares], frame, limit=1.0))
    _say(body, "h2", "Log-likelihood, nats a vector, under the model that goes on learning")
    scores = Curve([(s.time, s.log_likelihood) for s in seen.summaries], COLOURS[0])
    body.append(picture("log-likelihood", [scores], frame))
    _say(body, "h2", "Weights of the largest components")
    largest = _largest(seen)
    curves = [
        Curve([(s.time, s.weights.get(component)) for s in seen.summaries], colour)
        for component, colour in zip(largest, COLOURS, strict=False)
    ]
    body.append(picture("weights", curves, frame))
    keys = SubElement(body, "p")
    for component, colour in zip(largest, COLOURS, strict=False):
        key = SubElement(keys, "span", {"class": "key", "style": f"color:{colour}"})
        key.text = text.printable(f"component {component}")
    _say(body, "h2", "Records a second")
    rates = Curve([(s.time, s.records_per_second) for s in seen.summaries], COLOURS[0])
    body.append(picture("records a second", [rates], frame))


def _largest(seen: Seen) -> list[str]:
    """Components, by the largest weight that each has had."""
    most: dict[str, float] = {}
    for summary in seen.summaries:
        for component, weight in summary.weights.items():
            most[component] = max(weight, most.get(component, 0.0))
    return sorted(most, key=lambda component: -most[component])[: len(COLOURS)]


def _tables(body: Element, seen: Seen) -> None:
    last = story.newest(seen)
    if last is not None and last.drift.statistics:
        _say(body, "h2", f"Statistics at {story.at(last.time)}")
        rows = [(one.name, compact(one.value), compact(one.limit)) for one in last.drift.statistics]
        _table(body, ("statistic", "value", "limit"), rows)
    _say(body, "h2", "Warnings and alarms")
    changes = [
        (story.at(c.time), story.WORDS[c.type], story.place(c, seen), "; ".join(map(story.moved, c.moved)))
        for c in seen.changes
    ]
    if changes:
        _table(body, ("time", "", "record", "what moved, largest first"), changes)
    else:
        _say(body, "p", "none")
    if seen.others:
        _say(body, "h2", "What else happened")
        others = [(story.at(o.time), o.type.replace("_", " "), text.short(o.fields)) for o in seen.others]
        _table(body, ("time", "event", ""), others)


def _table(body: Element, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = SubElement(body, "table")
    for kind, cells in (("th", head), *(("td", row) for row in rows)):
        row = SubElement(table, "tr")
        for cell in cells:
            _say(row, kind, cell)


def _say(parent: Element, tag: str, said: str, kind: str | None = None) -> None:
    SubElement(parent, tag, {} if kind is None else {"class": kind}).text = text.printable(said)
