"""Write a plugin's distribution: the example of its kind under the name that the author gives it."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from packaging.version import Version

from toonlab.errors import ToonlabError, nearest
from toonlab.registry import metadata
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import KINDS as PART_KINDS
from toonlab.utils import paths, yaml
from toonlab.utils.reading import shortened
from toonlab.utils.text import printable

KINDS: Mapping[str, str] = {
    str(kind).replace(" ", "-"): parts
    for parts, kind in PART_KINDS.items()
    if parts not in ("postprocessors", "executors")  # no part of a recipe
}
_TRAIN = "toonlab train example.yaml --at tiny"
_SHOWN = {  # kinds of part -> a command that shows what the example does, and what it shows; of the others, _TRAIN
    "samplers": (
        "toonlab inspect PICTURE --sampler example patch_size=64 k=4",
        "where it looks in a picture of yours, and why (`patch_size`: at most the picture's shorter side)",
    ),
    "representations": (
        "toonlab inspect PICTURE --representation example",
        "what the critic sees of a picture of yours",
    ),
    "features": (f"{_TRAIN} features=example", "one training (`tiny` has features of its own)"),
    "datasets": (f"{_TRAIN} data=example", "one training (`tiny` has data of its own)"),
}
_HERE = Path(__file__).parent
_NAME = re.compile(r"(?=.{1,60}$)[a-z][a-z0-9]*([-_][a-z0-9]+)*")


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
        """Write the files, all or none.

        Raises:
            ToonlabError: if one can't be written.
        """
        paths = [self.directory / file for file in self.about]
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for path in paths:
                path.write_text(self.files[path.name], encoding="utf-8")
        except OSError as error:
            with suppress(OSError):
                for path in paths:
                    path.unlink(missing_ok=True)
            where = shortened(printable(self.directory), 300)
            text = f"{where}: can't be written: {error.strerror}; choose another folder with --out"
            raise ToonlabError(text) from error
        return paths

    def _read(self, file: str) -> str:
        """A file of this folder under the plugin's name."""
        text = (_HERE / file).read_text(encoding="utf-8")
        if file.startswith("templates/"):
            text = self._filled(text)
        if "/test_" in file:  # in the order of installed packages, and with a test that the example could not pass
            text = re.sub(r"(from toonlab\.scaffold.*\n)(from toonlab\.testing.*\n)", r"\2\1", text)
            text += self._read("templates/installed.py.txt")
        text = re.sub(r"\btoonlab\.scaffold\.examples\.\w+", self.module, text)
        text = re.sub(r"\b(Test|)Example([A-Z]\w*)\b", lambda match: f"{match[1]}{self._class(match[2])}", text)
        return re.sub(r"\bexample\b", self.name, text)

    def _filled(self, template: str) -> str:
        parts, own = KINDS[self.kind], Version(metadata.own().version)
        see, shows = _SHOWN.get(parts, (_TRAIN, "one training, a minute or so"))
        files = "\n".join(f"| `{file}` | {about} |" for file, about in self.about.items())
        after = own.major + 1  # whose hooks may be incompatible
        return template.format(project=self, parts=parts, see=see, shows=shows, toonlab=own, next=after, files=files)

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
        text = "expected a lower-case letter, then lower-case letters and digits, 60 at most, in words that - or _ part"
        raise ToonlabError(f"NAME: got {shortened(name)!r}; {text}, such as loud-patches")
    project = Project(kind, name.replace("-", "_"), directory or Path(name))
    if objection := _objection(project, catalogue):
        raise ToonlabError(f"NAME: got {project.name!r}; {objection}; take another name")
    if os.path.lexists(folder := project.directory) and (not folder.is_dir() or any(folder.iterdir())):
        text = "is there already; give another folder with --out, or another name"
        raise ToonlabError(f"{printable(folder)}: {text}")
    return project


def _objection(project: Project, catalogue: Catalogue) -> str | None:
    """Why a name can't be that of a new part; None if it can."""
    name, parts = project.name, KINDS[project.kind]
    if name in catalogue.names(parts):
        theirs = catalogue.get(parts, name).distribution
        return f"{PART_KINDS[parts].one} called {name!r} is there already, by {theirs}"
    if find_spec(project.module) is not None:
        return f"a package called {project.module} is installed already, and this one would be called the same"
    if yaml.load(name, "NAME") != name:
        return "in a recipe it would be no name, but one of YAML's words"
    if name in {*paths.listed("baselines"), *paths.listed("baselines/at"), "experiment"}:
        return f"{name}.yaml is a file of toonlab's own, or another file of the plugin"
    return None
