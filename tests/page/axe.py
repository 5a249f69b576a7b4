"""axe-core, which finds what keeps people from using a page. The page has to be opened with `bypass_csp`."""

from pathlib import Path

from playwright.sync_api import Page

FILE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """What it finds that is serious or critical: the rule, and where it is broken."""
    page.add_script_tag(path=FILE)
    found = page.evaluate("() => axe.run()")["violations"]
    return [
        (one["id"], [node["html"][:100] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
