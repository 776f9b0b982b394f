"""What a stranger installs: the plugin of the author's guide by pip, and the project's wheel elsewhere."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "160", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def blocks(markdown: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", markdown.read_text(encoding="utf-8"), re.DOTALL)


def test_the_guides_plugin_installs_shows_up_and_trains_by_name(small: Path, tmp_path: Path) -> None:
    guide = ROOT / "plugins" / "README.md"
    source, installed = tmp_path / "toonlab-loudest", tmp_path / "site"
    source.mkdir()
    (source / "pyproject.toml").write_text(blocks(guide, "toml")[0])
    (source / "toonlab_loudest.py").write_text(blocks(guide, "python")[0])
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run(*pip, "--target", installed, source, cwd=tmp_path)
    toonlab = (sys.executable, "-m", "toonlab")
    listed = run(*toonlab, "plugins", cwd=tmp_path, PYTHONPATH=str(installed))
    assert "loudest" in listed
    assert "toonlab-loudest 0.1" in listed
    assert "size: int, > 0 = 64  (search 16 … 128, step 16)" in listed
    sampler = "critics.patch.sampler={use: loudest, size: 16, keep: 2}"
    trained = run(*toonlab, "train", small, sampler, cwd=tmp_path, PYTHONPATH=str(installed))
    assert "generator.safetensors" in trained
    (recipe,) = tmp_path.glob("runs/small/*/recipe.yaml")
    assert "use: loudest" in recipe.read_text()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A new environment with the project's wheel in it; its dependencies are those of this one."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", ROOT, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("toonlab-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    run(*pip, "--target", site, wheel, cwd=tmp_path)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_a_wheel_installed_elsewhere_finds_everything_and_trains(elsewhere: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    where = run(elsewhere, "-c", "import toonlab; print(toonlab.__file__)", cwd=home).strip()
    assert Path(where).is_relative_to(tmp_path / "venv")
    files = {path.name for path in Path(where).parents[1].iterdir()}
    assert {"toonlab", "toonlab_basics", "toonlab_ctss", "toonlab_world", "toonlab_mlflow"} <= files
    assert not {"tests", "toolkit", "plugins", "README.md"} & files
    recipes = run(elsewhere, "-m", "toonlab", "recipes", cwd=home)
    assert all(f"  {name}" in recipes for name in ("ctss", "plain", "tiny", "demo"))
    assert "salient" in run(elsewhere, "-m", "toonlab", "plugins", cwd=home)
    small = ["data.size=32", "data.scenes=8", "data.evaluation_scenes=2", "train.size=32", "train.steps=4"]
    patch = ["critics.patch.sampler.patch_size=16", "train.batch=2"]
    trained = run(elsewhere, "-m", "toonlab", "train", "ctss", "--at", "tiny", *small, *patch, cwd=home)
    assert "mlflow ui" in trained
    compared = run(elsewhere, "-m", "toonlab", "compare", "demo", "--seeds", "1", *small, *patch, cwd=home)
    assert all(name in compared for name in ("identity", "classic", "ctss", "cartoongan", "animegan", "whitebox"))
