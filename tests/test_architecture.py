"""The house rules that a machine can check: who imports whom, how long a file is, what loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "unflip"
FILES = sorted(PACKAGE.rglob("*.py"))

# A part may import itself, the standard library, the third parties that its code names, and these.
ALLOWED = {
    "errors": set(),
    "sqlite": {"errors"},
    "intervals": {"errors"},
    "types": {"errors"},
    "rates": {"errors", "intervals"},
    "workers": {"errors"},
    "noise": {"types", "rates", "intervals", "errors"},
    "correction": {"types", "rates", "intervals", "errors"},
    "sandbox": {"workers", "errors"},
    "verifiers": {"types", "errors", "workers", "sandbox"},
    "judges": {"types", "errors", "intervals", "verifiers", "sqlite"},
    "audit": {"types", "rates", "intervals", "errors", "noise"},
    "data": {"types", "errors", "workers"},
    "rollouts": {"data", "types", "rates", "errors", "correction"},
    "plugins": {"types", "errors", "workers"},
    "run": {"types", "errors", "workers"},
    "cache": {"types", "errors", "sqlite"},
    "appending": {"errors"},
    "records": {"types", "errors", "run", "appending"},
    "labelling": {"types", "errors", "noise", "intervals", "rates", "report", "appending"},
    "integrations": {"types", "errors", "correction", "noise", "run", "rates", "intervals"},
    "report": {"*"},
    "measure": {"*"},
    "cli": {"*"},
    "demo": {"types"},
    "__main__": {"cli"},
    "__init__": {"*"},
}
# Heavy or optional: only inside the functions that need them.
INSIDE_FUNCTIONS = {
    "scipy", "sympy", "math_verify", "latex2sympy2_extended", "pint", "pyarrow", "datasets",
    "torch", "transformers", "ray", "trl", "docker",
}  # fmt: skip


def part_of(path: Path) -> str:
    """The part of the house that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """Every module that the tree imports, by its full name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_flow_one_way(path):
    """A part imports only the parts that DESIGN's one-way flow lets it import."""
    part = part_of(path)
    used = {
        name.split(".")[1]
        for name in imports(ast.parse(path.read_text()))
        if name.startswith("unflip.")
    }
    assert "*" in ALLOWED[part] or used <= ALLOWED[part] | {part}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_packages_are_imported_inside_functions(path):
    """No module imports a heavy or optional package when it is itself imported."""
    tree = ast.parse(path.read_text())
    top = ast.Module(body=[n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))],
                     type_ignores=[])  # fmt: skip
    assert not {name.split(".")[0] for name in imports(top)} & INSIDE_FUNCTIONS


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_says_its_job_and_stays_short(path):
    """Every file starts with one sentence that says its job, and has at most 450 lines."""
    text = path.read_text()
    assert (ast.get_docstring(ast.parse(text)) or "").strip()
    assert len(text.splitlines()) <= 450


def test_import_unflip_is_light():
    """`import unflip` loads none of the heavy packages."""
    code = "import sys, unflip; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    tops = {name.split(".")[0] for name in loaded.stdout.split()}
    assert not tops & (INSIDE_FUNCTIONS | {"numpy", "rich", "click", "urllib3"})


def test_a_report_loads_no_judges():
    """Who never asks a model does not wait for what asks one."""
    code = "import sys, unflip.report; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not [name for name in loaded.stdout.split() if name.startswith("unflip.judges")]


def test_public_names_exist():
    """Every name in `unflip.__all__` resolves, and `dir` shows just those."""
    import unflip

    assert unflip.__all__ == sorted(unflip.__all__, key=str) == dir(unflip)
    assert all(getattr(unflip, name) is not None for name in unflip.__all__)
