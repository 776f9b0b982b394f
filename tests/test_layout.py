"""The tree can be seen into: only packages at the top of the core, and a test file of its name for every module."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "toolkit" / "toonlab"
ELSEWHERE = {  # modules whose tests are not files of their names -> where these are
    "toolkit/toonlab/__main__.py": "tests/toolkit/cli/test_app.py",
    "toolkit/toonlab/scaffold/examples": "next to the examples, since `toonlab new` copies both",
}
OF_SEVERAL = {  # test files of what several modules do together
    "init",  # of a plugin: the parts that it registers
    "recipe",  # of White-box
    "on_toonworld",  # metrics on rendered scenes
    "away",  # MLflow's servers and databases that are away, frozen, locked
    "whole_runs",  # runs and servers that are killed, with MLflow
    "resume",  # runs that are killed
    "untrained",  # runs of recipes that train nothing
    "report",  # the files of a report
    "new",  # `toonlab new`, in an environment of its own
    "broken",  # plugins with one mistake each
    "in_tree",  # all parts that ship
}


def modules() -> list[Path]:
    """All modules but the `__init__` of packages, relative to the repository."""
    found = [path.relative_to(ROOT) for place in ("toolkit", "plugins") for path in (ROOT / place).rglob("*.py")]
    return sorted(p for p in found if p.name != "__init__.py" and not str(p).startswith(tuple(ELSEWHERE)))


def mirrored(module: Path) -> Path:
    """`toolkit/toonlab/engine/gan.py` -> `tests/toolkit/engine/test_gan.py`."""
    inner = Path("toolkit") / module.relative_to("toolkit/toonlab") if module.parts[0] == "toolkit" else module
    return Path("tests") / inner.with_name(f"test_{module.stem}.py")


def defined_tests(path: Path) -> list[str]:
    if not (ROOT / path).is_file():
        return []
    nodes = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in names if name.lower().startswith("test")]


def test_every_module_has_a_test_file_of_its_name() -> None:
    missing = [str(mirrored(module)) for module in modules() if not defined_tests(mirrored(module))]
    assert missing == []


def test_no_test_file_is_left_of_a_module_that_is_gone() -> None:
    wanted = {mirrored(module) for module in modules()}
    folders = {path.parent for path in wanted}
    left = {path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).glob("test_*.py")} - wanted
    assert sorted(str(path) for path in left if path.stem.removeprefix("test_") not in OF_SEVERAL) == []


def test_the_top_of_the_core_holds_only_packages_and_the_public_names() -> None:
    assert {path.name for path in CORE.glob("*.py")} == {"__init__.py", "__main__.py", "errors.py", "types.py"}
    loose = [path for path in CORE.iterdir() if path.is_dir() and not (path / "__init__.py").is_file()]
    assert [path.name for path in loose if path.name not in ("__pycache__", "_recipes")] == []
