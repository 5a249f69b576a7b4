"""The page of the mathematics names what there is, says where it comes from, and renders."""

import ast
import re
from pathlib import Path

import pytest

from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.state import Info, State, StepInfo
from streamgmm.mixture.statistics import Statistics

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mathematics.md"
TEXT = PAGE.read_text("utf-8")
FENCE = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(.?)\$([^$\n]+)\$(.?)")
POINTER = re.compile(r"\[`(\w+)\.py`\]\((\.\./streamgmm/mixture/\w+\.py)\)((?::\s+(?:`\w+`(?:,\s+)?)+)?)")
NO_MATHEMATICS = {
    "__init__",
    "arrays",
    "bounds",
    "first_run",
    "learning",
    "rows",
    "soundness",
    "state",
    "warm",
}  # what is checked, and how it is held


def names_in(file: Path) -> set[str]:
    """Functions and classes at the top of a file."""
    defined = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, defined)}


def test_every_file_and_function_named_exists() -> None:
    pointers = POINTER.findall(TEXT)
    assert len(pointers) > 30
    for name, target, functions in pointers:
        file = (PAGE.parent / target).resolve()
        assert file.stem == name
        assert set(re.findall(r"`(\w+)`", functions)) <= names_in(file), name


def test_every_file_with_mathematics_in_it_is_named() -> None:
    files = {file.stem for file in (ROOT / "streamgmm" / "mixture").glob("*.py")}
    assert files - NO_MATHEMATICS == {name for name, _, _ in POINTER.findall(TEXT)}


def test_every_symbol_has_the_name_of_the_code() -> None:
    rows = re.findall(r"^\| \$.*?\$ \| `(\w+)`.*\|.*\|$", TEXT, re.MULTILINE)
    fields = {name for kind in (State, Info, StepInfo, Statistics, Parameters, Learning) for name in kind._fields}
    step_size = names_in(ROOT / "streamgmm" / "mixture" / "step_size.py")
    assert len(rows) == 16
    assert set(rows) <= fields | step_size


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", PROSE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}
    for target in re.findall(r"\]\(([^)]+)\)", PROSE):
        path, _, anchor = target.partition("#")
        assert anchor in anchors if not path else (PAGE.parent / path).exists(), target
    assert anchors - {"the-mathematics"} <= set(re.findall(r"\]\(#([^)]+)\)", PROSE)), "a section nothing leads to"


def test_every_source_is_given_and_used() -> None:
    body, _, sources = TEXT.partition("\n## Sources\n")
    given = re.findall(r"^- \[(\w+)\] ", sources, re.MULTILINE)
    assert given == sorted(given)
    assert set(given) == set(re.findall(r"\[([A-Z]\w+)\](?!\()", body))


@pytest.mark.parametrize("before, formula, after", INLINE.findall(PROSE))
def test_inline_formulas_survive_markdown(before: str, formula: str, after: str) -> None:
    """GitHub finds a formula between blanks or punctuation, and Markdown reads its inside first."""
    assert not before or before in " (|"
    assert not after or after in " ,.:;)|"
    assert formula == formula.strip()
    assert not re.search(r"\\[^a-zA-Z]|[*<`]|\]\(|__", formula), "Markdown would change it"
    assert not re.search(r"(?<![a-zA-Z0-9])_", formula), "Markdown would take it for the start of an emphasis"
    assert balanced(formula)


@pytest.mark.parametrize("formula", FENCE.findall(TEXT))
def test_displayed_formulas_are_balanced(formula: str) -> None:
    assert balanced(formula)
    assert len(re.findall(r"\\left\b", formula)) == len(re.findall(r"\\right\b", formula))
    assert re.findall(r"\\begin\{(\w+)\}", formula) == re.findall(r"\\end\{(\w+)\}", formula)
    assert "$" not in formula


def test_no_dollar_is_left_over() -> None:
    assert "$" not in INLINE.sub("", PROSE)
    assert len(FENCE.findall(TEXT)) == TEXT.count("```math") == TEXT.count("```") // 2


def test_lines_fit_an_editors_window() -> None:
    assert max(map(len, TEXT.splitlines())) <= 120


def balanced(formula: str) -> bool:
    depth = 0
    for bracket in re.findall(r"(?<!\\)[{}]", formula):
        depth += 1 if bracket == "{" else -1
        if depth < 0:
            return False
    return depth == 0
