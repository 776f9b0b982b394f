"""Write a plugin's distribution: the example of its kind under the name that the author gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from packaging.version import Version

from toonlab.errors import ToonlabError, nearest
from toonlab.registry import metadata
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import KINDS as PART_KINDS

_TRAIN = "toonlab train example.yaml --at tiny"
_SHOWN: Mapping[
    str, tuple[str, str]
] = {  # kinds of part -> a command that shows what the example does, and what it shows
    "samplers": (
        "toonlab inspect PICTURE --sampler example patch_size=64 k=4",
        "where it looks in a picture of yours, and why (`patch_size`: at most the picture's shorter side)",
    ),
    "representations": (
        "toonlab inspect PICTURE --representation example",
        "what the critic sees of a picture of yours",
    ),
    "discriminators": (_TRAIN, "one training, a minute or so"),
    "generators": (_TRAIN, "one training, a minute or so"),
    "objectives": (_TRAIN, "one training, a minute or so"),
    "discriminator_losses": (_TRAIN, "one training; its progress shows the loss"),
    "generator_losses": (_TRAIN, "one training; its progress shows the loss"),
    "features": (f"{_TRAIN} features=example", "one training (`tiny` has features of its own)"),
    "datasets": (f"{_TRAIN} data=example", "one training (`tiny` has data of its own)"),
    "metrics": (_TRAIN, "one training, and its table"),
    "observers": (_TRAIN, "one training, with it listening"),
}
KINDS: Mapping[str, str] = {str(PART_KINDS[parts]).replace(" ", "-"): parts for parts in _SHOWN}
_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Project:
    """A distribution to write: `toonlab-NAME`, with one part of a kind.

    Args:
        kind: one of `KINDS`, such as `discriminator-loss`.
        name: of the part, as recipes will use it.
        directory: to write into.
    """

    kind: str
    name: str
    directory: Path

    @property
    def module(self) -> str:
        return f"toonlab_{self.name}"

    @property
    def distribution(self) -> str:
        return self.module.replace("_", "-")

    @property
    def label(self) -> str:
        """What errors and headings call the kind: `discriminator loss`."""
        return str(PART_KINDS[KINDS[self.kind]])

    @property
    def one(self) -> str:
        """`a sampler`, `an objective`, `features`."""
        if self.kind == "features":  # a plural
            return self.label
        return f"{'an' if self.label[0] in 'aeiou' else 'a'} {self.label}"

    @property
    def files(self) -> dict[str, str]:
        """File name -> text."""
        stem = self.kind.replace("-", "_")
        examples = [f"{stem}.py", f"test_{stem}.py", f"{stem}.recipe.yaml", f"{stem}.experiment.yaml"]
        templates = ["pyproject.toml.txt", "README.md.txt"]
        sources = [*(f"examples/{file}" for file in examples), *(f"templates/{file}" for file in templates)]
        return dict(zip(self.about, map(self._read, sources), strict=True))

    @property
    def about(self) -> Mapping[str, str]:
        """File name -> purpose, in the order in which an author needs them."""
        return {
            f"{self.module}.py": f"the {self.label} and its hook: start here",
            f"test_{self.name}.py": f"tests of every {self.label}, and of this one",
            f"{self.name}.yaml": "a recipe that uses it",
            "experiment.yaml": "a comparison with CTSS",
            "pyproject.toml": f"the distribution, {self.distribution}",
            "README.md": "for its users",
        }

    def write(self) -> list[Path]:
        self.directory.mkdir(parents=True, exist_ok=True)
        for file, text in self.files.items():
            (self.directory / file).write_text(text, encoding="utf-8")
        return [self.directory / file for file in self.about]

    def _read(self, file: str) -> str:
        """A file of this folder under the plugin's name."""
        text = (_HERE / file).read_text(encoding="utf-8")
        if "/test_" in file:
            text = self._tested_as_installed(text)
        if file.startswith("templates/"):
            text = self._filled(text)
        text = re.sub(r"\btoonlab\.scaffold\.examples\.\w+", self.module, text)
        text = re.sub(r"\b(Test|)Example([A-Z]\w*)\b", lambda match: f"{match[1]}{self._class(match[2])}", text)
        return re.sub(r"\bexample\b", self.name, text)

    def _tested_as_installed(self, text: str) -> str:
        """With a test that an example, which is not installed, could not pass; imports by name."""
        text = re.sub(
            r"(?:from toonlab import (.*)\n)?(from toonlab\.scaffold.*\n)(from toonlab\.testing.*\n)",
            lambda m: f"from toonlab import {f'{m[1]}, ' if m[1] else ''}discover\n{m[3]}{m[2]}",
            text,
        )
        return text + self._read("templates/installed.py.txt")

    def _filled(self, template: str) -> str:
        parts = KINDS[self.kind]
        own = Version(metadata.own().version)
        return template.format(
            project=self,
            parts=parts,
            see=_SHOWN[parts][0],
            shows=_SHOWN[parts][1],
            toonlab=own,
            next=own.major + 1,  # whose hooks may be incompatible
            files="\n".join(f"| `{file}` | {about} |" for file, about in self.about.items()),
        )

    def _class(self, suffix: str) -> str:
        """`LoudestSampler`; a name that says its kind already is not made to say it twice."""
        words = "".join(word.capitalize() for word in self.name.split("_"))
        return words if words.endswith(suffix) and words != suffix else words + suffix


def create(kind: str, name: str, directory: Path | None, catalogue: Catalogue) -> Project:
    """What `toonlab new KIND NAME --out DIRECTORY` will write, checked; nothing is written yet.

    Raises:
        ToonlabError: if there is no such kind, the name can't be one or is taken, or something lies in the directory.
    """
    if kind not in KINDS:
        raise ToonlabError(f"KIND: got {kind!r}; {nearest(kind, KINDS)}")
    if not _NAME.fullmatch(name):
        text = "expected a lower-case letter, then lower-case letters and digits, in words that - or _ part"
        raise ToonlabError(f"NAME: got {name!r}; {text}, such as loud-patches")
    project = Project(kind, name.replace("-", "_"), directory or Path(name))
    _check_free(project, catalogue)
    if project.directory.exists() and (not project.directory.is_dir() or any(project.directory.iterdir())):
        raise ToonlabError(f"{project.directory}: is there already; give another folder with --out, or another name")
    return project


def _check_free(project: Project, catalogue: Catalogue) -> None:
    parts = KINDS[project.kind]
    if project.name in catalogue.names(parts):
        theirs = catalogue.get(parts, project.name).distribution
        text = f"a {project.label} called {project.name!r} is there already, by {theirs}"
        raise ToonlabError(f"NAME: {text}; take another name")
    if find_spec(project.module) is not None:
        text = f"a package called {project.module} is installed already, and this one would be called the same"
        raise ToonlabError(f"NAME: got {project.name!r}; {text}; take another name")
