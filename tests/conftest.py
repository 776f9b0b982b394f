"""What tests share: arrays that the methods' authors' code produced, and their inputs."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from torch import Tensor, nn

from toonlab.studies.executors.fork_server import REQUIRED

GOLDEN = Path(__file__).parent / "data" / "golden"

# One thread: where another process wants the cores too, two wait for each other and can take fifty times as long.
torch.set_num_threads(1)
# derandomised: a commit passes or fails, it does not do both; no deadline: machines are shared
settings.register_profile("toonlab", deadline=None, derandomize=True)
settings.load_profile("toonlab")


# What takes longest begins, so that no process is left alone with it at the end.
LONGEST = (
    "test_blocks.py",
    "test_notebook.py",
    "test_tune.py",
    "test_in_tree.py",
    "test_resume.py",
    "test_new.py",
    "test_compare.py",
    "test_two_workers.py",
    "test_whole_runs.py",
    "test_packaging.py",
    "test_damaged_studies.py",
    "test_site.py",
    "test_distributed.py",
    "test_bad_input.py",
    "test_damaged_files.py",
    "test_study.py",
)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, and come seldom: it took a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


SMALL = """\
about: as small as a recipe with two critics can be
data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}
features: {use: random, width: 4, depth: 2}
generator:
  network: {use: ctss_plain, width: 2}
  losses: {content: {weight: 1.5}, tv: {use: total_variation, weight: 1e-1}}
critics:
  image:
    discriminator: {use: ctss_image, width: 2}
    objective: lsgan
  patch:
    sampler: {use: ctss, patch_size: 16, k: 2}
    representation: gray_minmax
    discriminator: {use: ctss_patch, width: 2}
    objective: {use: lsgan}
    weight: 3
stages:
  - {name: warm-up, share: 0.5, critics: [], losses: {content: {weight: 5}}}
  - {name: adversarial, share: 0.5}
train: {size: 32, batch: 2, steps: 4, log_every: 1}
evaluate: {metrics: [lines, psnr], samples: 3, grid: 2}
"""


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Rendered worlds of the tests are kept apart from the user's, and shared by the tests."""
    with pytest.MonkeyPatch.context() as patch:
        shared = "PYTEST_XDIST_WORKER" in os.environ  # then the folder above is that of all workers
        folder = tmp_path_factory.getbasetemp()
        patch.setenv("TOONLAB_CACHE", str((folder.parent if shared else folder) / "cache"))
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("OMP_NUM_THREADS", "1")  # for processes that tests start, likewise
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # they would compile everything each time
        yield


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Within, torch computes with two threads, for what must not depend on the order in which they arrive."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recipe file that trains in about a second."""
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path / "small.yaml"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the project's wheel in it; what that depends on is this one's."""
    folder, root = tmp_path_factory.mktemp("fresh"), Path(__file__).parents[1]
    python = folder / "venv" / "bin" / "python"
    for command in (
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root],
        [sys.executable, "-m", "venv", "--without-pip", folder / "venv"],
    ):
        subprocess.run(command, check=True, capture_output=True)
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, *folder.glob("toonlab-*.whl")], check=True, capture_output=True)
    return python


# A command runs in a process of its own that is forked from one which has imported what takes seconds to import.
FORKS = multiprocessing.get_context("forkserver")
PLUGINS = [plugin.value for plugin in entry_points(group="toonlab")]
MODULES = ["toonlab.cli.app", "toonlab.api.study", "toonlab.api.train", "toonlab_mlflow.preload", "toonlab.report.page"]
MODULES += ["matplotlib.backends.backend_svg", "jinja2.compiler", "pandas", "typer.rich_utils", *REQUIRED]
FORKS.set_forkserver_preload([*MODULES, *PLUGINS])
PROGRAM = """
import gc, multiprocessing, os, sys
import torch

gc.freeze()
os.setsid()
multiprocessing.set_start_method(None, force=True)  # the platform's own, as in a process that was not forked from here
os.chdir(cwd)
for number, path in enumerate(outputs, 1):
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
os.environ.clear()
os.environ.update(environment)
sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
torch.set_num_threads(1)
sys.argv = arguments
exec(code, {"__name__": "__main__"})
"""
COMMAND = """
import multiprocessing.util, os, signal, socket
from types import SimpleNamespace
from toonlab.cli.app import main
from toonlab.studies.executors import fork_server

class Forked:
    # The fork server of a study: in place of a new interpreter, which would import for five seconds, a process that
    # was forked from here before the command began, and that runs what the interpreter would run.
    def __init__(self):
        self.ours, theirs = socket.socketpair()
        self.pid, self.begun, self.code = os.fork(), False, None
        if not self.pid:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            self.ours.close()
            message, descriptors, *_ = socket.recv_fds(theirs, 65536, 1)
            theirs.close()
            number, _, code = message.partition(b" ")
            if message:  # none: the command has ended
                os.dup2(descriptors[0], int(number))
                os.close(descriptors[0])
                exec(code, {})
                multiprocessing.util._exit_function()
            os._exit(0)
        theirs.close()

    def start(self, command, stdin, pass_fds):
        if self.begun:
            return subprocess.Popen(command, stdin=stdin, pass_fds=pass_fds)
        self.begun = True
        socket.send_fds(self.ours, [f"{pass_fds[0]} {command[-1]}".encode()], pass_fds)
        return self

    def poll(self, flags=os.WNOHANG):
        if self.code is None and os.waitpid(self.pid, flags)[0]:
            self.code = 0
        return self.code

    def wait(self):
        return self.poll(0)

subprocess = fork_server.subprocess
fork_server.subprocess = SimpleNamespace(Popen=Forked().start, DEVNULL=subprocess.DEVNULL)
main()
"""


class Command:
    """`toonlab …` as a user types it, started; in a session of its own, as in a terminal of its own.

    Likewise any other program, by its code.
    """

    def __init__(
        self, arguments: list[str], cwd: Path, folder: Path, environment: dict[str, str], code: str = COMMAND
    ) -> None:
        self.outputs = [folder / "stdout", folder / "stderr"]
        given = {"arguments": arguments, "cwd": str(cwd), "outputs": [*map(str, self.outputs)], "code": code}
        given["environment"] = {**os.environ, "COLUMNS": "160", **environment}
        self.process = FORKS.Process(target=exec, args=(PROGRAM, given))
        self.process.start()
        self.pid = self.process.pid

    @property
    def running(self) -> bool:
        return self.process.is_alive()

    def wait(self, seconds: float = 400) -> int:
        """Its exit code; below 0, the signal that ended it."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"did not end within {seconds} s"
        return self.process.exitcode

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    @property
    def stdout(self) -> str:
        return self._read(0)

    @property
    def stderr(self) -> str:
        return self._read(1)

    def _read(self, number: int) -> str:
        return self.outputs[number].read_text() if self.outputs[number].exists() else ""


@pytest.fixture
def toonlab(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """`toonlab("train", "small.yaml", cwd=…)` starts a command in `tmp_path`; those still running end with the test."""
    started: list[Command] = []

    def start(*arguments: str | Path, cwd: Path = tmp_path, **environment: str) -> Command:
        started.append(Command(_words("toonlab", arguments), cwd, tmp_path_factory.mktemp("command"), environment))
        return started[-1]

    yield start
    for command in started:
        command.kill()
        command.process.close()


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Command]:
    """`command("compare", "demo", cwd=…)` starts a command, for fixtures that outlive a test."""

    def start(*arguments: str | Path, cwd: Path, **environment: str) -> Command:
        return Command(_words("toonlab", arguments), cwd, tmp_path_factory.mktemp("command"), environment)

    return start


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """`program(code, "argument", cwd=…)` starts `python -c …` with the slow imports done; it ends with the test."""
    started: list[Command] = []

    def start(code: str, *arguments: object, cwd: Path = tmp_path, **environment: str) -> Command:
        folder = tmp_path_factory.mktemp("program")
        started.append(Command(_words("-c", arguments), cwd, folder, environment, code))
        return started[-1]

    yield start
    for command in started:
        command.kill()
        command.process.close()


def _words(program: str, arguments: tuple[object, ...]) -> list[str]:
    return [program, *map(str, arguments)]


def wait_until(condition: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """`until(condition)` waits for what must come, if slowly on a busy machine, and fails when it does not."""
    return wait_until


@pytest.fixture(scope="session")
def golden() -> Callable[[str], dict[str, np.ndarray]]:
    """`golden("ctss_sampler")["cartoon_s48_index"]`; see `tests/data/golden/README.md`."""

    def load(name: str) -> dict[str, np.ndarray]:
        with np.load(GOLDEN / f"{name}.npz") as arrays:
            return dict(arrays)

    return load


@pytest.fixture(scope="session")
def images(golden: Callable[[str], dict[str, np.ndarray]]) -> Tensor:
    """The ten input images, `(10, 3, 256, 256)` float32 in [-1, 1]."""
    pixels = golden("inputs")["images_u8"].astype(np.float32) / np.float32(127.5) - 1
    return torch.from_numpy(pixels).movedim(-1, 1).contiguous()


@pytest.fixture(scope="session")
def inputs(images: Tensor) -> dict[str, Tensor]:
    """The batches `photo`, `cartoon` and `mixed` that the arrays were made from, `(4, 3, 256, 256)` in [-1, 1]."""
    return {"photo": images[:4], "cartoon": images[4:8], "mixed": images[[0, 4, 8, 9]]}


@pytest.fixture(scope="session")
def seeded_weights() -> Callable[[nn.Module], nn.Module]:
    """Gives a network of TensorFlow origin the weights that its golden output was computed with, in place.

    The i-th variable, in the order of creation there, is drawn with seed 7000 + i in TensorFlow's layout.
    """

    def fill(network: nn.Module) -> nn.Module:
        with torch.no_grad():
            for number, (kind, tensor) in enumerate(_tensorflow_variables(network)):
                tensor.copy_(_draw(kind, tuple(tensor.shape), np.random.RandomState(7000 + number)))
        return network

    return fill


def _tensorflow_variables(network: nn.Module) -> list[tuple[str, Tensor]]:
    found: list[tuple[str, Tensor]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            spectral_norm = getattr(module, "parametrizations", None)
            weight = spectral_norm.weight.original if spectral_norm else module.weight
            found.append(("depthwise" if module.groups > 1 else "kernel", weight))
            found += [("shift", module.bias)] if module.bias is not None else []
            found += [("u", spectral_norm.weight[0].u)] if spectral_norm else []
        elif isinstance(module, nn.GroupNorm | nn.InstanceNorm2d):
            found += [("shift", module.bias), ("scale", module.weight)]  # beta comes before gamma
    return found


def _draw(kind: str, shape: tuple[int, ...], random: np.random.RandomState) -> Tensor:
    if kind == "kernel":  # (out, in, h, w) here, (h, w, in, out) there
        drawn = random.standard_normal((*shape[2:], shape[1], shape[0]))
        drawn = (drawn * np.sqrt(2 / np.prod(drawn.shape[:-1]))).transpose(3, 2, 0, 1)
    elif kind == "depthwise":  # (channels, 1, h, w) here, (h, w, channels, 1) there
        drawn = (random.standard_normal((*shape[2:], shape[0], 1)) * np.sqrt(2 / 9)).transpose(2, 3, 0, 1)
    elif kind == "scale":
        drawn = 1 + 0.1 * random.standard_normal(shape)
    elif kind == "shift":
        drawn = 0.1 * random.standard_normal(shape)
    else:
        drawn = random.standard_normal(shape)
    return torch.from_numpy(drawn.astype(np.float32))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, one for all tests; where there is none, tests are skipped, in CI they fail."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on this machine (apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()
