"""What a run's identity is made of."""

import sys
from collections.abc import Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

import toonlab
from toonlab.runs.directory import AROUND, source_hash

FILES = {"__init__.py": "", "step.py": "a = 1\n", "report/__init__.py": "", "report/table.py": "b = 1\n"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package on the path, with a module that decides numbers and a subpackage that does not."""
    root = tmp_path / "source_of_numbers"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    import_module(root.name)
    yield root
    del sys.modules[root.name]


def of(package: Path, without: frozenset[str] = frozenset()) -> str:
    source_hash.cache_clear()
    return source_hash(package.name, without)


@pytest.mark.parametrize(("file", "counts"), [("step.py", True), ("report/table.py", False)])
def test_edits_of_what_runs_around_trainings_do_not_make_runs_others(package: Path, file: str, counts: bool) -> None:
    around = frozenset({"report"})
    partly, whole = of(package, around), of(package)
    (package / file).write_text("a = 2\n")
    assert (of(package, around) != partly) == counts
    assert of(package) != whole


def test_everything_around_trainings_is_a_subpackage_and_no_subpackage_is_anything_else() -> None:
    core = Path(toonlab.__file__).parent
    inside = {path.name for path in core.iterdir() if (path / "__init__.py").exists()}
    assert inside <= AROUND, "a new subpackage: does it decide a run's numbers?"
