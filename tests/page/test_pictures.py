"""The page's pictures at the top of the README are there, small, and of the demo's two moments in both themes."""

import re
from itertools import product
from pathlib import Path

from matplotlib.image import imread

from docs.gallery.page import MOMENTS, SCHEMES, WINDOW

ROOT = Path(__file__).parents[2]


def test_both_moments_are_shown_light_and_dark() -> None:
    shown = re.findall(r'"(docs/pictures/page-[^"]+)"', (ROOT / "README.md").read_text("utf-8"))
    assert sorted(shown) == sorted(f"docs/pictures/page-{m}-{s}.png" for m, s in product(MOMENTS, SCHEMES))
    for path in shown:
        assert imread(ROOT / path).shape[:2] == (WINDOW["height"], WINDOW["width"])
        assert (ROOT / path).stat().st_size < 200_000
