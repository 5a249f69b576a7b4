"""axe-core, which finds what keeps people from using a page. The page has to be opened with `bypass_csp`."""

from pathlib import Path

from playwright.sync_api import Page

FILE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"


def serious(page: Page, *within: str) -> list[tuple[str, list[str]]]:
    """What is serious or critical, in the whole page or in these parts of it: the rule, and where it is broken."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.add_script_tag(path=FILE)
    parts = [part for part in within if page.locator(part).count()]
    found = page.evaluate(
        "(parts) => axe.run(parts.length ? { include: parts.map((part) => [part]) } : document)", parts
    )["violations"]
    return [
        (one["id"], [node["html"][:100] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
