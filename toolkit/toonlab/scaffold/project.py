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

from .kinds import STARTERS

KINDS = tuple(STARTERS)
_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Project:
    """A distribution to write: `toonlab-NAME`, with one part of a kind.

    Args:
        kind: one of `KINDS`.
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
        return str(PART_KINDS[STARTERS[self.kind].kind])

    @property
    def one(self) -> str:
        """`a sampler`, `an objective`, `features`."""
        if self.kind == "features":  # a plural
            return self.label
        return f"{'an' if self.label[0] in 'aeiou' else 'a'} {self.label}"

    @property
    def files(self) -> dict[str, str]:
        """File name -> text."""
        stem = STARTERS[self.kind].module
        return {
            f"{self.module}.py": self._read(f"examples/{stem}.py"),
            f"test_{self.name}.py": self._tests(stem),
            f"{self.name}.yaml": self._read(f"examples/{stem}.recipe.yaml"),
            "experiment.yaml": self._read(f"examples/{stem}.experiment.yaml"),
            "pyproject.toml": self._read("templates/pyproject.toml.txt"),
            "README.md": self._read("templates/README.md.txt"),
        }

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

    def _tests(self, stem: str) -> str:
        """The example's, and one that an example that is not installed could not pass."""
        text = _in_order(self._read(f"examples/test_{stem}.py")) + self._read("templates/installed.py.txt")
        if "from toonlab import " in text:
            return re.sub(r"from toonlab import (.*)", lambda m: f"from toonlab import {m[1]}, discover", text, count=1)
        return text.replace("from toonlab.testing", "from toonlab import discover\nfrom toonlab.testing", 1)

    def _read(self, file: str) -> str:
        return self._renamed((_HERE / file).read_text(encoding="utf-8"))

    def _renamed(self, text: str) -> str:
        see, shows = STARTERS[self.kind].see
        for key, value in {
            "{see}": see,
            "{shows}": shows,
            "{label}": self.label,
            "{one}": self.one,
            "{distribution}": self.distribution,
            "{module}": self.module,
            "{name}": self.name,
            "{parts}": STARTERS[self.kind].kind,
            "{toonlab}": metadata.own().version,
            "{next}": str(Version(metadata.own().version).major + 1),  # whose hooks may be incompatible
            "{files}": "\n".join(f"| `{file}` | {about} |" for file, about in self.about.items()),
            f"toonlab.scaffold.examples.{STARTERS[self.kind].module}": self.module,
        }.items():
            text = text.replace(key, value)
        text = re.sub(r"\b(Test|)Example([A-Z]\w*)\b", lambda match: f"{match[1]}{self._class(match[2])}", text)
        return re.sub(r"\bexample\b", self.name, text)

    def _class(self, suffix: str) -> str:
        """`LoudestSampler`; a name that says its kind already is not made to say it twice."""
        words = "".join(word.capitalize() for word in self.name.split("_"))
        return words if words.endswith(suffix) and words != suffix else words + suffix


def _in_order(text: str) -> str:
    """Imports by name, after the part's module has got another."""
    return re.sub(r"(from toonlab_.*\n)(from toonlab\.testing .*\n)", r"\2\1", text)


def create(kind: str, name: str, directory: Path | None, catalogue: Catalogue) -> Project:
    """What `toonlab new KIND NAME --out DIRECTORY` will write, checked; nothing is written yet.

    Raises:
        ToonlabError: if there is no such kind, the name can't be one or is taken, or something lies in the directory.
    """
    if kind not in STARTERS:
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
    parts = STARTERS[project.kind].kind
    if project.name in catalogue.names(parts):
        theirs = catalogue.get(parts, project.name).distribution
        raise ToonlabError(
            f"NAME: a {project.label} called {project.name!r} is there already, by {theirs}; take another name"
        )
    if find_spec(project.module) is not None:
        text = f"a package called {project.module} is installed already, and this one would be called the same"
        raise ToonlabError(f"NAME: got {project.name!r}; {text}; take another name")
