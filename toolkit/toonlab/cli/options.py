"""Options and arguments that several commands share."""

import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toonlab.errors import ToonlabError

if TYPE_CHECKING:
    from toonlab.studies.executors.options import ExecutionOptions

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Such as train.steps=400 or critics.patch=null.")
]
Images = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE|KEY=VALUE", help="Files, folders with all below them, and parameters of the part."),
]
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A run's directory, a .safetensors file, a recipe that learns nothing."),
]
ExperimentName = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="A name that `toonlab recipes` lists, or a path.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Cells at once; by default one for each GPU, or one on a CPU.")
]
StorageURL = Annotated[
    str | None,
    typer.Option("--storage", help="Any Optuna storage, instead of a file in the study's directory."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        envvar="TOONLAB_SCHEDULER",
        help="A Dask scheduler whose workers run the cells: tcp://HOST:8786, or the file that it writes.",
    ),
]
ExecutorText = Annotated[
    str | None,
    typer.Option("--executor", metavar="YAML", help="Where the cells run: '{use: local, jobs: 2}'."),
]
Runs = Annotated[Path, typer.Option("--runs", help="The folder of all runs.")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU where there is one), cpu, cuda, cuda:1, …")]
StudyDevice = Annotated[str | None, typer.Option("--device", help="auto (all GPUs, or the CPU), cpu, cuda, cuda:1, …")]
Devices = Annotated[int, typer.Option("--devices", min=1, help="Processes on this machine, one for each device.")]
Nodes = Annotated[int, typer.Option("--nodes", min=1, help="Machines; start the command on each, or use torchrun.")]
TrackingURI = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        envvar="TOONLAB_TRACKING_URI",
        help="Where trackers keep the runs, instead of what recipes say.",
    ),
]


def _execution_options(
    jobs: Jobs = None,
    executor: ExecutorText = None,
    scheduler: Scheduler = None,
    runs: Runs = Path("runs"),
    device: StudyDevice = None,
    tracking_uri: TrackingURI = None,
) -> "ExecutionOptions":
    from toonlab.studies.executors.options import ExecutionOptions

    chosen = _executor(executor, scheduler)
    parameters = {name: value for name, value in {"jobs": jobs, "device": device}.items() if value is not None}
    return ExecutionOptions(runs, chosen, parameters, command=command_line(), tracking_uri=tracking_uri)


def _executor(text: str | None, scheduler: str | None) -> dict[str, Any]:
    """The executor that the command line names; empty if it names none."""
    from toonlab.utils import yaml

    given = yaml.load(text, "--executor") if text else {"use": "dask"} if scheduler else {}
    given = {"use": given} if isinstance(given, str) else given
    if not isinstance(given, dict):
        raise ToonlabError(f"--executor: got {text!r}, expected a name, or such as '{{use: local, jobs: 2}}'")
    if scheduler and given.get("use") != "dask":
        raise ToonlabError(
            f"--scheduler {scheduler}: the executor {given.get('use')!r} has none; leave one of them out"
        )
    return {**given, **({"scheduler": scheduler} if scheduler else {})}


def with_execution_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ExecutionOptions`; it receives them together as its argument `options`.

    The command's module must not postpone the evaluation of annotations.
    """
    own = dict(inspect.signature(command).parameters)
    del own["options"]
    shared = dict(inspect.signature(_execution_options).parameters)

    def run(**arguments: Any) -> None:
        options = _execution_options(**{name: arguments[name] for name in shared})
        command(**{name: arguments[name] for name in own}, options=options)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own.values(), *shared.values())]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads the options from it
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__name__, run.__module__, run.__doc__ = command.__name__, command.__module__, command.__doc__
    return run


def command_line() -> str:
    """The command as it was typed, which the files of runs and studies record."""
    return shlex.join(["toonlab", *sys.argv[1:]])


def parsed(overrides: list[str] | None) -> dict[str, Any]:
    """`train.steps=400` -> `{"train.steps": 400}`."""
    from toonlab.recipes.load import parse_override

    return dict(parse_override(text) for text in overrides or ())
