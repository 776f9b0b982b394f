"""What `toonlab plugins doctor` prints: a line for each plugin without problems, all details of the others."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toonlab.registry.metadata import Entry
from toonlab.registry.protocols import KINDS

from .examine import Diagnosis, Examined

_LABEL = 10  # columns of a detail's label


def show_diagnosis(found: Diagnosis) -> None:
    """Print a diagnosis; its last line counts the problems."""
    console = Console(highlight=False)
    versions, here = found.versions, f"{found.location}{' (editable)' if found.own.project else ''}"
    console.print(f"[bold]toonlab {found.own.version}[/bold]  [dim]{escape(here)}[/dim]", soft_wrap=True)
    console.print(f"Python {versions['python']}, torch {versions['torch']}, pluggy {versions['pluggy']}\n")
    plugins = [one for one in found.plugins if one.status != "left out"]
    _show_group(console, "toonlab's own plugins", [one for one in plugins if one.entry.own])
    _show_group(console, "other plugins", [one for one in plugins if not one.entry.own])
    _show_group(console, "commands", found.commands)
    _show_group(console, "preloads", found.preloads)
    for line in (*_left_out(found), *_clashes(found), *_duplicates(found)):
        console.print(line, soft_wrap=True)
    for name, reason in found.unknown.items():
        console.print(f"[red]TOONLAB_PLUGINS:[/red] {escape(repr(name))}: {escape(reason)}\n")
    count = found.problems
    console.print(f"[red]{count} problem{'s' if count > 1 else ''}[/red]" if count else "[green]no problems[/green]")


def _show_group(console: Console, title: str, examined: Sequence[Examined]) -> None:
    console.print(f"[bold]{title}[/bold]{'' if examined else '  none'}")
    brief = Table.grid(padding=(0, 2, 0, 0))
    for one in examined:
        if one.entry.own and not one.problems:
            brief.add_row(f"  [cyan]{escape(one.entry.name)}[/cyan]", f"[dim]{_time(one)}[/dim]", escape(_counts(one)))
    if brief.row_count:
        console.print(brief)
    for one in examined:
        if not one.entry.own or one.problems:
            _show_details(console, one)
    console.print()


def _counts(one: Examined) -> str:
    return ", ".join(f"{_spaced(kind)} {len(names)}" for kind, names in one.offers.items()) or one.entry.value


def _show_details(console: Console, one: Examined) -> None:
    color, took = ("red" if one.problems else "green"), ("" if one.status == "not loaded" else f", {_time(one)}")
    console.print(f"{_title(one.entry)}  [{color}]{one.status}[/{color}]{took}")
    editable = " (editable)" if one.entry.source.project else ""
    for label, text, style in (("from", f"{one.entry.location or one.entry.value}{editable}", ""), *_details(one)):
        console.print(f"    {label:{_LABEL}}[{style or 'default'}]{escape(text)}[/]", soft_wrap=True)


def _details(one: Examined) -> Iterator[tuple[str, str, str]]:
    """Label, text and style of each line."""
    if one.entry.source.requires and not one.entry.own:
        yield "requires", one.entry.source.requires, ""
    for kind, names in one.offers.items():
        yield "offers", f"{_spaced(kind)}: {', '.join(names) or 'none'}", ""
    for observer, hooks in one.hooks.items():
        text = "known only once it is made" if hooks is None else ", ".join(hooks) or "none"
        yield "hooks", f"{observer}: {text}", ""
    for problem in one.problems:
        yield "problem", problem.reason, "red"
        for frame in problem.frames:
            yield "", f"{frame.file}:{frame.line}", ""
            yield "", f"    {frame.source}", "dim"


def _left_out(found: Diagnosis) -> Iterator[str]:
    if out := [one.entry for one in found.plugins if one.status == "left out"]:
        yield f"[bold]left out by TOONLAB_PLUGINS={escape(found.chosen or '')}[/bold]"
        yield from map(_place, out)
        yield ""


def _clashes(found: Diagnosis) -> Iterator[str]:
    for (kind, name), entries in found.clashes.items():
        label = KINDS[kind].label if kind in KINDS else kind.removesuffix("s")
        yield f"[red]clash:[/red] {label} {escape(repr(name))}, usable from none; uninstall all but one"
        yield from map(_place, entries)
        yield ""


def _duplicates(found: Diagnosis) -> Iterator[str]:
    for used, hidden in found.duplicates:
        yield f"[red]installed twice:[/red] {escape(used.name)}; uninstall it until none is left, then install it again"
        for label, source in (("used", used), ("hidden", hidden)):
            editable = f" (editable, of {source.project})" if source.project else ""
            yield escape(f"    {label:{_LABEL}}{source.version}  {source.metadata}{editable}")
        yield ""


def _place(entry: Entry) -> str:
    return f"{_title(entry)}  {escape(str(entry.location or entry.value))}"


def _title(entry: Entry) -> str:
    return f"  [cyan]{escape(entry.name)}[/cyan]  {escape(str(entry.source))}"


def _time(one: Examined) -> str:
    seconds = one.plugin.seconds or 0.0
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _spaced(kind: str) -> str:
    return kind.replace("_", " ")
