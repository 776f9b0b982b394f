"""What a stranger installs: the project's wheel, elsewhere."""

import os
import subprocess
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
    compared = run(fresh, "-m", "toonlab", "compare", "demo", "--seeds", "1", *small, *patch, cwd=home)
    assert all(name in compared for name in ("identity", "classic", "ctss", "cartoongan", "animegan", "whitebox"))
    assert "mlflow ui" in compared
