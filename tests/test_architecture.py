"""The house rules, held by tests: who imports whom, how large things are, what is loaded when."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("cds_service", "fhir_mappings", "models")
MODULE_LINES = 250
FUNCTION_LINES = 60
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FRAMEWORK_ROOMS = ("app", "hooks.routes", "web", "demo")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    """Every function and method of a module."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def body_lines(node: Function) -> int:
    """Lines of a function without its docstring."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or first.lineno) - first.lineno + 1


def test_import_contracts_hold():
    """Every import-linter contract of pyproject.toml is kept."""
    run = subprocess.run([Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_only_the_web_rooms_import_flask():
    """The data path and the cards know no framework."""
    using = [path for path in SOURCES if any(name.split(".")[0] == "flask" for name in imported(path))]
    modules = [".".join(path.relative_to(ROOT / "cds_service").with_suffix("").parts) for path in using]
    assert [module for module in modules if not module.startswith(FRAMEWORK_ROOMS)] == []


def test_only_the_mappers_import_fhir_resources():
    """FHIR classes stay in ``fhir_mappings``; the version is named in one place."""
    using = {path.relative_to(ROOT).parts[0] for path in SOURCES if any(n.startswith("fhir.") for n in imported(path))}
    assert {"fhir_mappings"} == using


def test_training_and_simulation_are_imported_only_by_the_command_line():
    """A server never loads the code of training, simulation, comparators, evaluation and studies."""
    rooms = ("training", "simulation", "comparators", "evaluation", "studies")
    inside, heavy = tuple(f"models/{room}" for room in rooms), tuple(f"models.{room}" for room in rooms)
    outside = [path for path in SOURCES if not str(path.relative_to(ROOT)).startswith(inside)]
    using = [path.name for path in outside if any(name.startswith(heavy) for name in imported(path))]
    assert using in ([], ["cli_model.py"])


def test_web_and_hooks_do_not_import_each_other():
    """Pages for people and the wire protocol stay apart."""
    crossing = [
        path for path in SOURCES for name in imported(path)
        if ("cds_service/hooks" in str(path) and name.startswith("cds_service.web"))
        or ("cds_service/web" in str(path) and name.startswith("cds_service.hooks"))
    ]  # fmt: skip
    assert crossing == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path):
    """A module fits in one reading, a function on one screen."""
    long = [node.name for node in functions(path) if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES]
    assert long == []
    assert len(path.read_text("utf-8").splitlines()) <= MODULE_LINES


def test_the_typical_module_and_function_are_short():
    """Medians: a module at most 150 lines, a function's body at most 8."""
    assert statistics.median(len(path.read_text("utf-8").splitlines()) for path in SOURCES) <= 150
    assert statistics.median(body_lines(node) for path in SOURCES for node in functions(path)) <= 8


LIGHT = {
    "--help": "from cds_service.cli import main\nmain(['--help'], standalone_mode=False)",
    "mappings": "import fhir_mappings.pipeline, fhir_mappings.features",
    "discovery": "from cds_service.hooks import services",
    "cards": "import cds_service.cards.compose, cds_service.conclude",
}


@pytest.mark.parametrize("what", LIGHT)
def test_light_work_loads_neither_torch_nor_transformers(what: str):
    """Help, discovery, mappings and cards start without the model's runtime."""
    code = LIGHT[what] + "\nimport sys\nassert not {'torch', 'transformers'} & set(sys.modules), 'loaded'"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
