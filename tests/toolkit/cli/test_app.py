"""The command line as a whole: it starts at once, imports nothing heavy, and answers a mistake with one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from toonlab import DivergedError, RecipeError, ToonlabError
from toonlab.cli.app import Group
from toonlab.errors import Problem
from toonlab.utils import yaml
from toonlab.utils.signals import Interrupted

HEAVY = ("torch", "mlflow", "optuna", "matplotlib", "torchmetrics", "numpy", "pandas")
IMPORTED = """
import atexit, sys
from toonlab.cli.app import main

atexit.register(lambda: print("imported:", [name for name in {heavy} if name in sys.modules]))
sys.argv = ["toonlab", *{arguments}]
main()
"""


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["recipes"]])
def test_commands_that_compute_nothing_import_nothing_heavy(arguments: list[str]) -> None:
    code = IMPORTED.format(heavy=HEAVY, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *shown, last = done.stdout.splitlines()
    assert last == "imported: []"
    assert len(shown) > 10


def test_a_recipe_is_printed_without_what_trains_it() -> None:
    modules = ("toonlab.engine", "toonlab.inference", "toonlab.report", "mlflow", "pandas", "matplotlib", "torchvision")
    code = IMPORTED.format(heavy=modules, arguments=["train", "ctss", "--at", "tiny", "--print"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


def test_help_names_every_command(typed: Callable[..., Any]) -> None:
    commands = ("train", "resume", "sync", "compare", "tune", "report", "cartoonize", "inspect", "new")
    shown = typed("--help").stdout
    assert all(f" {command} " in shown for command in (*commands, "plugins", "recipes", "world", "score"))


def test_using_the_library_imports_no_tracker() -> None:
    code = (
        "import sys, toonlab; toonlab.discover(); from toonlab.engine.train import train\n"
        "print([m for m in ('mlflow', 'optuna', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "toonlab", "tran"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "No such command 'tran'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "cts"], "error: cts: no such recipe; did you mean 'ctss'?"),
        (["train", "nowhere/x.yaml"], "error: nowhere/x.yaml: no such file"),
        (["train", "ctss"], "error: ctss: data.photos: must be given: data.photos=…, Path"),
        (["train", "ctss", "--at", "tyni"], "error: tyni: no such file of overrides; did you mean 'tiny'?"),
        (["train", "ctss", "steps"], "error: 'steps': expected key=value"),
        (["train", "ctss", "--at", "tiny", "critics.patch.sampler.k=999"], "k can be at most"),
        (["train", "ctss", "--at", "tiny", "critics.patch.sampler.patch_size=999"], "critics.patch.sampler"),
        (["train", "ctss", "data.photos=nowhere", "data.cartoons=nowhere"], "nowhere"),
        (["train", "ctss", "--at", "tiny", "--device", "abacus"], "error: --device abacus"),
        (["compare", "dmo"], "error: dmo: no such experiment; did you mean 'demo'?"),
        (["compare", "demo", "trian.steps=3"], "trian.steps: no recipe has this path"),
        (["world", "--out", "x", "--count", "0"], "count"),
        (["tran"], "No such command 'tran'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, toonlab: Callable[..., Any], tmp_path: Path
) -> None:
    done = toonlab(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_plugin_that_does_not_load_is_a_warning(toonlab: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("import nowhere_to_be_found\n")
    info = tmp_path / "broken_one-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-one\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[toonlab]\nbroken = broken_one\n")
    shown = toonlab("plugins", PYTHONPATH=str(tmp_path))
    assert "not loaded: plugin 'broken' of broken-one 0.1: failed to import broken_one" in shown.stdout
    train = toonlab("train", "ctss", "--at", "tiny", "--print", PYTHONPATH=str(tmp_path))
    assert train.returncode == 0
    assert "warning: plugin 'broken' of broken-one 0.1" in train.stderr


def test_a_folder_with_bad_pictures_is_warned_of_once(toonlab: Callable[..., Any], tmp_path: Path, small: Path) -> None:
    """Although it is looked through for the run's identity and for the training."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "photos" / "whole.png")
    (tmp_path / "photos" / "bad.png").touch()
    data = "data={use: folder, photos: photos, cartoons: photos}"
    done = toonlab("train", "small.yaml", data, "evaluate.metrics=[]", "train.batch=1", "train.steps=2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out: 1 of 2 pictures: bad.png: ") == 1


# -- what the machine refuses


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command line in `tmp_path`, where `$T` is the command as a user has it."""

    def run(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        started = {**os.environ, "T": f"{sys.executable} -m toonlab", "COLUMNS": "160", **environment}
        return subprocess.run(["bash", "-c", line], cwd=tmp_path, env=started, capture_output=True, text=True)

    return run


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("line", ["$T recipes", "$T --help", "PYTHONUNBUFFERED= $T recipes", "$T new sampler loud"])
def test_a_full_disk_under_standard_output_is_one_line(shell: Callable[..., Any], line: str) -> None:
    done = shell(f"{line} > /dev/full", PYTHONUNBUFFERED="1")
    assert (done.returncode, done.stderr) == (2, "error: standard output: No space left on device; make room\n")


def test_a_reader_that_has_read_enough_gets_no_error(shell: Callable[..., Any]) -> None:
    assert shell("$T recipes | head -1; exit ${PIPESTATUS[0]}").stderr == ""


BROKEN = """
import typer
from toonlab.cli.app import Group

application = typer.Typer(cls=Group, pretty_exceptions_enable=False)

@application.command()
def fail() -> None:
    print("the table")
    raise BrokenPipeError(32, "Broken pipe")

@application.command()
def succeed() -> None: ...

application(["fail"])
"""


@pytest.mark.parametrize(
    ("into", "shown"), [("", True), ("> file; code=$?; cat file; exit $code", True), ("| true", False)]
)
def test_a_pipe_to_a_process_of_its_own_is_no_reader(
    shell: Callable[..., Any], tmp_path: Path, into: str, shown: bool
) -> None:
    """typer ends the command without a word for every broken pipe."""
    (tmp_path / "broken.py").write_text(BROKEN)
    done = shell(f"set -o pipefail; {sys.executable} broken.py {into}")
    said = "error: a process that the command had started has been killed; run the command again\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "the table\n", said) if shown else (1, "", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_all_letters_is_enough(shell: Callable[..., Any], encoding: str, small: Path) -> None:
    listed = shell("($T recipes; $T train --help) > listed.txt", PYTHONIOENCODING=encoding)
    assert (listed.returncode, listed.stderr) == (0, "")
    small.write_text(small.read_text().replace("about: as", "about: 漫画 as"), encoding="utf-8")
    printed = shell(
        "$T train small.yaml --print > again.yaml && $T train again.yaml --print", PYTHONIOENCODING=encoding
    )
    assert printed.returncode == 0, printed.stderr
    assert yaml.load(printed.stdout, "")["about"].startswith("漫画 as")


def test_a_working_directory_that_is_gone_is_one_line(shell: Callable[..., Any]) -> None:
    done = shell("mkdir gone; cd gone; rmdir ../gone; $T resume runs/x/y-s0-00000000; $T new sampler loud")
    assert done.stderr == ("error: the working directory: No such file or directory\n" * 2)


def test_a_lack_of_memory_is_one_line(shell: Callable[..., Any], small: Path) -> None:
    done = shell("$T train small.yaml generator.network.width=1000000 --device cpu")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "can't allocate memory" in line


@pytest.mark.parametrize("option", ["--runs", "--at", "--device"])
def test_a_name_of_5000_letters_is_one_line(typed: Callable[..., Any], small: Path, option: str) -> None:
    done = typed("train", "small.yaml", option, "x" * 5000)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 2500


NOISY = """
import os
print("imported")
os.system("echo from a child")

def register_samplers():
    print("registered")
    return {}
"""


def test_what_plugins_print_spoils_no_output(toonlab: Callable[..., Any], tmp_path: Path, small: Path) -> None:
    (tmp_path / "noisy.py").write_text(NOISY.replace("def reg", "import toonlab\n@toonlab.hookimpl\ndef reg"))
    info = tmp_path / "noisy-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[toonlab]\nnoisy = noisy\n")
    printed = toonlab("train", "small.yaml", "--print", PYTHONPATH=str(tmp_path))
    assert yaml.load(printed.stdout, "")["about"].startswith("as small")
    assert {"imported", "from a child", "registered"} <= set(printed.stderr.splitlines())
    listed = toonlab("plugins", "doctor", "--json", PYTHONPATH=str(tmp_path))
    noisy = next(plugin for plugin in json.loads(listed.stdout)["plugins"] if plugin["name"] == "noisy")
    assert noisy["status"] == "loaded"
    assert "prints to standard output when it is imported" in noisy["problems"][0]["text"]


# -- commands of plugins, and errors as exit codes

COMMAND = """
import typer

def greet(name: str, loud: bool = False) -> None:
    '''Greet someone.'''
    print(name.upper() if loud else name)
"""


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put a distribution on the path that offers a command."""

    def put(name: str, command: str, source: str = COMMAND) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"{name}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[toonlab.commands]\n{command} = {name}:greet\n")

    monkeypatch.syspath_prepend(tmp_path)
    return put


def test_a_plugins_command_is_listed_and_runs_with_its_own_options(
    offer: Callable[..., None], typed: Callable[..., Any]
) -> None:
    offer("greeter_a", "greet")
    assert "A command of the plugin greeter_a (greeter_a 0.1)." in typed("--help").stdout
    assert typed("greet", "ada", "--loud").stdout == "ADA\n"
    assert "Greet someone." in typed("greet", "--help").stdout


def test_a_command_that_two_offer_is_an_error(offer: Callable[..., None], typed: Callable[..., Any]) -> None:
    offer("greeter_b", "greet")
    offer("greeter_c", "greet")
    done = typed("greet", "ada")
    assert done.returncode == 2
    assert done.stderr == ("error: command 'greet': offered by greeter_b 0.1 and by greeter_c 0.1; uninstall one\n")


def test_a_command_that_does_not_import_is_one_line(offer: Callable[..., None], typed: Callable[..., Any]) -> None:
    offer("greeter_d", "greet", "raise ValueError('no voice')\n")
    done = typed("greet")
    assert (done.returncode, done.stderr) == (2, "error: command 'greet' of greeter_d 0.1: ValueError: no voice\n")


def test_toonlabs_own_command_goes_before_a_plugins(offer: Callable[..., None], typed: Callable[..., Any]) -> None:
    offer("greeter_e", "train")
    assert "Train a recipe" in typed("train", "--help").stdout


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ToonlabError("one\ntwo"), 2, "error: one\nerror: two\n"),
        (
            RecipeError("x", [Problem("a.b", "bad"), Problem("c", "worse")]),
            2,
            "error: x: a.b: bad\nerror: x: c: worse\n",
        ),
        (DivergedError("loss is nan"), 1, "error: loss is nan\n"),
        (Interrupted(15, "stopped by SIGTERM"), 143, "stopped by SIGTERM\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_is_its_text_and_an_exit_code(error: BaseException, code: int, text: str) -> None:
    application = typer.Typer(cls=Group, pretty_exceptions_enable=False)

    @application.command()
    def fail() -> None:
        raise error

    @application.command()
    def succeed() -> None: ...

    result = CliRunner().invoke(application, ["fail"])
    assert (result.exit_code, result.stderr) == (code, text)
    assert CliRunner().invoke(application, ["succeed"]).exit_code == 0
