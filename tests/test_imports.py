"""Dependencies point one way; asyncio, and aiokafka's private names, stay where they belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "streamgmm"
FILES = sorted(PACKAGE.rglob("*.py"))

LEAVES = {"errors", "settings"}  # plain values, of use to everybody
MAY_IMPORT = {
    "mixture": set(),
    "records": set(),
    "drift": {"mixture"},
    "dashboard": set(),
    "engine": {"drift", "mixture", "records"},
    "broker": {"records"},
    "service": {"engine", "drift", "mixture", "broker", "records", "dashboard"},
    "demo": {"service", "broker", "records"},
    "estimator": {"mixture"},
    "interchange": {"estimator", "mixture", "service"},
}
ON_TOP = {"cli", "commands", "__main__"}
ASYNC = {"broker", "service", "demo", "commands", "cli"}
ADAPTER = "kafka_internals.py"
DOCUMENTED = {"aiokafka", "aiokafka.errors", "aiokafka.structs", "aiokafka.admin", "aiokafka.helpers", "aiokafka.abc"}
KNOWS_NO_SETTINGS = {"mixture", "drift"}


def imports(file: Path) -> Iterator[str]:
    """Full names of what a file imports, wherever in it; `from a import b` gives `a.b`."""
    package = ("streamgmm", *file.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            yield from (f"{base}{node.module or ''}".rstrip(".") + f".{alias.name}" for alias in node.names)


def part(file: Path) -> str:
    """The part of the package that a file belongs to."""
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def parts_imported(file: Path) -> set[str]:
    names = [name.split(".") for name in imports(file)]
    return {name[1] for name in names if name[0] == "streamgmm" and len(name) > 1} & PARTS


PARTS = {part(file) for file in FILES}


def allowed(mine: str) -> set[str]:
    """The parts that this one may import."""
    if mine in LEAVES:
        return LEAVES
    if mine == "__init__":
        return {"estimator"}
    return PARTS if mine in ON_TOP else MAY_IMPORT[mine] | LEAVES | {mine, "__init__"}


def files_that_import(package: str) -> set[Path]:
    return {file for file in FILES for name in imports(file) if name.split(".")[0] == package}


def test_dependencies_point_one_way() -> None:
    wrong = {str(file): parts_imported(file) - allowed(part(file)) for file in FILES}
    assert not {file: parts for file, parts in wrong.items() if parts}


def test_the_mathematics_takes_no_settings() -> None:
    assert not [file for file in FILES if part(file) in KNOWS_NO_SETTINGS and "settings" in parts_imported(file)]


def test_asyncio_stays_with_those_who_wait() -> None:
    waiting = (ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor, ast.Await)
    asynchronous = {f for f in FILES if any(isinstance(node, waiting) for node in ast.walk(ast.parse(f.read_text())))}
    assert {part(file) for file in asynchronous | files_that_import("asyncio")} <= ASYNC


def test_the_mixture_needs_numpy_scipy_and_numba_alone() -> None:
    used = {name.split(".")[0] for file in FILES if part(file) == "mixture" for name in imports(file)}
    assert used - set(sys.stdlib_module_names) <= {"streamgmm", "numpy", "scipy", "numba", "llvmlite"}


def test_scikit_learn_is_known_to_the_estimator_alone() -> None:
    assert {part(file) for file in files_that_import("sklearn")} == {"estimator", "interchange"}


def test_the_kafka_client_is_known_to_the_kafka_broker_alone() -> None:
    assert all(f.parent.name == "broker" and f.name.startswith("kafka") for f in files_that_import("aiokafka"))


def test_aiokafka_beyond_its_documentation_is_known_to_one_file_alone() -> None:
    assert {file.name for file in FILES if undocumented(file) or private_names(file)} == {ADAPTER}
    assert len((PACKAGE / "broker" / ADAPTER).read_text("utf-8").splitlines()) < 300


def undocumented(file: Path) -> set[str]:
    """What a file imports of aiokafka that its documentation does not name."""
    names = {name for name in imports(file) if name.split(".")[0] == "aiokafka"}
    return {name for name in names if name.rpartition(".")[0] not in DOCUMENTED or name.rpartition(".")[2][0] == "_"}


def private_names(file: Path) -> set[str]:
    """Names with an underscore that a file uses of what is not its own, where it handles aiokafka's objects."""
    if not file.name.startswith("kafka"):
        return set()
    tree = ast.parse(file.read_text("utf-8"))
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_own(node.value)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and not is_own(node.value)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    spelt = {text for text in texts if text.isidentifier() and text not in own}
    return {name for name in used | spelt if name.startswith("_") and not name.startswith("__")} - {"_make", "_replace"}


def is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def test_a_restart_loads_no_web_server_and_no_part_of_scipy_before_its_first_records() -> None:
    """Each of them takes a quarter of a second and more."""
    program = "import sys, streamgmm.cli, streamgmm.service.service; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"fastapi", "uvicorn", "scipy.special", "scipy.linalg", "sklearn", "matplotlib"} & {*done.stdout.split()}


def test_the_walk_sees_what_it_should() -> None:
    assert MAY_IMPORT.keys() <= PARTS
    assert "typing.NamedTuple" in set(imports(PACKAGE / "service" / "snapshot.py"))
    assert "records" in parts_imported(PACKAGE / "broker" / "interface.py")
