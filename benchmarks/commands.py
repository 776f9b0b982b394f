"""How long the commands take that train nothing, as whole processes; another revision can stand next to this one.

    python benchmarks/commands.py [--before REVISION] [--rounds 5]

Each command runs once uncounted, then `--rounds` times, the revisions in turns; the table has the median, and its ratio
to that of `--before`. The study `demo` is trained once per revision, so that `compare` finds all of its cells
finished. A checkout of `--before` is made in a temporary worktree. Writes `benchmarks/results/commands-cpu.json`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from _common import report

ROOT = Path(__file__).parents[1]
GOALS = {  # seconds, on two idle cores
    "toonlab --help": 0.5,
    "toonlab recipes": 0.6,
    "toonlab train ctss --at tiny --print": 2.5,
    "toonlab compare ctss_ablation --explain": 3.0,
    "toonlab compare demo": 5.0,
    "toonlab report demo": 4.0,
}
MAIN = """
import sys
try:
    from toonlab.cli.app import main
except ImportError:  # before the core had packages
    from toonlab.cli import main
sys.argv[0] = "toonlab"
if __name__ == "__main__":
    main()
"""


class Revision:
    """A checkout whose commands are timed, with a folder of its own for runs and caches."""

    def __init__(self, name: str, checkout: Path, home: Path) -> None:
        self.name, self.checkout, self.home = name, checkout, home
        home.mkdir(parents=True)
        (home / "main.py").write_text(MAIN, encoding="utf-8")

    def run(self, command: str) -> float:
        """Seconds that a command takes.

        Raises:
            SystemExit: if it fails; with what it printed.
        """
        source = os.pathsep.join(str(self.checkout / part) for part in ("toolkit", "plugins"))
        given = {"PYTHONPATH": source, "TOONLAB_CACHE": str(self.home / "cache"), "MLFLOW_DISABLE_TELEMETRY": "true"}
        words = [sys.executable, str(self.home / "main.py"), *command.split()[1:]]
        start = time.perf_counter()
        done = subprocess.run(words, cwd=self.home, env={**os.environ, **given}, capture_output=True, text=True)
        taken = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"{self.name}: {command}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return taken


@contextmanager
def checkout(revision: str, folder: Path) -> Iterator[Path]:
    """A worktree of a revision, for as long as it is needed."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def timed(revisions: Sequence[Revision], rounds: int) -> Iterator[Mapping[str, object]]:
    for command, goal in GOALS.items():
        times: dict[str, list[float]] = {revision.name: [] for revision in revisions}
        for number in range(rounds + 1):
            for revision in revisions:
                taken = revision.run(command)
                times[revision.name] += [taken] if number else []
        medians = {name: statistics.median(all_times) for name, all_times in times.items()}
        row: dict[str, object] = {"command": command, **{name: round(value, 2) for name, value in medians.items()}}
        if "before" in medians:
            row["ratio"] = round(medians["now"] / medians["before"], 2)
        yield {**row, "goal": goal, "met": medians["now"] < goal}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", help="a revision to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        if options.before is None:
            rows = measured([Revision("now", ROOT, folder / "now")], options.rounds)
        else:
            with checkout(options.before, folder / "checkout") as before:
                revisions = [Revision("before", before, folder / "before"), Revision("now", ROOT, folder / "now")]
                rows = measured(revisions, options.rounds)
    report("commands", torch.device("cpu"), rows, vars(options))


def measured(revisions: Sequence[Revision], rounds: int) -> list[Mapping[str, object]]:
    for revision in revisions:
        print(f"{revision.name}: the demo is trained", file=sys.stderr, flush=True)
        revision.run(f"toonlab compare demo --jobs {min(2, os.cpu_count() or 1)}")
    return list(timed(revisions, rounds))


if __name__ == "__main__":
    main()
