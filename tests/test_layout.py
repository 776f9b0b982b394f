"""The tree can be seen into: only packages at the top of the core, and a test file of its name for every module.

And it can be kept up: of the engines that studies and trackers stand on, only what is public is used.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "toolkit" / "toonlab"
PLACES = ("toolkit", "plugins", "benchmarks", "deploy", "docs", "tests")
ENGINES = ("optuna", "mlflow", "dask", "distributed")
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


def private_names(source: str) -> list[str]:
    """The private attributes of other objects in a module that imports an engine, and all private names of engines.

    A test that replaces one names it in a string.
    """
    nodes = list(ast.walk(ast.parse(source)))
    imported = [name for node in nodes for name in _imports(node)]
    strings = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    dotted = [name for name in (*imported, *strings) if name.split(".")[0] in ENGINES and " " not in name]
    found = [name for name in dotted if any(_is_private(part) for part in name.split("."))]
    if any(name.split(".")[0] in ENGINES for name in imported):
        attributes = [node for node in nodes if isinstance(node, ast.Attribute) and _is_private(node.attr)]
        found += [ast.unparse(node) for node in attributes if ast.unparse(node.value) not in ("self", "cls")]
        calls = [
            node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr")
        ]
        found += [ast.unparse(call) for call in calls if _is_private(getattr(call.args[1], "value", ""))]
    return found


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


def _is_private(name: object) -> bool:
    return str(name).startswith("_") and not str(name).startswith("__")


def test_private_names_are_found() -> None:
    assert private_names("import optuna\nstudy._storage.get()") == ["study._storage"]
    assert private_names("from optuna import storages\ngetattr(trial, '_trial_id')") == ["getattr(trial, '_trial_id')"]
    assert private_names("from distributed.utils import _offload") == ["distributed.utils._offload"]
    assert private_names("from mlflow.store._unity import files") == ["mlflow.store._unity.files"]
    assert private_names("patch('mlflow.tracking._tracking_service.utils', None)") != []
    assert private_names("import optuna\nself._study = optuna.create_study()\nself.__class__") == []
    assert private_names("import torch\ntorch._dynamo.reset()") == []


def test_only_public_names_of_optuna_dask_and_mlflow_are_used() -> None:
    """Tests may look into the project's own objects."""
    sources = {path: path.read_text(encoding="utf-8") for place in PLACES for path in (ROOT / place).rglob("*.py")}
    own = set(
        re.findall(r"(?:def |self\.)(_\w+)", "".join(text for path, text in sources.items() if not in_tests(path)))
    )
    found = []
    for path, source in sources.items():
        names = private_names(source) if path != Path(__file__) else []
        found += [f"{path}: {name}" for name in names if not (in_tests(path) and name.rpartition(".")[2] in own)]
    assert found == []


def in_tests(path: Path) -> bool:
    return path.is_relative_to(ROOT / "tests")
