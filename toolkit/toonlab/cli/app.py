"""The command line: toonlab's own commands, those of plugins, and a user's mistakes as one line.

Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import atexit
import errno
import gc
import io
import select
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from toonlab.errors import DivergedError, PartlyFailedError, ToonlabError, first_line, is_out_of_memory
from toonlab.registry import metadata
from toonlab.registry.metadata import Entry
from toonlab.utils.reading import shortened
from toonlab.utils.streams import output_to_stderr
from toonlab.utils.text import printable

from . import listing, pictures, studies, training


class Group(TyperGroup):
    """toonlab's own commands and, by the entry points `toonlab.commands`, those of plugins."""

    def list_commands(self, ctx: Any) -> list[str]:
        own = sorted(super().list_commands(ctx), key=lambda name: isinstance(self.commands[name], TyperGroup))
        return [*own, *sorted(_plugin_commands().keys() - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        return own or (_stub(entries) if (entries := _plugin_commands().get(cmd_name)) else None)

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run a command; what the machine refuses, such as a file or memory, is one line and exit code 2."""
        try:
            try:
                Path.cwd()  # without one, libraries such as MKL end the process
                return super().main(*args, **settings)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()  # at the interpreter's end an error could not be told
        except BrokenPipeError:  # anyone who read the output has read enough, such as `head`
            sys.stdout = None  # it would fail again at the end of the program
            sys.exit(1)
        except Exception as error:
            if (text := _refusal(error)) is None:
                raise
            _print_error(text)
            sys.exit(2)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ToonlabError as error:
            _print_error(str(error))
            ctx.exit(1 if isinstance(error, DivergedError | PartlyFailedError) else 2)
        except BrokenPipeError:  # typer takes every one for the end of a reader
            if not _is_read(sys.stdout):
                raise
            _print_error("a process that the command had started has been killed; run the command again")
            ctx.exit(1)
        except KeyboardInterrupt as interrupt:
            print(str(interrupt) or "interrupted", file=sys.stderr)
            ctx.exit(128 + getattr(interrupt, "number", 2))  # as a shell tells that a signal ended it


def _is_read(stream: TextIO | None) -> bool:
    """Whether a stream leads to a file, a terminal, or a pipe that is still read."""
    poll = select.poll()
    try:
        poll.register(stream, 0)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # no stream, or a buffer
        return True
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def _print_error(text: str) -> None:
    for line in text.splitlines():
        print(f"error: {line if len(line) <= 2000 else f'{line[:1200]} … {line[-700:]}'}", file=sys.stderr)


def _refusal(error: Exception) -> str | None:
    """What the machine refuses: memory, a file, the working directory, the standard output; None for other errors."""
    if is_out_of_memory(error):
        return f"out of memory: {first_line(error)}; take a smaller batch or size"
    if isinstance(error, UnicodeEncodeError):
        return f"{shortened(ascii(error.object), 300)}: can't be written in {error.encoding}; set PYTHONUTF8=1"
    if not isinstance(error, OSError) or error.errno is None:
        return None
    hint = "; make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{_refused(error)}{error.strerror}{hint}"


def _refused(error: OSError) -> str:
    if error.filename is not None:
        return f"{shortened(printable(error.filename), 300)}: "
    try:
        Path.cwd()
    except OSError:
        return "the working directory: "
    try:
        print(flush=True)
    except OSError:
        sys.stdout = None
        return "standard output: "
    return ""


def _plugin_commands() -> dict[str, list[Entry]]:
    """The entry points of each command that plugins offer."""
    found: dict[str, list[Entry]] = {}
    for entry in metadata.entries(metadata.COMMANDS):
        found.setdefault(entry.name, []).append(entry)
    return found


def _stub(entries: list[Entry]) -> Any:
    """A command that imports its plugin when it is called; a command that two plugins offer is an error."""
    entry, sources = entries[0], [str(entry.source) for entry in entries]

    def run(ctx: typer.Context) -> None:
        if len(entries) > 1:
            raise ToonlabError(f"command {entry.name!r}: offered by {' and by '.join(sources)}; uninstall one")
        try:
            with output_to_stderr():
                function = entry.point.load()
        except Exception as error:
            raise ToonlabError(f"command {entry.name!r} of {sources[0]}: {type(error).__name__}: {error}") from error
        _command(entry.name, function).main(ctx.args, prog_name=f"toonlab {entry.name}", standalone_mode=False)

    about = f"A command of the plugin {entry.module.partition('.')[0]} ({' and by '.join(sources)})."
    passed_on = {"ignore_unknown_options": True, "allow_extra_args": True}
    return _command(entry.name, run, help=about, context_settings=passed_on, add_help_option=False)


def _command(name: str, function: Callable[..., None], **settings: Any) -> Any:
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command(name, **settings)(function)
    return typer.main.get_command(application)


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A pluggable GAN for photo cartoonization, and a benchmark that compares cartoonization GANs fairly.",
)
for command in (
    training.train,
    training.resume,
    training.sync,
    studies.compare,
    studies.tune,
    studies.report,
    studies.watch,
    pictures.cartoonize,
    pictures.inspect,
    listing.new,
    listing.recipes,
):
    app.command()(command)
app.add_typer(listing.plugins, name="plugins")


_WARNED: set[str] = set()


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Each text once: a folder, for example, is looked through more than once."""
    if (text := f"warning: {message}") not in _WARNED:
        _WARNED.add(text)
        with suppress(OSError):  # a full disk under the standard error stream ends nothing
            print(text, file=sys.stderr)


def main() -> None:
    """The entry point of `toonlab`."""
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: not every terminal has all letters
    atexit.register(gc.freeze)  # without it the last collection walks all of torch's objects: half a second
    app()
