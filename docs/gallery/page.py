"""Pictures of the live page: the demo before and after its population changes, light and dark.

The demo draws its records with a fixed seed. A page stops at the first frame that its moment asks for, however long
the pictures then take; a moment that does not come is an error and no picture.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from docs.gallery import style
from tests.page.chromium import ARGUMENTS, installed

MOMENTS = {  # the population changes at about 50,000 records, and back at about 100,000
    "before": "frame.drift.state === 'none' && frame.model.totals.records >= 44000",
    "after": "frame.drift.state === 'alarm' && frame.drift.moved.length > 0 && frame.model.totals.records >= 75000",
}
SCHEMES = ("light", "dark")
WINDOW = {"width": 1440, "height": 900}
COLOURS = 256
MINUTES_MS = 240_000
SETTLED_MS = 500  # a bar's way to its width
HOLDING = """
  const Stream = window.EventSource;
  window.EventSource = class extends Stream {
    addEventListener(type, listener) {
      super.addEventListener(type, type !== "frame" ? listener : (event) => {
        if (window.held) return;
        const frame = JSON.parse(event.data);
        listener(event);
        window.held = MOMENT;
      });
    }
  };
"""


def take() -> Iterator[Path]:
    """Play the demo, and write docs/pictures/page-MOMENT-SCHEME.png."""
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        for moment, condition in MOMENTS.items():
            pages = {scheme: held_at(browser, address, scheme, condition) for scheme in SCHEMES}
            for scheme, page in pages.items():
                page.wait_for_function("() => window.held", timeout=MINUTES_MS)
                page.wait_for_timeout(SETTLED_MS)
                yield saved(page, f"page-{moment}-{scheme}")
                page.close()
        browser.close()


def held_at(browser: Browser, address: str, scheme: str, condition: str) -> Page:
    """A page that takes no frame after the first one of which the condition holds."""
    page = browser.new_page(viewport=WINDOW, color_scheme=scheme)  # type: ignore[arg-type]
    page.add_init_script(HOLDING.replace("MOMENT", condition))
    page.goto(address)
    return page


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
    Image.open(BytesIO(page.screenshot())).quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    return path
