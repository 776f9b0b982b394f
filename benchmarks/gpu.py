"""Everything that is to be known of a GPU, by one command in ten minutes.

    python benchmarks/gpu.py [--minutes 10] [--cartoongan CHECKOUT]

In this order, each part within its share of the time, and an error in one does not end the others:

- *device*: what it is, its bandwidth, its products in every precision, the time that a kernel takes to start;
- *step*: a step of every method at 256 px with a batch of 8, in the variants of `step.py`, against the floor of its
  convolutions;
- *port*: CartoonGAN's step as its PyTorch code (znxlwm/pytorch-CartoonGAN) takes it, if a checkout is given;
- *sampler*: choosing CTSS's patches against extracting all of them;
- *data*: images per second from JPEG files and from shards;
- *devices*: steps per second on one GPU and on two, if there are two;
- *resolutions*: the cells of `experiments/high_resolution.yaml`, one seed and few steps: seconds and memory;
- *training*: three minutes of CTSS at 256 px on ToonWorld, with its pictures;
- *tests*: those that need a GPU.

Writes `benchmarks/results/gpu.json` and `gpu.html`, a page that needs nothing else, after each part. `--toy` does the
same on any machine in seconds, at sizes that say nothing about speed.
"""

from __future__ import annotations

import argparse
import base64
import html
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import data
import sampler
import step
import torch
import torch.nn.functional as F
import yaml
from _common import RESULTS, device, fastest, hardware, table
from PIL import Image
from torch import Tensor

import toonlab
from toonlab.ops.edges import smooth_edges
from toonlab.ops.levels import to_float
from toonlab.ops.precision import training_products
from toonlab.recipes.spec import Train
from toonlab_world.data.dataset import ToonWorld

ROOT = Path(__file__).parents[1]
VARIANTS = (  # the first matter most
    *("bf16", "fp32", "bf16+compile", "bf16+channels_last"),
    *("fp32-strict", "fp32+compile", "channels_last", "tf32"),
)
# each part's share of the time; the rest is for starting and compiling
SHARES = {"step": 0.36, "training": 0.3, "resolutions": 0.1}
QUIET = {"observers.mlflow": None, "observers.progress": None}
Row = dict[str, Any]
Options = argparse.Namespace


def measure_device(options: Options) -> list[Row]:
    """What the device is, and what it can do."""
    where, gpu = device(), device().type == "cuda"
    side, count = (4096, 2**28) if gpu else (256, 2**16)
    rows = [{"what": name, "value": value} for name, value in hardware(where).items()]
    if gpu:
        about = torch.cuda.get_device_properties(where)
        facts = {"memory GiB": round(about.total_memory / 2**30, 1), "processors": about.multi_processor_count}
        facts |= {"capability": f"{about.major}.{about.minor}", "cuda": torch.version.cuda}
        facts |= {"cudnn": torch.backends.cudnn.version(), "devices": torch.cuda.device_count()}
        rows += [{"what": name, "value": value} for name, value in facts.items()]
    values, host = torch.rand(count, device=where), torch.rand(count // 4, pin_memory=gpu)
    small, square = torch.rand(8, device=where), torch.rand(side, side, device=where)
    half = square.to(torch.bfloat16)
    seconds = fastest({"copy": lambda: values + 1, "to the device": lambda: host.to(where)}, 3, where)
    rows.append({"what": "memory GB/s", "value": round(8e-9 * count / seconds["copy"], 1)})
    rows.append({"what": "to the device GB/s", "value": round(1e-9 * count / seconds["to the device"], 1)})
    for name in ("fp32", "tf32", "bf16"):
        matrix = half if name == "bf16" else square
        with training_products(name, where):
            taken = fastest({name: lambda matrix=matrix: matrix @ matrix}, 3, where)[name]
        rows.append({"what": f"{name} TFLOP/s", "value": round(2e-12 * side**3 / taken, 2)})
    many = fastest({"start": lambda: [small.add_(1) for _ in range(1000)]}, 3, where)["start"]
    rows.append({"what": "a kernel's start in microseconds", "value": round(1e3 * many, 2)})
    return rows


def measure_steps(options: Options) -> Iterator[Row]:
    """Every method's step in every variant, as many as fit into the time."""
    about = Options(batch=options.batch, steps=options.steps, rounds=options.rounds, warm_up=options.rounds)
    for variant in options.variants:
        for method in options.methods:
            if time.monotonic() > options.until:
                yield {"method": method, "size": options.size, "variant": variant, "seconds": "left out: no time"}
                continue
            try:
                yield step.measure(method, options.size, variant, about)
            except Exception as error:  # of the compiler, or of memory
                yield {"method": method, "size": options.size, "variant": variant, "seconds": first_line(error)}
            torch.compiler.reset()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()


def measure_port(options: Options) -> list[Row]:
    """CartoonGAN's step as `CartoonGAN.py` of its PyTorch code takes it."""
    if options.cartoongan is None:
        return [{"left out": "no checkout was given"}]
    spec = importlib.util.spec_from_file_location("networks", options.cartoongan / "networks.py")
    assert spec is not None
    assert spec.loader is not None
    networks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(networks)
    where = device()
    generator, critic = networks.generator(3, 3, 64, 8).to(where), networks.discriminator(3, 1, 64).to(where)
    vgg = networks.VGG19(init_weights=None, feature_mode=True).to(where)
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (generator, critic)]
    photo, cartoon = (torch.rand(options.batch, 3, options.size, options.size, device=where) * 2 - 1 for _ in "pc")
    smooth = smooth_edges(cartoon)

    def judged(images: Tensor, real: bool) -> Tensor:
        logits: Tensor = critic(images)
        return F.binary_cross_entropy(logits, torch.full_like(logits, float(real)))

    def work() -> None:
        of_generator, of_critic = optimizers
        of_critic.zero_grad()
        loss = judged(cartoon, True) + judged(generator(photo), False) + judged(smooth, False)
        loss.backward()  # type: ignore[no-untyped-call]
        of_critic.step()
        of_generator.zero_grad()
        fake = generator(photo)
        content = F.l1_loss(vgg((fake + 1) / 2), vgg((photo + 1) / 2).detach())
        (judged(fake, True) + 10 * content).backward()  # type: ignore[no-untyped-call]
        of_generator.step()

    seconds = fastest({"port": work}, options.rounds, where)["port"]
    return [{"method": "cartoongan, PyTorch code", "size": options.size, "variant": "stock", "seconds": seconds}]


def measure_sampler(options: Options) -> Iterator[Row]:
    """As `sampler.py`, for the recipe's patches and for a dense grid of them."""
    where, patch = device(), 96 * options.size // 256
    _, cartoons = ToonWorld(scenes=options.batch, size=options.size).train()
    images = to_float(torch.stack([cartoons[index] for index in range(options.batch)]).to(where))
    about = Options(k=min(4, options.batch), repeat=options.rounds)
    for stride in (patch // 2, patch // 8):
        yield from sampler.measure(patch, stride, images, about)


def measure_data(options: Options) -> Iterator[Row]:
    """As `data.py`, without workers and with as many as a training takes."""
    about = Options(size=options.size, batch=options.batch, images=options.images)
    counts = [0] if options.toy else [0, min(8, os.cpu_count() or 1)]
    if options.toy:
        data.SHORT, data.LONG, data.PICTURES = 48, 64, 4
    with tempfile.TemporaryDirectory() as folder:
        sources = data.sources(Path(folder), Train(size=options.size, batch=options.batch))
        for source, steps in sources.items():
            for workers in counts:
                speed = round(data.speed(steps, workers, about, device()))
                yield {"source": source, "workers": workers, "images/s": speed}


def measure_devices(options: Options) -> Iterator[Row]:
    """The same training on one GPU and on two, by the command."""
    if torch.cuda.device_count() < 2:
        yield {"left out": "there are no two GPUs"}
        return
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            overrides = ["train.size=256", "data.size=256", "train.batch=16", "train.steps=60", "evaluate.samples=2"]
            command = [sys.executable, "-m", "toonlab", "train", "ctss", "--at", "tiny", "--devices", str(count)]
            command += ["--runs", folder, "observers.mlflow=null", *overrides]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            outcomes = [json.loads(path.read_text()) for path in Path(folder).rglob("outcome.json")]
        taken = outcomes[0]["costs"].get("seconds_per_step") if outcomes else done.stderr[-300:]
        yield {"devices": count, "batch": 16, "s/step": taken}


def measure_resolutions(options: Options) -> Iterator[Row]:
    """The cells of the experiment, as many as fit into the time."""
    study = yaml.safe_load((ROOT / "experiments" / "high_resolution.yaml").read_text(encoding="utf-8"))
    for size, settings in study["factors"]["resolution"].items():
        for patches, changes in study["factors"]["patch critic"].items():
            if time.monotonic() > options.until or size > options.largest:
                continue
            unused = ("evaluate.", "critics.patch.") if "critics.patch" in changes else ("evaluate.",)
            asked = {**study["set"], **settings, **changes}
            given = {name: value for name, value in asked.items() if not name.startswith(unused)}
            given |= {"train.steps": options.cell_steps, "data.scenes": 16, "evaluate.metrics": [], **QUIET}
            run = train(f"{size}-{patches}", study["at"], given)
            yield {"size": size, "patch critic": patches, **costs(run)}


def measure_training(options: Options) -> list[Row]:
    """CTSS at full width, for as many steps as fit into the time, and the pictures of its last evaluation."""
    given: dict[str, Any] = {"data.size": options.size, "data.scenes": 16 if options.toy else 512}
    given |= {"train.size": options.size, "train.batch": options.batch, "evaluate.samples": 4 if options.toy else 24}
    given |= {"generator.network.width": 4 if options.toy else 32, "evaluate.metrics": ["psnr"], **QUIET}
    given |= {f"critics.{name}.discriminator.width": 4 if options.toy else 16 for name in ("image", "patch")}
    given |= {"critics.patch.sampler.patch_size": max(16, 96 * options.size // 256)}
    at = "tiny" if options.toy else ["tiny", "gpu"]
    short = 2 if options.toy else 60
    speed = costs(train("short", at, {**given, "train.steps": short}))["s/step"]
    steps = 3 if options.toy else int(60 * options.minutes * SHARES["training"] / speed)
    run = train("long", at, {**given, "train.steps": steps, "train.evaluate_every": steps})
    options.pictures.append(run.samples[-1].read_bytes())
    return [{"steps": steps, **costs(run), **{name: round(value, 4) for name, value in run.metrics.items()}}]


def measure_tests(options: Options) -> list[Row]:
    """The tests of the project that have the word `gpu` in their names; without a GPU most are skipped."""
    where = "tests/toolkit/ops/test_precision.py" if options.toy else "tests"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "gpu", "--ignore=tests/docs", where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    return [
        {"exit code": done.returncode, "last line": (done.stdout.strip().splitlines() or [""])[-1], "failed": found}
    ]


PARTS: dict[str, Callable[[Options], Any]] = {
    "device": measure_device,
    "step": measure_steps,
    "port": measure_port,
    "sampler": measure_sampler,
    "data": measure_data,
    "devices": measure_devices,
    "resolutions": measure_resolutions,
    "training": measure_training,
    "tests": measure_tests,
}


# -- what the parts share


def train(name: str, at: Any, overrides: dict[str, Any]) -> Any:
    """A training of CTSS in a folder of its own."""
    recipe = {"extends": "ctss"}
    return toonlab.train(recipe, at=at, name=name, runs=tempfile.mkdtemp(), **overrides)


def costs(run: Any) -> Row:
    """What a finished run took."""
    took = run.outcome.costs
    return {"s/step": round(took["seconds_per_step"], 4), "peak MiB": round(took["peak_memory_mib"])}


def first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]


def write(folder: Path, found: dict[str, list[Row]], options: Options) -> None:
    """The record and the page, whole, after each part."""
    about = {name: str(value) for name, value in vars(options).items() if name not in ("pictures", "until")}
    record = {"hardware": hardware(device()), "options": about, **found}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.json").write_text(json.dumps(record, indent=1, default=str) + "\n", encoding="utf-8")
    style = "body{font:15px sans-serif;margin:2em}td,th{padding:2px 12px;text-align:right}img{max-width:100%}"
    parts = [f"<h2>{html.escape(name)}</h2>{as_html(rows)}" for name, rows in found.items()]
    for picture in options.pictures:
        made = io.BytesIO()
        Image.open(io.BytesIO(picture)).convert("RGB").save(made, "webp", quality=85)
        content = base64.b64encode(made.getvalue()).decode()
        parts.append(f'<img alt="photos and cartoons" src="data:image/webp;base64,{content}">')
    title = html.escape(f"toonlab on {hardware(device())['device']}")
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{style}</style><h1>{title}</h1>"
    )
    (folder / "gpu.html").write_text(page + "\n".join(parts) + "</html>\n", encoding="utf-8")


def as_html(rows: list[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, *([str(row.get(column, "")) for column in columns] for row in rows)]
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in lines]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in cells)}</table>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="for everything")
    parser.add_argument("--cartoongan", type=Path, help="a checkout of znxlwm/pytorch-CartoonGAN")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--toy", action="store_true", help="on any machine, in seconds")
    options = parser.parse_args()
    if device().type != "cuda" and not options.toy:
        parser.exit(0, "there is no GPU here; --toy does the same on any machine, at sizes that say nothing\n")
    toy = {"size": 32, "batch": 1, "steps": 1, "rounds": 1, "images": 8, "largest": 64, "cell_steps": 2}
    real = {"size": 256, "batch": 8, "steps": 5, "rounds": 3, "images": 320, "largest": 512, "cell_steps": 60}
    chosen = {"methods": ("plain",), "variants": ("fp32",)} if options.toy else {}
    whole = {"methods": step.METHODS, "variants": VARIANTS, "pictures": []}
    for name, value in {**(toy if options.toy else real), **whole, **chosen}.items():
        setattr(options, name, value)
    found: dict[str, list[Row]] = {}
    for name in options.parts:
        start = time.monotonic()
        options.until = start + 60 * options.minutes * SHARES.get(name, 0.05)
        found[name] = []
        try:
            for row in PARTS[name](options):
                found[name].append(row)
        except (Exception, SystemExit) as error:  # the other parts are worth having
            traceback.print_exc()
            found[name].append({"error": first_line(error)})
        print(f"\n{name}, {time.monotonic() - start:.0f} s\n{table(found[name])}", flush=True)
        write(options.out, found, options)
    print(f"written: {options.out / 'gpu.json'}, {options.out / 'gpu.html'}")
    raise SystemExit(any("error" in row for rows in found.values() for row in rows))


if __name__ == "__main__":
    main()
