"""The gallery: what is shipped is what `make pictures` draws, small enough for a page, and shown in the README."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from docs.gallery import style
from docs.gallery.__main__ import PICTURES, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TEN_SECONDS = pytest.mark.long


def test_each_picture_is_small_and_shown_with_a_sentence() -> None:
    shown = dict(re.findall(r"^!\[([^\]]+)\]\(docs/pictures/(\w+)\.png\)$", README, re.MULTILINE))
    for name in PICTURES:
        assert name in shown.values()
        assert (style.PICTURES / f"{name}.png").stat().st_size < 150_000
    assert all(len(sentence) > 20 for sentence in shown)


@pytest.mark.parametrize("name", ["soft", *(pytest.param(name, marks=TEN_SECONDS) for name in PICTURES)])
def test_drawing_gives_the_picture_that_is_shipped(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = style.PICTURES / f"{name}.png"
    monkeypatch.setattr(style, "PICTURES", tmp_path / "docs" / "pictures")
    style.PICTURES.parent.mkdir()
    main([name])
    drawn = style.PICTURES / f"{name}.png"
    first = drawn.read_bytes()
    main([name])
    assert drawn.read_bytes() == first
    assert np.abs(imread(drawn) - imread(shipped)).mean() < 0.002  # another processor may round a point elsewhere
