"""The report as one page that loads nothing: its style and pictures are in it, and no script.

It is built as a tree, so that what comes from records (names of models and features, sentences) can only be text.
"""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from streamgmm.commands.report import story, text
from streamgmm.commands.report.events import Seen
from streamgmm.commands.report.pictures import COLOURS, Curve, Frame, picture
from streamgmm.drift.words import compact

FEW = 3  # summaries that no curve can be made of
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Colours of the curves are told apart by the colour-blind, on light ground and on dark (after Okabe and Ito 2008).
_LIGHT = ("#0072b2", "#d55e00", "#00875f", "#b8498c", "#2a93c9", "#b87900", "#6d5ac0", "#16203a")
_DARK = ("#4da6ec", "#ff8a4c", "#35c995", "#ec8cc4", "#7fd3f7", "#f0b43c", "#a99bf0", "#e8edf7")


def _colours(ink: str, soft: str, line: str, ground: str, bad: str, shade: str, curves: Sequence[str]) -> str:
    named = f"--ink:{ink};--soft:{soft};--line:{line};--ground:{ground};--bad:{bad};--shade:{shade};"
    return ":root{" + named + "".join(f"--c{i}:{colour};" for i, colour in enumerate(curves)) + "}"


_STYLE = (
    ":root{color-scheme:light dark}"
    + _colours("#16203a", "#4d5a76", "#d5dbe6", "#ffffff", "#b3290a", "#fde8e1", _LIGHT)
    + "@media(prefers-color-scheme:dark){"
    + _colours("#e8edf7", "#a7b3ca", "#303b52", "#0c111c", "#ff9470", "#41201a", _DARK)
    + "}body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 1em;color:var(--ink);"
    "background:var(--ground)}h1{font-size:1.4em}h2{font-size:1.1em;margin:1.6em 0 .3em}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25em .8em .25em 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere}"
    "td:nth-child(-n+2),th{overflow-wrap:normal}@media(min-width:40em){td:nth-child(3){min-width:7.5em}}th{color:var(--soft);font-weight:600}"
    "svg{width:100%;height:auto}svg text{font-size:10px;fill:var(--soft)}.curve{fill:none;stroke-width:1.5}"
    ".dot{stroke-width:5;stroke-linecap:round}"
    ".axis{stroke:var(--line)}.limit{stroke:var(--bad);stroke-dasharray:5 4}.alarm{fill:var(--shade)}"
    ".now{font-size:1.1em}.key{margin-right:1em;white-space:nowrap}"
    ".key i{display:inline-block;width:1em;height:.25em;margin-right:.4em;vertical-align:middle}"
    + "".join(f".c{i}{{stroke:var(--c{i})}}i.c{i}{{background:var(--c{i})}}" for i in range(COLOURS))
)


def html(seen: Seen) -> str:
    """The page."""
    root = Element("html", {"lang": "en"})
    head, body = SubElement(root, "head"), SubElement(SubElement(root, "body"), "main")
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
    if (count := len(seen.summaries)) < FEW:
        read = {0: "No summary was", 1: "One summary was"}.get(count, f"{count} summaries were")
        _say(body, "p", f"{read} read: one comes every minute and at a clean end, and the curves are made of them.")
    if not seen.summaries:
        return
    frame = Frame(seen.start, seen.end, story.alarms(seen))
    shares = Curve([(s.time, story.share(s)) for s in seen.summaries])
    _say(body, "h2", "The largest statistic as a share of its limit; alarms are shaded")
    body.append(picture("largest statistic as a share of its limit", [shares], frame, limit=1.0))
    _say(body, "h2", "Log-likelihood, nats a vector, under the model that goes on learning")
    scores = Curve([(s.time, s.log_likelihood) for s in seen.summaries])
    body.append(picture("log-likelihood", [scores], frame))
    _say(body, "h2", "Weights of the largest components")
    largest = _largest(seen)
    curves = [
        Curve([(s.time, s.weights.get(component)) for s in seen.summaries], colour)
        for colour, component in enumerate(largest)
    ]
    body.append(picture("weights", curves, frame))
    keys = SubElement(body, "p")
    for colour, component in enumerate(largest):
        key = SubElement(keys, "span", {"class": "key"})
        SubElement(key, "i", {"class": f"c{colour}"}).tail = text.printable(f"component {component}")
    _say(body, "h2", "Records a second")
    rates = Curve([(s.time, s.records_per_second) for s in seen.summaries])
    body.append(picture("records a second", [rates], frame))


def _largest(seen: Seen) -> list[str]:
    """Components, by the largest weight that each has had."""
    most: dict[str, float] = {}
    for summary in seen.summaries:
        for component, weight in summary.weights.items():
            most[component] = max(weight, most.get(component, 0.0))
    return sorted(most, key=lambda component: -most[component])[:COLOURS]


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
    others = [(story.at(o.time), o.type.replace("_", " "), text.short(o.fields)) for o in story.happened(seen)]
    if others:
        _say(body, "h2", "What else happened")
        _table(body, ("time", "event", ""), others)


def _table(body: Element, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = SubElement(body, "table")
    for kind, cells in (("th", head), *(("td", row) for row in rows)):
        row = SubElement(table, "tr")
        for cell in cells:
            SubElement(row, kind, {"scope": "col"} if kind == "th" else {}).text = text.printable(cell)


def _say(parent: Element, tag: str, said: str, kind: str | None = None) -> None:
    SubElement(parent, tag, {} if kind is None else {"class": kind}).text = text.printable(said)
