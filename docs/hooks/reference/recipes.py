"""The recipes and experiments that ship, and the settings that a recipe has besides its parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from toonlab.cli.listing import default_of
from toonlab.recipes import spec
from toonlab.registry.schema import Schema
from toonlab.utils import paths, yaml

from .text import code, docstring, table

SECTIONS = {  # section -> what reads it
    "train": spec.Train,
    "evaluate": spec.Evaluate,
    "generator": spec.GeneratorSpec,
    "critics": spec.CriticSpec,
    "weight": spec.Weight,
    "stages": spec.StageSpec,
}
SHELVES = {  # title -> folder, and what is done with its files
    "Recipes": ("baselines", "toonlab train NAME"),
    "Files for `--at`": ("baselines/at", "toonlab train RECIPE --at NAME"),
    "Experiments": ("experiments", "toonlab compare NAME"),
}
WORDS = {  # types of `toonlab.recipes.spec` -> what stands there in a recipe
    "Mapping[str, Part]": "parts by name",
    "tuple[Part, ...]": "list of parts",
    "TorchPart": "class of torch",
    "Part": "part",
    "Weight": "number, or `weight`",
    "tuple[str, ...]": "list of names",
}
INTRODUCTION = """\
# A recipe's sections

Every key of a recipe besides `about`, `extends`, and those that are parts as a whole: `data`, `features`, `observers`.
[Recipes](../recipes.md) tells how they act together, [Parts](parts.md) what parts there are. `toonlab train RECIPE
--print` prints a recipe with every default filled in.
"""


def sections() -> str:
    return "\n\n".join([INTRODUCTION, *(_section(name, cls) for name, cls in SECTIONS.items())])


def _section(name: str, cls: type) -> str:
    about, of_fields = docstring(cls)
    rows = []
    for key, field in Schema.of(cls, strict=False).parameters.items():
        default = "must be given" if field.required else code(default_of(field))
        rows.append((code(key), _in_words(field.expected), default, of_fields.get(key, "")))
    return f"## {name} {{: #{name} }}\n\n{about}\n\n{table(('key', 'type', 'default', 'meaning'), rows)}"


def _in_words(expected: str) -> str:
    for type_, words in WORDS.items():
        expected = expected.replace(type_, words)
    return expected


def recipes() -> str:
    text = ["# Recipes and experiments", "What ships; `toonlab recipes` lists it. Each opens to its file."]
    for title, (folder, command) in SHELVES.items():
        text.append(f"## {title}")
        for name, path in paths.listed(folder).items():
            text += _file(name, path, folder, command)
    return "\n\n".join(text)


def _file(name: str, path: Path, folder: str, command: str) -> Iterator[str]:
    content = yaml.load_file(path)
    command = command.replace("compare", "tune") if "recipe" in content else command
    yield f"### {name} {{: #{folder.replace('/', '-')}-{name} }}"
    yield f"{content['about']}. `{command.replace('NAME', name)}`"
    lines = [f'??? note "{folder}/{path.name}"', "", "    ```yaml", *_indented(path), "    ```"]
    yield "\n".join(lines)


def _indented(path: Path) -> Iterator[str]:
    return (f"    {line}" for line in path.read_text(encoding="utf-8").splitlines())
