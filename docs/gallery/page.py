"""Pictures of the live page: the demo before and after its population changes, light and dark.

The demo draws its records with a fixed seed; each picture is taken once so many records have been learnt.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from docs.gallery import style
from tests.page.chromium import ARGUMENTS, installed

MOMENTS = {"before": 46_000, "after": 82_000}  # records learnt; the population changes at about 50,000
SCHEMES = ("light", "dark")
WINDOW = {"width": 1440, "height": 900}
COLOURS = 256
LEARNT = "(records) => window.streamgmm.state.frame && window.streamgmm.state.frame.model.totals.records >= records"
MINUTES_MS = 180_000


def take() -> Iterator[Path]:
    """Play the demo, and write docs/pictures/page-MOMENT-SCHEME.png."""
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        pages = {scheme: browser.new_page(viewport=WINDOW, color_scheme=scheme) for scheme in SCHEMES}
        for page in pages.values():
            page.goto(address)
        for moment, records in MOMENTS.items():
            for scheme, page in pages.items():
                page.wait_for_function(LEARNT, arg=records, timeout=MINUTES_MS)
                yield saved(page, f"page-{moment}-{scheme}")
        browser.close()


@contextmanager
def demo() -> Iterator[str]:
    """The address of a demo's page."""
    command = [sys.executable, "-m", "streamgmm", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        (address,) = re.findall(r"http://\S+", process.stdout.readline() if process.stdout else "")
        yield address
        process.terminate()
        process.communicate()


def saved(page: Page, name: str) -> Path:
    """A screenshot, small: the page has few colours."""
    path = style.PICTURES / f"{name}.png"
    Image.open(BytesIO(page.screenshot())).quantize(COLOURS).save(path, optimize=True)
    return path
