"""Programs that are killed at chosen moments, and what they leave once they have finished after all."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import psutil
import torch

from toonlab.engine.checkpoint import checkpoints, load_state
from toonlab.errors import first_line
from toonlab.studies.results.results import StudyResults

Start = Callable[..., Any]  # the fixture `toonlab`
TEMPORARY = re.compile(r"\.\.?\w.*\.[^.]*\d[^.]*|.*(-journal|-wal|-shm|\.tmp)|budget-\w+")
"""Names of files and folders that are there only while something is written."""


# -- moments


@dataclass(frozen=True)
class Moment:
    """When a program is to be killed: as soon as files have changed, or at any time.

    Args:
        patterns: of the files, relative to the folder in which the program runs; none: at any time.
        text: in their content; only a change of how often it occurs counts.
        changes: the kill comes after one of the first so many.
    """

    name: str
    patterns: Sequence[str] = ()
    text: bytes = b""
    changes: int = 1

    def look(self, folder: Path) -> Any:
        """What there is now; another value later means that something has changed."""
        seen = []
        for pattern in self.patterns:
            for path in folder.glob(pattern):
                with suppress(OSError):  # gone meanwhile
                    status = path.stat()
                    changed = (status.st_ino, status.st_size, status.st_mtime_ns)
                    seen.append((path, path.read_bytes().count(self.text) if self.text else changed))
        return seen

    def wait(self, folder: Path, command: Any, before: Any, seconds: float, draw: Random) -> None:
        """Wait for the moment, or for the end of the program.

        Args:
            before: what there was before the program was started.
            seconds: that the undisturbed program takes.
        """
        changes, end = draw.randint(1, self.changes), time.monotonic() + draw.uniform(0, 0.8 * seconds)
        while command.running and (self.patterns or time.monotonic() < end):
            if self.patterns and (now := self.look(folder)) != before:
                before, changes = now, changes - 1
                if not changes:
                    break
            time.sleep(0.0001)
        time.sleep(draw.choice([0, 0, draw.uniform(0, 0.005)]))


@dataclass(frozen=True)
class Kill:
    """A kill that was aimed at a moment.

    Args:
        hit: whether the program still ran.
        halves: the kinds of files that were being written, of which the kill left a part.
    """

    moment: str
    who: str
    hit: bool
    halves: Sequence[str] = ()


def kill(command: Any, who: str) -> bool:
    """Send SIGKILL to a program with all that it has started, or to one process; whether the program still ran."""
    if not command.running:
        return False
    victim = command.pid if who in ("all", "program") else _process(command.pid, who)
    if victim is None:
        return False
    with suppress(ProcessLookupError):
        os.killpg(victim, signal.SIGKILL) if who == "all" else os.kill(victim, signal.SIGKILL)
    if who in ("all", "program"):
        command.wait()
        return bool(command.process.exitcode == -signal.SIGKILL)
    return True


def _process(program: int, who: str) -> int | None:
    """The server that a study's cells are forked from, or the process of a cell."""
    with suppress(psutil.Error):
        for server in psutil.Process(program).children():
            if "serve(" in " ".join(server.cmdline()):
                found = [server] if who == "server" else server.children()
                return found[0].pid if found else None
    return None


def processes_of(session: int) -> list[int]:
    """The processes that a killed program has left behind."""
    found = []
    for number in psutil.pids():
        with suppress(OSError):
            found += [number] if os.getsid(number) == session else []
    return found


def halves(folder: Path) -> list[str]:
    """The temporary files and folders in a folder, without the numbers in their names."""
    found = [path.name for path in folder.rglob("*") if TEMPORARY.fullmatch(path.name)]
    return sorted({re.sub(r"[0-9a-f]{16,}|\d+", "N", name) for name in found})


# -- scenarios


@dataclass(frozen=True)
class Scenario:
    """A command that is killed and given again until it ends by itself.

    Args:
        prepare: makes a folder for it.
        moments: at which it is killed.
        share: of all kills.
        after: commands that are given once it has finished.
        equal: suffixes of files that are the same after equal runs.
        who: is killed: `all`, the `program`, the `server` that a study forks its cells from, a `cell`.
        most: kills in a row.
    """

    name: str
    prepare: Callable[[Path], None]
    command: Sequence[str]
    moments: Sequence[Moment]
    share: float
    after: Sequence[Sequence[str]] = (("sync", "runs"),)
    equal: Sequence[str] = (".safetensors", ".png", ".yaml")
    who: Sequence[str] = ("all", "all", "program")
    most: int = 3


@dataclass
class Tally:
    """The kills of a scenario, and what was found after its finishing runs."""

    scenario: Scenario
    kills: list[Kill] = field(default_factory=list)
    lives: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    other_bits: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        kinds = ("lost", "doubled", "left", "other_bits", "refused")
        return [f"{kind.replace('_', ' ')}: {text}" for kind in kinds for text in getattr(self, kind)]


def campaign(scenario: Scenario, start: Start, folder: Path, kills: int, seed: int) -> Tally:
    """Kill a scenario's command so often while it runs, and compare what its finishing runs leave with one in peace."""
    draw, tally = Random(f"{scenario.name} {seed}"), Tally(scenario)
    began = time.monotonic()
    expected, errors = _finish(scenario, start, folder / "in-peace")
    assert not errors, errors
    seconds = time.monotonic() - began
    queue: list[Moment] = []
    while sum(one.hit for one in tally.kills) < kills and len(tally.kills) < 3 * kills:
        life = folder / f"life-{tally.lives}"
        scenario.prepare(life)
        sessions, told = [], []
        count = min(draw.randint(1, scenario.most), kills - sum(one.hit for one in tally.kills))
        if len(queue) < count:  # all moments, again and again
            queue += draw.sample(scenario.moments, len(scenario.moments))
        row, queue = sorted(queue[:count], key=scenario.moments.index), queue[count:]
        for moment in row:
            who = draw.choice(scenario.who)
            before = moment.look(life)
            command = start(*scenario.command, cwd=life)
            sessions.append(command.pid)
            moment.wait(life, command, before, seconds, draw)
            hit = kill(command, who)
            tally.kills.append(Kill(moment.name, who, hit, halves(life) if hit else []))
            told.append(f"{who} at {moment.name}{'' if hit else ' (missed)'}")
            if command.wait() == 0:
                break
        found, errors = _finish(scenario, start, life, sessions)
        where = f"{life.name} ({', '.join(told)}): "
        tally.lives += 1
        tally.refused += [where + text for text in errors]
        tally.lost += [where + text for text in (expected.items - found.items).elements()]
        tally.lost += [where + text for text in sorted(expected.files - found.files)]
        tally.doubled += [where + text for text in (found.items - expected.items).elements()]
        tally.left += [where + text for text in sorted(found.files - expected.files)]
        tally.other_bits += [where + name for name, bits in expected.bits.items() if found.bits.get(name, bits) != bits]
        if len(tally.problems) == 0:
            shutil.rmtree(life)
    return tally


def _finish(scenario: Scenario, start: Start, folder: Path, sessions: Sequence[int] = ()) -> tuple[State, list[str]]:
    """Let the command and those after it come to their ends."""
    if not folder.exists():
        scenario.prepare(folder)
    errors = []
    for arguments in (scenario.command, *scenario.after):
        command = start(*arguments, cwd=folder)
        code = command.wait()
        if code or "Traceback" in command.stderr:
            errors.append(f"{' '.join(arguments)}: exit code {code}: {command.stderr.strip()[-600:]}")
    end = time.monotonic() + 120
    while any(map(processes_of, sessions)) and time.monotonic() < end:
        time.sleep(0.1)
    errors += [f"process {number} is left" for session in sessions for number in processes_of(session)]
    return state_of(folder, scenario.equal), errors


# -- what is left


@dataclass
class State:
    """What must be there after a scenario, however often it was killed.

    Args:
        items: each of which must be there once: points, lines, trials, cells, outcomes.
        files: all paths.
        bits: path -> a hash of the content, of files that are equal after equal runs.
    """

    items: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    bits: dict[str, str] = field(default_factory=dict)


def state_of(folder: Path, equal: Sequence[str]) -> State:
    """Everything below a folder but times and costs; files with the suffixes in `equal` as they are."""
    state = State()
    saved = {run: checkpoints(run) for run in folder.rglob("checkpoints")}  # earlier ones also where a run has stopped
    earlier = {inside for found in saved.values() for one in found[:-1] for inside in (one, *one.iterdir())}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path in earlier or "mlflow-artifacts" in path.parts:  # folders of random names, which MLflow lists below
            continue
        if path.name == ".mlflow-report":  # a receipt; where a cell has failed meanwhile, it is in another run's folder
            continue
        state.files.add(name)
        if path.name == "metrics.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            state.items.update(f"{name}: {json.dumps({**line, 'time': 0})}" for line in lines)
        elif path.name == "outcome.json":
            outcome = json.loads(path.read_text())
            state.items[f"{name}: {json.dumps({**outcome, 'seconds': 0, 'costs': 0})}"] += 1
        elif path.name == "results.json":
            state.items.update(f"{name}: {text}" for text in _results(path.parent))
        elif path.name == "mlflow.db":
            try:
                state.items.update(f"{name}: {text}" for text in _tracked(path))
            except Exception as error:  # of MLflow, at a store that is half made
                state.items[f"{name}: can't be read: {first_line(error)}"] += 1
        elif path.name == "state.pt":
            kept = {key: value for key, value in load_state(path.parent).items() if key != "seconds"}
            state.bits[name] = sha256(_bytes(kept)).hexdigest()
        elif path.suffix in equal:
            state.bits[name] = sha256(path.read_bytes()).hexdigest()
        elif path.name == "report.html":
            state.items[f"{name}: complete"] += path.read_text().rstrip().endswith("</html>")
    return state


def _bytes(tree: Any) -> bytes:
    """A state's content to the bit."""
    if isinstance(tree, torch.Tensor):
        return f"{tree.dtype}{tuple(tree.shape)}".encode() + tree.contiguous().numpy().tobytes()
    if isinstance(tree, Mapping):
        return b"{" + b",".join(repr(key).encode() + b":" + _bytes(value) for key, value in tree.items()) + b"}"
    if isinstance(tree, list | tuple):
        return b"[" + b",".join(map(_bytes, tree)) + b"]"
    return repr(tree).encode()


def _results(directory: Path) -> list[str]:
    """A study's cells and trials."""
    results = StudyResults.read(directory)
    found = []
    for cell in results.cells:
        outcome = {**(cell.outcome or {}), "seconds": 0, "costs": 0}
        found.append(f"{cell.label}: {cell.run} {cell.status} {cell.reason} {outcome}")
    trials = results.search.trials if results.search else ()
    # Optuna's numbers have gaps where it gave one to a trial that was interrupted
    return found + [f"trial: {replace(trial, number=place, seconds=None)}" for place, trial in enumerate(trials)]


_OF_A_PROCESS = (
    "mlflow.user",
    "mlflow.source",
    "mlflow.parentRunId",
    "toonlab.run",
    "mlflow.log-model",
    "mlflow.runName",
    "mlflow.note",  # a study's has the address of its run
    "toonlab.made",
)


def _tracked(database: Path) -> list[str]:
    """The runs in MLflow's store: status, parameters, tags, points, artifacts."""
    from mlflow import MlflowClient

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, at MLflow
        client = MlflowClient(f"sqlite:///{database}")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        found = []
        for run in client.search_runs(experiments, max_results=1000):
            about, number = f"run {run.info.run_name}", run.info.run_id
            found.append(f"{about}: {run.info.status}")
            found += [f"{about}: {name} = {value}" for name, value in run.data.params.items()]
            tags = {name: value for name, value in run.data.tags.items() if not name.startswith(_OF_A_PROCESS)}
            found += [f"{about}: tag {name} = {value}" for name, value in tags.items()]
            for name in (name for name in run.data.metrics if not name.startswith("variants/seconds")):
                points = client.get_metric_history(number, name)
                found += [f"{about}: {name} at step {point.step}: {point.value!r}" for point in points]
            found += [f"{about}: artifact {path}" for path in _artifacts(client, number)]
    return found


def _artifacts(client: Any, run: str, folder: str | None = None) -> list[str]:
    found = []
    for artifact in client.list_artifacts(run, folder):
        found += _artifacts(client, run, artifact.path) if artifact.is_dir else [artifact.path]
    return found


# -- the report


def report(tallies: Sequence[Tally], command: str, seed: int, seconds: float) -> str:
    """The page on a campaign, in Markdown."""
    rows = []
    for tally in tallies:
        hits, halves = sum(one.hit for one in tally.kills), sum(one.halves != [] for one in tally.kills)
        found = (len(tally.lost), len(tally.doubled), len(tally.left), "no" if tally.other_bits else "yes")
        cells = (tally.scenario.name, len(tally.kills), hits, halves, tally.lives, *found)
        rows.append(f"| {' | '.join(map(str, cells))} |")
    aimed: Counter[tuple[str, str]] = Counter()
    caught: dict[tuple[str, str], set[str]] = {}
    for tally in tallies:
        for one in tally.kills:
            aimed[tally.scenario.name, one.moment] += one.hit
            caught.setdefault((tally.scenario.name, one.moment), set()).update(one.halves)
    whom = Counter(one.who for tally in tallies for one in tally.kills if one.hit)
    moments = [
        f"| {key[0]} | {key[1]} | {count} | {', '.join(f'`{name}`' for name in sorted(caught[key]))} |"
        for key, count in aimed.items()
    ]
    return PAGE.format(
        command=command,
        seed=seed,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        hardware=f"{len(os.sched_getaffinity(0))} cores of {_processor()}, torch {torch.__version__.partition('+')[0]}",
        minutes=f"{seconds / 60:.0f}",
        hits=sum(k.hit for t in tallies for k in t.kills),
        whom=", ".join(f"{WHOM[who]} {count} times" for who, count in whom.most_common()),
        rows="\n".join(rows),
        moments="\n".join(moments),
    )


WHOM = {
    "all": "the program with all its processes",
    "program": "the program alone",
    "server": "the process that cells are forked from",
    "cell": "the process of a cell",
}
PAGE = """\
# Killed programs

```sh
{command}
```

This page is written by that command ({date}, {hardware}, seed {seed}, {minutes} minutes). It starts real commands,
kills them with SIGKILL at chosen moments, mostly as soon as a file that it watches changes, several times in a row,
and then lets the same command finish, and `toonlab sync` after it. What is there then is compared with what the same
command leaves undisturbed: the lines of `metrics.jsonl`, outcomes, results, trials in their order, MLflow's runs with
every parameter, tag, point and artifact, and the names of all files outside of MLflow's folder of artifacts. *Bits* are
those of the weights (last and best), the whole training states (averaged weights and optimizers among them), pictures
and recipes, and of the tables of a report.

| scenario | kills aimed | hit | in a file | finishing runs | lost | doubled | left behind | bits equal |
|---|---|---|---|---|---|---|---|---|
{rows}

Of {hits} kills that hit, SIGKILL went to {whom}.

| scenario | moment | kills | half-written files that were left |
|---|---|---|---|
{moments}

A kill *hit* if the program still ran; other kills were aimed at a moment that did not come again. It hit *in a file*
if it left a file half written, which the next start has to cope with and the finishing run must not leave behind.
"""


def _processor() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()
