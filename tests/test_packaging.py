"""What a stranger installs: the plugin of the author's guide by pip, and the project's wheel elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_a_wheel_installed_elsewhere_finds_everything_and_trains(fresh: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    where = run(fresh, "-c", "import toonlab; print(toonlab.__file__)", cwd=home).strip()
    assert Path(where).is_relative_to(fresh.parents[1])
    files = {path.name for path in Path(where).parents[1].iterdir()}
    assert {"toonlab", "toonlab_basics", "toonlab_ctss", "toonlab_world", "toonlab_mlflow"} <= files
    assert not {"tests", "toolkit", "plugins", "README.md"} & files
    recipes = run(fresh, "-m", "toonlab", "recipes", cwd=home)
    assert all(f"  {name}" in recipes for name in ("ctss", "plain", "tiny", "demo"))
    assert "salient" in run(fresh, "-m", "toonlab", "plugins", cwd=home)
    small = ["data.size=32", "data.scenes=8", "data.evaluation_scenes=2", "train.size=32", "train.steps=4"]
    patch = ["critics.patch.sampler.patch_size=16", "train.batch=2"]
    trained = run(fresh, "-m", "toonlab", "train", "ctss", "--at", "tiny", *small, *patch, cwd=home)
    assert "mlflow ui" in trained
    compared = run(fresh, "-m", "toonlab", "compare", "demo", "--seeds", "1", *small, *patch, cwd=home)
    assert all(name in compared for name in ("identity", "classic", "ctss", "cartoongan", "animegan", "whitebox"))
