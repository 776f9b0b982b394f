"""How each command and block of the documentation is run: one table for each kind, the first rule that fits counts.

A block or command without a rule fails the tests: say here how it is run, or why it can't be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

How = Literal["whole", "short", "explained", "begun", "printed", "installed", "extra", "dry", "built", "not run"]


@dataclass(frozen=True)
class Rule:
    """`pattern` is looked for at the start of the command as it is written, without its comment."""

    pattern: str
    how: How
    why: str


COMMANDS = [
    Rule(
        r"(TOONLAB_KILLS=\d+ )?make \w+$",
        "dry",
        "`make -n`: the target is there; it would install, or run all of these tests",
    ),
    Rule(
        r"toonlab train .*--devices 8",
        "printed",
        "needs eight GPUs; tests/toolkit/utils/test_distributed.py runs two processes",
    ),
    Rule(r"toonlab train .*--print$", "whole", "trains nothing"),
    Rule(r"toonlab train ", "short", "the same with `--at little.yaml`: small networks and pictures, four steps"),
    Rule(r"toonlab compare .*--explain", "whole", "runs nothing"),
    Rule(r"toonlab compare .*--scheduler", "explained", "needs a scheduler; tests/cluster runs studies on one"),
    Rule(
        r"toonlab compare .*--(plan|register|until-decided)",
        "explained",
        "asks for finished runs, for none, or for nine seeds; tests/toolkit/studies/test_compare.py",
    ),
    Rule(r"toonlab compare (EXPERIMENT|study\.yaml)", "whole", "an experiment of the workshop, two small runs"),
    Rule(
        r"toonlab compare \S+/experiment\.yaml",
        "begun",
        "three methods for minutes: with few scenes, stopped when one trains",
    ),
    Rule(r"toonlab compare ", "explained", "minutes to hours: every cell is planned, none is run"),
    Rule(r"toonlab tune EXPERIMENT --until-decided", "not run", "nine seeds; the looks are those of comparisons"),
    Rule(r"toonlab tune EXPERIMENT", "whole", "a search of the workshop, two trials"),
    Rule(r"toonlab tune ", "begun", "an hour: with few scenes, stopped when the first trial trains"),
    Rule(r"toonlab import ", "not run", "needs published files; tests/plugins/toonlab_exchange/test_originals.py"),
    Rule(r"toonlab cartoonize whitebox\.safetensors", "not run", "needs what the command before it writes"),
    Rule(
        r"toonlab cartoonize runs/demo/",
        "not run",
        "needs the runs of `make demo`; tests/toolkit/inference/test_cartoonize.py",
    ),
    Rule(
        r"toonlab vote ",
        "not run",
        "it serves until it is ended, on a study with pictures; tests/plugins/toonlab_vote",
    ),
    Rule(r"toonlab app ", "not run", "it serves until it is ended; tests/plugins/toonlab_app opens its page"),
    Rule(
        r"toonlab watch ",
        "not run",
        "it serves until it is ended; tests/toolkit/report/test_watch.py looks at its page",
    ),
    Rule(r"toonlab ", "whole", ""),
    Rule(r"pip install -e \S+$", "installed", "without dependencies, beside this environment, not into it"),
    Rule(r"pip install 'toonlab\[(\w+)\]'", "extra", "the extra is there; what it names comes by the network"),
    Rule(r"pytest \S+$", "whole", ""),
    Rule(r"python docs/make_toonworld\.py", "not run", "a minute; tests/docs/test_make_toonworld.py"),
    Rule(r"python docs/make_photos\.py", "not run", "writes into the workshop; tests/docs/test_make_photos.py"),
    Rule(r"other-program ", "whole", "a stand-in that copies the photos"),
    Rule(r"torchrun ", "not run", "needs eight GPUs; tests/toolkit/utils/test_distributed.py runs two processes"),
    Rule(r"export ", "not run", "names a server and its password"),
    Rule(r"sbatch ", "not run", "needs Slurm; tests/test_deploy.py runs the script"),
    Rule(r"dask ", "not run", "a service; tests/cluster starts schedulers and workers"),
    Rule(r"docker ", "not run", "needs Docker; tests/test_deploy.py reads the files"),
    Rule(r"(helm|kubectl) ", "not run", "needs Kubernetes; tests/test_deploy.py reads the files"),
    Rule(r"optuna-dashboard ", "not run", "another program"),
    Rule(r"python -m build \S+$", "built", "by this environment's hatchling: a fresh one comes by the network"),
]
TRANSCRIPTS = [  # `$ command` and what it answers, in blocks of the language console
    Rule(
        r"toonlab train ctss --at tiny critics\.patch\.sampler\.k=99", "whole", "the answer is the same to the letter"
    ),
    Rule(r"toonlab compare demo --explain", "explained", "the answer tells of runs that are elsewhere"),
    Rule(
        r"toonlab cartoonize .*big\.png",
        "not run",
        "tells of a machine's memory; tests/toolkit/inference/test_cartoonize.py",
    ),
]
STAND_INS = {  # what a command names -> what the workshop has (RUN and DIR: `Bench.stood_in`)
    r"(?<=toonlab photos )PHOTOS\b": "photos --smallest 64",
    r"\bFILM\b": "film.mkv",
    r"\[key=value …\]": "train.flip=true",
    r"\btrain\.steps=\d+": "train.steps=4",
    r"\[--trials N\]": "--trials 2",
    r"\[--jobs N\]": "--jobs 1",
    r"(?<=compare )EXPERIMENT\b": "mine.yaml",
    r"(?<=tune )EXPERIMENT\b": "hunt.yaml",
    r"(?<=--photos )photos\b": "measured",
    r"(?<=other-program )photos\b": "measured",
    r"\bPHOTOS\b": "photos",
    r"\bCARTOONS\b": "cartoons",
    r"\bPICTURES\b": "photos",
    r"\bPICTURE\b": "a.jpg",
    r"\bRESULTS\b": "results",
    r"\bNAME\b": "own",
    r"\bURL\b": "sqlite:///shared.db",
    r"http://(HOST|mlflow):5000": "sqlite:///tracked.db",
}
FILES = {  # first line of a block -> the file that it is
    '[project]\nname = "toonlab-loudest"': "toonlab-loudest/pyproject.toml",
    "class NearLoss(": "near/toonlab_near.py",
    "class TestNearLoss": "near/test_near.py",
    "class LoudestPatches": "toonlab-loudest/toonlab_loudest.py",
    "class TestLoudestPatches": "test_loudest.py",
    "{use: pictures, path: theirs": "study.yaml",
    "about: our film": "own.yaml",
}
COMPLETED = {  # a file of `FILES` -> what is added, so that it is quick
    "study.yaml": "at: [tiny, little.yaml, untracked.yaml]\nseeds: 1\n",
    "own.yaml": "at: [tiny, little.yaml, untracked.yaml]\n",
}
PYTHON = {  # what would take minutes -> the same, shortened
    'at="tiny"': 'at=["tiny", "little.yaml", "untracked.yaml"]',
    '"at": "tiny"': '"at": ["tiny", "little.yaml"]',
    '"steps": 200': '"steps": 4',
    'toonlab.compare("demo"': 'toonlab.compare("mine.yaml"',
    "seeds=2)": "seeds=1)",
}
FURTHER = {  # what a block defines -> how it is used, so that it is seen to work
    "class MostReal": """\
import torch
from toonlab import Context, rng
critic = torch.nn.Conv2d(3, 1, 3)
images = torch.rand(2, 3, 32, 32)
context = Context(images, critic, rng(0, "docs"), 0)
chosen = MostReal(patch_size=16, k=2)(Views(images, images, context=context))
assert chosen.real.shape == chosen.fake.shape == (4, 3, 16, 16)
assert torch.equal(chosen.real_boxes, chosen.fake_boxes)
""",
}
PRINTED = {  # page -> what its commands must have printed
    "plugins/README.md": ["loudest", "toonlab-loudest 0.1", "size: int, > 0 = 64  (search 16 … 128, step 16)"],
    "docs/publishing.md": ["toonlab_ink-0.1.0-py3-none-any.whl"],
}
OUTPUTS = ["The sampler ink is in ink:"]  # beginnings of text blocks that the command before must print


def rule_of(command: str, rules: list[Rule]) -> Rule | None:
    return next((rule for rule in rules if re.match(rule.pattern, command)), None)


def stood_in(command: str) -> str:
    for pattern, place in STAND_INS.items():
        command = re.sub(pattern, place, command)
    return command


def at_block(text: str, table: dict[str, str]) -> str | None:
    """What a table has for a block that holds one of its keys."""
    return next((value for key, value in table.items() if key in text), None)
