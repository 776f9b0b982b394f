"""Runs the blocks of one page, in order, in one folder and one namespace."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.studies.plan.experiment import plan_cells, read_experiment
from toonlab.studies.plan.search import read_search
from toonlab.studies.plan.search_plan import plans_of
from toonlab.studies.results.votes import read_questions
from toonlab.utils.yaml import load_file

from . import rules
from .blocks import ROOT, Block
from .rules import How

FEW = ["data.scenes=8", "data.evaluation_scenes=2"]  # of which a world is drawn the sooner
GIVEN = [("data.photos", "photos"), ("data.cartoons", "cartoons")]


class Evaluator:
    def __init__(
        self,
        folder: Path,
        start: Callable[..., Any],
        program: Callable[..., Any],
        until: Callable[..., None],
        catalogue: Catalogue,
    ) -> None:
        self.folder, self.start, self.program, self.until, self.catalogue = folder, start, program, until, catalogue
        self.module = sys.modules["page"] = ModuleType("page")  # where dataclasses look for their annotations
        self.installed: list[Path] = []
        self.output, self.outs = "", 0

    def run(self, block: Block) -> None:
        known = {"sh": self.sh, "python": self.python, "yaml": self.yaml, "toml": self.toml}
        known |= {"text": self.text, "console": self.console}
        assert block.language in known, f"no rule for blocks of the language {block.language!r}"
        known[block.language](block)

    # -- languages

    def sh(self, block: Block) -> None:
        for command in block.commands:
            rule = rules.rule_of(command, rules.COMMANDS)
            assert rule, f"{command}: no rule in tests/docs/rules.py says how it is run"
            self.typed(command, rule.how)

    def console(self, block: Block) -> None:
        first, _, answer = block.text.partition("\n")
        command = first.removeprefix("$ ")
        rule = rules.rule_of(command, rules.TRANSCRIPTS)
        assert rule, f"{command}: no rule in tests/docs/rules.py says how this is tested"
        if rule.how == "whole":
            process = self.start(*shlex.split(command)[1:], cwd=self.folder)
            assert process.wait() == 2, process.stdout
            assert process.stderr.endswith(answer), process.stderr  # after the world's progress, if it is rendered
        else:
            self.typed(command, rule.how)

    def text(self, block: Block) -> None:
        if block.text.startswith(tuple(rules.OUTPUTS)):
            assert block.text.strip() in self.output, self.output

    def toml(self, block: Block) -> None:
        tomllib.loads(block.text)
        self.written(block)

    def yaml(self, block: Block) -> None:
        file = self.folder / (rules.at_block(block.text, rules.FILES) or "block.yaml")
        if not self.written(block):
            file.write_text(block.text)
            file.write_text(self.as_a_file(load_file(file), block.text))
        tree = load_file(file)
        with contextlib.chdir(self.folder):
            if "questions" in tree:
                assert len(read_questions(file)) == len(tree["questions"])
            elif "search" in tree:
                for plan in plans_of(*read_search(str(file)), self.catalogue, {}):
                    assert tree["search"] == "auto" or len(plan.space) == len(tree["search"])
            elif tree.keys() & {"recipes", "factors"}:
                experiment, path = read_experiment(str(file))
                assert plan_cells(experiment, path, {}, self.catalogue)
            else:
                assert load(file, self.catalogue, GIVEN if "photos" in block.text else ()).stages

    def as_a_file(self, tree: dict[str, Any], text: str) -> str:
        """A fragment as a whole file: factors need recipes, and a recipe that names no network extends one."""
        if tree.keys() & {"recipes", "factors"}:
            return (
                "".join(
                    f"{key}: {value}\n" for key, value in {"recipes": "[ctss]", "at": "tiny"}.items() if key not in tree
                )
                + text
            )
        if tree.keys() & {"recipe", "extends", "generator", "questions"}:
            return text
        return f"extends: plain\n{text}"

    def python(self, block: Block) -> None:
        if self.written(block) or self.put_into_the_plugin(block.text):
            return
        text = block.text
        for slow, quick in rules.PYTHON.items():
            text = text.replace(slow, quick)
        text += rules.at_block(text, rules.FURTHER) or ""
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()), self.importable():
            exec(compile(text, f"{block.where}", "exec"), vars(self.module))

    @contextlib.contextmanager
    def importable(self) -> Iterator[None]:
        """Within, what was installed can be imported; afterwards it is as if it had never been."""
        before, paths = set(sys.modules), [*sys.path]
        sys.path[:0] = map(str, self.installed)
        try:
            yield
        finally:
            sys.path[:] = paths
            for name in set(sys.modules) - before:
                if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(self.folder):
                    del sys.modules[name]

    # -- files

    def written(self, block: Block) -> bool:
        """Whether the block is a file, which it then becomes."""
        name = rules.at_block(block.text, rules.FILES)
        if name:
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(block.text + rules.COMPLETED.get(name, ""))
        return bool(name)

    def put_into_the_plugin(self, text: str) -> bool:
        """The tutorial's edits: a function takes the place of the one of its name, a test that of the example's."""
        names = re.findall(r"^ *def (\w+)\(", text)
        if not names:
            return False
        (module,) = self.folder.glob("*/toonlab_*.py")
        file = next(module.parent.glob("test_*.py")) if names[0].startswith("test_") else module
        lines = file.read_text().splitlines(keepends=True)
        (old,) = (
            node
            for node in ast.walk(ast.parse("".join(lines)))
            if isinstance(node, ast.FunctionDef)
            and (node.name == names[0] or (node.name.startswith("test_") and node.name != "test_it_is_installed"))
        )
        lines[old.lineno - 1 : old.end_lineno] = [text]
        if "F." in text:
            place = next(number for number, line in enumerate(lines) if re.match("(import|from) torch", line))
            lines.insert(place, "import torch.nn.functional as F\n")
        file.write_text("".join(lines))
        return True

    # -- commands

    def typed(self, command: str, how: How) -> None:
        words = shlex.split(self.stood_in(command))
        if how == "dry":
            self.outside(["make", "-n", words[-1]], ROOT)
        elif how == "built":
            self.output += self.outside([sys.executable, *words[1:], "--no-isolation"], self.folder)
        elif how == "installed":
            self.install(words[-1])
        elif how == "extra":
            (extra,) = re.findall(r"\[(\w+)\]", command)
            assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        elif how != "not run" and words[0] == "toonlab":
            self.toonlab(words[1:], how)
        elif how != "not run" and words[0] == "pytest":
            self.pytest(words[1:])
        elif how != "not run":
            self.outside([f"./{words[0]}", *words[1:]], self.folder)

    def stood_in(self, command: str) -> str:
        """With what the workshop has; DIR is another folder each time, as for somebody who tries one command."""
        (run,) = self.folder.glob("runs/demo/ctss-s0-*")
        self.outs += 1
        command = re.sub(r"\bRUN\b", str(run.relative_to(self.folder)), rules.stood_in(command))
        return re.sub(r"\bDIR\b", f"out-{self.outs}", command)

    def toonlab(self, words: list[str], how: How) -> None:
        further = {
            "short": ["--at", "little.yaml", "--at", "untracked.yaml"],
            "explained": ["--explain"],
            "printed": ["--print"],
            "begun": FEW,
        }
        before = set(self.folder.glob("runs/*/*/recipe.yaml"))
        path = os.pathsep.join(map(str, self.installed))
        process = self.start(*words, *further.get(how, []), cwd=self.folder, PYTHONPATH=path)
        if how == "begun":
            self.until(lambda: not process.running or set(self.folder.glob("runs/*/*/recipe.yaml")) - before)
            os.kill(process.pid, signal.SIGTERM)
        expected = 128 + signal.SIGTERM if how == "begun" else 0
        assert process.wait() == expected, f"toonlab {shlex.join(words)}:\n{process.stdout}{process.stderr}"
        self.output += process.stdout

    def pytest(self, words: list[str]) -> None:
        code = "import pytest, sys; sys.exit(pytest.main(['-q', *sys.argv[1:]]))"
        path = os.pathsep.join(map(str, self.installed))
        done = self.program(code, *words, cwd=self.folder, PYTHONPATH=path, PYTEST_ADDOPTS="")
        assert done.wait() == 0, f"pytest {shlex.join(words)}:\n{done.stdout}{done.stderr}"

    def outside(self, words: list[str], cwd: Path) -> str:
        path = os.pathsep.join(map(str, self.installed))
        environment = {**os.environ, "COLUMNS": "160", "PYTHONPATH": path, "PYTEST_ADDOPTS": ""}
        done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{shlex.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def install(self, name: str) -> None:
        """As by `pip install -e`, but beside this environment: edits of the source count."""
        site = self.folder / f"site-{name}"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        self.outside([*pip, "--target", str(site), name if "/" in name else f"./{name}"], self.folder)
        for module in site.glob("*.py"):
            module.unlink()
        for package in site.iterdir():
            if package.suffix != ".dist-info":
                shutil.rmtree(package)
        self.installed += [self.folder / name, site]
