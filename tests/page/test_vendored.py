"""What others wrote is what they published, with its licence; `npm pack PACKAGE@VERSION` gets each archive."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "streamgmm/dashboard/static/vendor", Path(__file__).parent / "vendor")
FREE = {"MIT", "Apache-2.0", "MPL-2.0"}
LICENCE_WORDS = {"MIT": "without restriction", "Apache-2.0": "Apache License", "MPL-2.0": "Mozilla Public License"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_file_is_listed_with_its_hash_and_its_licence(folder: Path) -> None:
    listed = json.loads((folder / "vendored.json").read_text("utf-8"))
    assert {package["folder"] for package in listed} == {path.name for path in folder.iterdir() if path.is_dir()}
    for package in listed:
        own = folder / package["folder"]
        assert package["files"] == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in own.iterdir()}
        assert package["licence"] in FREE
        assert LICENCE_WORDS[package["licence"]] in (own / "LICENSE").read_text("utf-8")
        assert package["version"].count(".") == 2
        assert len(package["archive_sha256"]) == 64


def test_nothing_that_is_served_names_another_place() -> None:
    static = ROOT / "streamgmm/dashboard/static"
    own = [p for p in static.rglob("*") if p.suffix in {".js", ".css", ".html"} and "vendor" not in p.parts]
    assert own
    for path in own:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path
        assert "style=" not in text or path.suffix == ".js", path
