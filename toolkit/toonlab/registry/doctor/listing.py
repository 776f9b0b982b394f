"""What `toonlab plugins doctor` prints: a line for what is well and toonlab's own, all about the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toonlab.registry.hookspecs import HOOKS_VERSION
from toonlab.registry.metadata import Entry
from toonlab.registry.protocols import KINDS

from .diagnosis import Checked, Clash, Diagnosis, Trouble, Twice

_LABEL = 10  # columns, of what stands before a detail
_VERDICTS = {
    "fits": "made for {0}, which fits",
    "newer": "made for {0}, newer than this toonlab's",
    "refused": "made for {0}, refused",
    "unstated": 'does not say for which it was made; TOONLAB_HOOKS = "{1}" would',
    "malformed": "",
    "unknown": "",
}
_OWN = "[bold]toonlab's own plugins[/bold]  [dim]time to import, and how many parts of each kind[/dim]"
_PRELOADS = "[bold]preloads[/bold]  [dim]imported once for all processes of a study[/dim]"
_Clashing = frozenset[tuple[str, str]]


def show_diagnosis(found: Diagnosis) -> None:
    """All that is found, and in the last line how much of it is wrong."""
    console = Console(highlight=False)
    clashing = frozenset((clash.kind, clash.name) for clash in found.clashes)
    _show_versions(console, found)
    plugins = [one for one in found.plugins if one.status != "left out"]
    _show_group(console, _OWN, [one for one in plugins if one.entry.own], clashing)
    _show_group(console, "[bold]other plugins[/bold]", [one for one in plugins if not one.entry.own], clashing)
    _show_group(console, "[bold]commands[/bold]", found.commands, clashing)
    _show_group(console, _PRELOADS, found.preloads, clashing)
    _show_left_out(console, found)
    for clash in found.clashes:
        _show_clash(console, clash)
    for twice in found.twice:
        _show_twice(console, twice)
    for name, reason in found.unknown.items():
        console.print(f"[red]TOONLAB_PLUGINS:[/red] {escape(repr(name))}: {escape(reason)}\n")
    console.print(_verdict(found))


def _show_versions(console: Console, found: Diagnosis) -> None:
    versions = found.versions
    here = f"{Path(__file__).parents[2]}{' (editable)' if found.toonlab.project else ''}"
    console.print(
        f"[bold]toonlab {found.toonlab.version}[/bold], hooks {versions['hooks']}  [dim]{escape(here)}[/dim]",
        soft_wrap=True,
    )
    console.print(f"Python {versions['python']}, torch {versions['torch']}, pluggy {versions['pluggy']}\n")


def _show_group(console: Console, title: str, checked: Sequence[Checked], clashing: _Clashing) -> None:
    console.print(title)
    brief = [one for one in checked if _brief(one)]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(style="dim", no_wrap=True, justify="right")
    table.add_column()
    for one in brief:
        table.add_row(f"  {escape(one.entry.name)}", _time(one.seconds), escape(_counts(one)))
    if brief:
        console.print(table)
    elif not checked:
        console.print("  none")
    detailed = [one for one in checked if not _brief(one)]
    for number, one in enumerate(detailed):
        if number or brief:
            console.print()
        _show_details(console, one, clashing)
    console.print()


def _brief(one: Checked) -> bool:
    return one.entry.own and not one.problems and not one.warnings and one.verdict in (None, "fits")


def _counts(one: Checked) -> str:
    counts = ", ".join(f"{_kind(kind)} {len(names)}" for kind, names in one.offers.items())
    return counts or one.entry.value


def _show_details(console: Console, one: Checked, clashing: _Clashing) -> None:
    color = "red" if one.problems else "yellow" if one.warnings else "green"
    took = "" if one.status == "not loaded" else f", {_time(one.seconds)}"
    title = f"  [bold cyan]{escape(one.entry.name)}[/bold cyan]  {escape(str(one.entry.source))}"
    console.print(f"{title}  [{color}]{one.status}[/{color}]{took}")
    project = one.entry.source.project
    _show_path(console, "from", f"{one.entry.location or one.entry.value}{' (editable)' if project else ''}")
    before = ""
    for label, text, style in _details(one, clashing):
        _show_detail(console, "" if label == before else label, text, style)
        before = label
    for problem in one.problems:
        _show_problem(console, problem)


def _details(one: Checked, clashing: _Clashing) -> Iterator[tuple[str, str, str]]:
    """Labels and texts, each with its style."""
    if one.verdict and (text := _VERDICTS[one.verdict]):
        yield "hooks", text.format(one.made_for, HOOKS_VERSION), ""
    for kind, names in one.offers.items():
        shown = (f"{name} (clash)" if (kind, name) in clashing else name for name in names)
        yield "offers", f"{_kind(kind)}: {', '.join(shown) or 'none'}", ""
    for observer, hooks in one.hears.items():
        text = "only making it would tell" if hooks is None else ", ".join(hooks) or "nothing"
        yield "hears", f"{observer}: {text}", ""
    for warning in one.warnings:
        yield "warning", warning, "yellow"


def _show_problem(console: Console, problem: Trouble) -> None:
    _show_detail(console, "problem", problem.text, "red")
    for spot in problem.where:
        _show_path(console, "", f"{spot.file}:{spot.line}")
        if spot.source:
            _show_detail(console, "", f"    {spot.source}", "dim")


def _show_detail(console: Console, label: str, text: str, style: str) -> None:
    table = Table.grid()
    table.add_column(width=_LABEL + 4)
    table.add_column(style=style, overflow="fold")
    table.add_row(f"    {label}", escape(text))
    console.print(table)


def _show_path(console: Console, label: str, path: str) -> None:
    """A path stays in one piece, so that it can be copied and clicked."""
    console.print(f"    {label:{_LABEL}}{escape(path)}", soft_wrap=True)


def _show_left_out(console: Console, found: Diagnosis) -> None:
    if out := [one.entry for one in found.plugins if one.status == "left out"]:
        console.print(f"[bold]left out by TOONLAB_PLUGINS={escape(found.chosen or '')}[/bold]")
        for entry in out:
            _show_source(console, entry)
        console.print()


def _show_clash(console: Console, clash: Clash) -> None:
    label = KINDS[clash.kind].label if clash.kind in KINDS else clash.kind.removesuffix("s")
    console.print(f"[red]clash:[/red] {label} {escape(repr(clash.name))}, usable from neither until one goes")
    for entry in clash.entries:
        _show_source(console, entry)
    console.print()


def _show_source(console: Console, entry: Entry) -> None:
    title = f"  [cyan]{escape(entry.name)}[/cyan]  {escape(str(entry.source))}"
    console.print(f"{title}  {escape(str(entry.location or entry.value))}", soft_wrap=True)


def _show_twice(console: Console, twice: Twice) -> None:
    name = escape(twice.used.name)
    console.print(f"[red]installed twice:[/red] {name}; uninstall it until none is left, then install it anew")
    for label, source in (("used", twice.used), ("hidden", twice.hidden)):
        editable = f" (editable, of {source.project})" if source.project else ""
        _show_path(console, label, f"{source.version}  {source.metadata}{editable}")
    console.print()


def _verdict(found: Diagnosis) -> str:
    problems, warnings = _number(found.problems, "problem"), _number(found.warnings, "warning")
    text = ", ".join(filter(None, (problems, warnings)))
    return f"[red]{text}[/red]" if problems else f"[green]no problems[/green]{f', {warnings}' if warnings else ''}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}" if count else ""


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _kind(kind: str) -> str:
    return kind.replace("_", " ")
