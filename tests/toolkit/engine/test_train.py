"""A whole run: what it leaves in its directory, what its observers hear, how it ends."""

import json
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from toonlab import Dataset, Images, Outcome, Run, Sample, discover, hookimpl
from toonlab.engine.checkpoint import STATE, candidates, checkpoints, find_weights, load_state
from toonlab.engine.evaluator import Evaluator
from toonlab.engine.train import Trained, _warn_of_speed, resume, train
from toonlab.engine.weights import WEIGHTS, load_generator, read_weights
from toonlab.errors import DivergedError, ToonlabError
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue, Offer
from toonlab.registry.protocols import HasTest
from toonlab.registry.schema import Schema
from toonlab.runs.directory import read_metrics
from toonlab.utils.distributed import has_bf16


@pytest.fixture
def catalogue() -> Catalogue:
    return discover()


@dataclass
class Ears:
    """An observer that remembers what it heard."""

    heard: list[tuple[str, Any]] = field(default_factory=list)
    stop_at: int = 0

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        self.heard.append(("start", run.name))

    @hookimpl
    def on_step_end(self, step: int, scalars: Mapping[str, float] | None) -> None:
        self.heard.append(("step", step if scalars is None else (step, dict(scalars))))

    @hookimpl
    def on_evaluation_end(self, step: int, metrics: Mapping[str, float], images: Mapping[str, Path]) -> None:
        self.heard.append(("evaluation", (step, dict(metrics), dict(images))))

    @hookimpl
    def on_checkpoint(self, step: int, path: Path) -> None:
        self.heard.append(("checkpoint", (step, path)))

    @hookimpl
    def on_run_end(self, outcome: Outcome) -> None:
        self.heard.append(("end", outcome))

    @hookimpl
    def stop_reason(self, step: int) -> str | None:
        return "enough" if step == self.stop_at else None


def offer(catalogue: Catalogue, kind: str, name: str, factory: Any) -> None:
    catalogue.add(Offer(kind, name, factory, Schema.of(factory), "tests 0"))


def run(small: Path, catalogue: Catalogue, tmp_path: Path, *overrides: str) -> Trained:
    return train(load(small, catalogue, overrides), catalogue, tmp_path / "runs", distributed="cpu")


def test_the_run_directory_holds_the_truth(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    trained = run(small, catalogue, tmp_path, "train.evaluate_every=2", "train.checkpoint_every=2")
    directory = trained.run.directory
    assert directory.parent == tmp_path / "runs" / "small"
    assert directory.name.startswith("small-s0-")
    assert yaml.safe_load((directory / "recipe.yaml").read_text()) == trained.run.recipe
    environment = json.loads((directory / "environment.json").read_text())
    assert environment["versions"]["torch"] == torch.__version__.partition("+")[0]
    lines = list(read_metrics(directory / "metrics.jsonl"))
    assert [line["step"] for line in lines if "scalars" in line] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if "evaluation" in line] == [2, 4]
    assert "critic/patch/total" not in lines[0]["scalars"]  # the warm-up has no critics
    assert "critic/patch/total" in [line for line in lines if "scalars" in line][-1]["scalars"]
    assert [path.name for path in checkpoints(directory / "checkpoints")] == ["step-00000002", "step-00000004"]
    with Image.open(directory / "samples" / "step-00000004.png") as sheet:
        assert sheet.height > 3 * 192  # photo, fake, truth
    outcome = json.loads((directory / "outcome.json").read_text())
    assert (outcome["status"], outcome["step"]) == ("finished", 4)
    assert outcome["split"] == "validation"  # the test split is for comparisons
    assert outcome["metrics"] == pytest.approx(lines[-1]["evaluation"])
    for scores, means in ((outcome["scores"], outcome["metrics"]), (outcome["photo_scores"], outcome["photo"])):
        assert set(scores) == {"lines", "psnr"}
        assert fmean(scores["psnr"]) == pytest.approx(means["psnr"], rel=1e-5)
        assert len(scores["psnr"]) == 3
    assert outcome["measured"]["lines"] == {"n": 3, "size": "32x32", "resizer": "none"}
    assert set(outcome["photo"]) == set(outcome["metrics"])


def test_a_run_is_the_same_again_bit_by_bit(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    one = run(small, catalogue, tmp_path / "a")
    two = run(small, catalogue, tmp_path / "b", "train.workers=1")
    assert one.run.name == two.run.name
    weights = [read_weights(checkpoints(t.run.directory / "checkpoints")[-1] / WEIGHTS)[0] for t in (one, two)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    losses = [[line.get("scalars") for line in read_metrics(t.run.directory / "metrics.jsonl")] for t in (one, two)]
    assert losses[0] == losses[1]


def test_a_finished_run_is_not_trained_again_unless_something_that_matters_changes(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    first = run(small, catalogue, tmp_path)
    again = run(small, catalogue, tmp_path, "train.log_every=3", "observers={progress: {}}", "about=other words")
    assert again.reused
    assert again.outcome == first.outcome
    other = run(small, catalogue, tmp_path, "critics.patch.sampler.k=1")
    assert not other.reused
    assert other.run.directory != first.run.directory


def test_observers_hear_everything_in_order(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    ears = Ears()

    def make_ears() -> Ears:
        return ears

    offer(catalogue, "observers", "ears", make_ears)
    trained = run(small, catalogue, tmp_path, "train.log_every=2", "observers.ears={}")
    kinds = [kind for kind, _ in ears.heard]
    assert kinds == ["start", "step", "step", "step", "step", "checkpoint", "evaluation", "end"]
    steps = [value for kind, value in ears.heard if kind == "step"]
    assert steps[2] == 3  # not logged
    assert steps[1][0] == 2
    assert ears.heard[-1][1] == trained.outcome
    step, metrics, images = ears.heard[-2][1]
    assert (step, metrics.keys()) == (4, trained.outcome.metrics.keys())
    assert images["samples"].exists()


class Watched:
    """ToonWorld, with a list of the splits that were looked at."""

    def __init__(self, data: Dataset, name: str, looked: list[str]) -> None:
        self.data, self.name, self.looked = data, name, looked

    def train(self) -> tuple[Images, Images]:
        return self.data.train()

    def manifest(self) -> Mapping[str, Any]:
        return {}

    def evaluation(self) -> Sequence[Sample]:
        self.looked.append(self.name)
        return self.data.evaluation()

    def test(self) -> Dataset:
        assert isinstance(self.data, HasTest)
        return Watched(self.data.test(), "test", self.looked)


def test_the_test_split_is_looked_at_once_at_the_end(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    looked: list[str] = []
    distributed: Dataset = catalogue.make("datasets", "toonworld", size=32, scenes=8, evaluation_scenes=3)

    def make_watched() -> Watched:
        return Watched(distributed, "validation", looked)

    offer(catalogue, "datasets", "watched", make_watched)
    recipe = load(small, catalogue, ["data={use: watched}", "train.evaluate_every=1"])
    validated = train(recipe, catalogue, tmp_path / "runs", distributed="cpu")
    assert looked == ["validation"]
    trained = train(recipe, catalogue, tmp_path / "runs", distributed="cpu", split="test")
    assert (validated.run.directory, validated.outcome.split) == (trained.run.directory, "validation")
    assert (trained.reused, trained.outcome.split) == (False, "test")
    assert looked == ["validation", "validation", "test"]
    for split in ("validation", "test"):
        again = train(recipe, catalogue, tmp_path / "runs", distributed="cpu", split=split)
        assert (again.reused, again.outcome.split) == (True, "test")
    lines = list(read_metrics(trained.run.directory / "metrics.jsonl"))
    assert [("test" in line, line["step"]) for line in lines if "scalars" not in line] == [
        *((False, step) for step in range(1, 5)),
        (True, 4),
    ]
    assert isinstance(distributed, HasTest)
    samples = distributed.test().evaluation()
    evaluator = Evaluator(samples, load(small, catalogue).evaluate.metrics, catalogue, 3)
    weights = checkpoints(trained.run.directory / "checkpoints")[-1] / WEIGHTS
    assert (
        evaluator.evaluate(load_generator(weights, catalogue), torch.device("cpu")).metrics == trained.outcome.metrics
    )
    assert evaluator.evaluate_photos().metrics == trained.outcome.photo


def test_the_best_weights_by_a_metric_count_if_the_recipe_says_so(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    every = ("train.evaluate_every=1", "train.checkpoint_every=1", "train.keep_checkpoints=9")
    trained = run(small, catalogue, tmp_path, *every, "train.select=psnr", "generator.optimizer.lr=5")
    directory = trained.run.directory
    evaluations = [line for line in read_metrics(directory / "metrics.jsonl") if "evaluation" in line]
    best = max(evaluations, key=lambda line: line["evaluation"]["psnr"])["step"]
    assert best < 4  # else this would show nothing
    assert candidates(directory)[-1] == directory / "best" / f"step-{best:08d}" / WEIGHTS
    assert find_weights(directory) == candidates(directory)[-1]
    kept = read_weights(candidates(directory)[-1])[0]
    then = read_weights(directory / "checkpoints" / f"step-{best:08d}" / WEIGHTS)[0]
    assert kept.keys() == then.keys()
    assert all(torch.equal(kept[name], then[name]) for name in kept)
    data = load(small, catalogue).data.make(catalogue)
    evaluator = Evaluator(data.evaluation(), load(small, catalogue).evaluate.metrics, catalogue, 3)
    chosen = load_generator(candidates(directory)[-1], catalogue)
    assert evaluator.evaluate(chosen, torch.device("cpu")).metrics == trained.outcome.metrics


HEARD_IN_A_RUN = ["on_run_start", "on_step_end", "stop_reason", "on_checkpoint", "on_evaluation_end", "on_run_end"]


@pytest.mark.parametrize("hook", HEARD_IN_A_RUN)
def test_an_observer_that_raises_in_any_hook_is_reported_once_and_disabled(
    small: Path, catalogue: Catalogue, tmp_path: Path, hook: str
) -> None:
    calls = []

    def raising(run: Run) -> None:
        calls.append(run.name)
        raise OSError("no such server")

    def make_broken() -> object:
        return type("Broken", (), {hook: staticmethod(hookimpl(raising))})()

    offer(catalogue, "observers", "broken", make_broken)
    message = f"observer 'broken' failed in {hook} and was disabled: OSError: no such server"
    with pytest.warns(RuntimeWarning, match=message) as caught:
        trained = run(small, catalogue, tmp_path, "observers.broken={}")
    assert trained.outcome.status == "finished"
    assert len(caught) == len(calls) == 1


def test_stop_reason_ends_the_run_with_a_checkpoint(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    def make_ears() -> Ears:
        return Ears(stop_at=3)

    offer(catalogue, "observers", "ears", make_ears)
    trained = run(small, catalogue, tmp_path, "observers.ears={}")
    assert (trained.outcome.status, trained.outcome.step, trained.outcome.reason) == ("stopped", 3, "enough")
    assert checkpoints(trained.run.directory / "checkpoints")[-1].name == "step-00000003"
    assert not run(small, catalogue, tmp_path).reused


def test_a_loss_that_is_not_finite_fails_the_run_and_names_the_loss(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    with pytest.raises(DivergedError, match=r"diverged at step \d: .*generator/"):
        run(small, catalogue, tmp_path, "generator.losses.content.weight=1e30", "generator.optimizer.lr=1e30")
    (outcome,) = tmp_path.glob("runs/small/*/outcome.json")
    assert json.loads(outcome.read_text())["status"] == "failed"


def test_weights_carry_their_recipe_and_load_without_anything_else(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    trained = run(small, catalogue, tmp_path, "train.ema=0.5")
    last = checkpoints(trained.run.directory / "checkpoints")[-1]
    _, tree = read_weights(last / WEIGHTS)
    assert tree == trained.run.recipe
    generator = load_generator(last / WEIGHTS, catalogue)
    assert generator(torch.zeros(1, 3, 16, 16)).shape == (1, 3, 16, 16)
    state = load_state(last)
    name = next(iter(generator.state_dict()))
    assert torch.equal(generator.state_dict()[name], state["ema"][f"module.generator.{name}"])
    assert not torch.equal(generator.state_dict()[name], state["parts"]["generator"][name])


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x80\x04."])
def test_a_file_that_is_not_weights_is_refused(tmp_path: Path, catalogue: Catalogue, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ToonlabError, match="not a safetensors file of weights"):
        load_generator(tmp_path / "w.safetensors", catalogue)


def test_old_checkpoints_are_deleted(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    trained = run(small, catalogue, tmp_path, "train.checkpoint_every=1", "train.keep_checkpoints=2")
    names = [path.name for path in checkpoints(trained.run.directory / "checkpoints")]
    assert names == ["step-00000003", "step-00000004"]
    assert (trained.run.directory / "checkpoints" / names[-1] / STATE).exists()


def test_bf16_where_it_is_emulated_is_a_warning(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(small, catalogue, tmp_path, "train.precision=bf16", "train.steps=2")
    told = [str(warning.message) for warning in caught if "no bf16 instructions" in str(warning.message)]
    assert len(told) == (0 if has_bf16(torch.device("cpu")) else 1)


FASTER = "bf16 is several times faster on this GPU: train.precision=bf16, or all that helps there: --at gpu"


@pytest.mark.parametrize("precision", ["fp32", "fp32-strict", "tf32", "bf16"])
def test_on_a_gpu_fp32_is_told_that_bf16_is_faster(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _warn_of_speed(precision, torch.device("cuda"))
    told = [str(warning.message) for warning in caught]
    assert told == ([f"train.precision=fp32: {FASTER}"] if precision == "fp32" else [])


@pytest.mark.filterwarnings("ignore:train.precision=bf16")
@pytest.mark.parametrize(
    "settings",
    [
        ["train.precision=bf16"],
        ["train.precision=tf32"],
        ["train.precision=fp32-strict"],
        ["train.channels_last=true"],
        ["train.order=generator_first"],
        ["train.generator_every=2", "train.steps=5"],
        ["critics.image.losses={gradient_penalty: {weight: 10}}", "critics.image.objective=wasserstein"],
        ["generator.schedule={use: CosineAnnealingLR, T_max: 4}", "generator.optimizer={use: SGD, lr: 1e-3}"],
    ],
)
def test_settings_that_change_how_a_step_runs(
    small: Path, catalogue: Catalogue, tmp_path: Path, settings: list[str]
) -> None:
    plain = run(small, catalogue, tmp_path)
    other = run(small, catalogue, tmp_path, *settings)
    assert other.outcome.status == "finished"
    assert other.run.identity != plain.run.identity
    weights = [read_weights(checkpoints(t.run.directory / "checkpoints")[-1] / WEIGHTS)[0] for t in (plain, other)]
    name = "a_full.0.weight"
    torch.testing.assert_close(weights[0][name], weights[1][name], rtol=0, atol=0.1)


def test_metrics_that_the_data_cannot_give_are_left_out_with_a_warning(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    for folder in ("photos", "cartoons"):
        (tmp_path / folder).mkdir()
        for i in range(3):
            Image.effect_noise((40, 37), 60).convert("RGB").save(tmp_path / folder / f"{i}.png")
    data = f"data={{use: folder, photos: {tmp_path / 'photos'}, cartoons: {tmp_path / 'cartoons'}}}"
    with pytest.warns(RuntimeWarning, match="is left out: it needs the truth's") as caught:
        trained = run(small, catalogue, tmp_path, data)
    assert [str(w.message).split("'")[1] for w in caught] == ["lines", "psnr"]
    assert trained.outcome.metrics == {}
    assert (trained.run.directory / "samples" / "step-00000004.png").exists()  # 37 is no multiple of 4


def test_a_tracking_uri_reaches_observers_that_take_one_and_changes_no_identity(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    uris: list[str | None] = []

    def make_tracker(tracking_uri: str | None = None) -> object:
        uris.append(tracking_uri)
        return object()

    def make_ears() -> Ears:
        return Ears(stop_at=2)

    offer(catalogue, "observers", "tracker", make_tracker)
    offer(catalogue, "observers", "ears", make_ears)
    recipe = load(small, catalogue, ["observers={tracker: {tracking_uri: 'http://a'}, ears: {}}"])
    runs, secret = tmp_path / "runs", "http://me:secret@b"
    stopped = train(recipe, catalogue, runs, distributed="cpu", tracking_uri=secret)
    assert stopped.outcome.status == "stopped"
    assert "secret" not in (stopped.run.directory / "recipe.yaml").read_text()
    resumed = resume(stopped.run.directory, catalogue, "cpu", tracking_uri="http://c")
    again = train(recipe, catalogue, tmp_path / "others", distributed="cpu")
    assert uris == [secret, "http://c", "http://a"]
    assert stopped.run.identity == resumed.run.identity == again.run.identity


def test_the_weights_that_a_training_begins_with_are_part_of_its_identity(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    first = run(small, catalogue, tmp_path).run.directory
    source = tmp_path / "w.safetensors"
    shutil.copy(find_weights(first), source)
    begun = run(small, catalogue, tmp_path, f"generator.weights={source}")
    assert begun.run.directory != first
    assert run(small, catalogue, tmp_path, f"generator.weights={source}").reused
    assert resume(begun.run.directory, catalogue, "cpu").reused
    source.write_bytes(find_weights(begun.run.directory).read_bytes())
    with pytest.raises(
        ToonlabError, match="the file of weights has changed since it began; restore what it began with"
    ):
        resume(begun.run.directory, catalogue, "cpu")
    assert not run(small, catalogue, tmp_path, f"generator.weights={source}").reused


def test_an_audit_measures_the_test_samples_at_every_evaluation_and_changes_nothing_else(
    small: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    found = {}
    for asked in ("true", "false"):
        recipe = load(small, catalogue, [f"evaluate.audit={asked}", "train.evaluate_every=2", "train.select=psnr"])
        trained = train(recipe, catalogue, tmp_path / asked, distributed="cpu", split="test")
        weights = checkpoints(trained.run.directory / "checkpoints")[-1] / "generator.safetensors"
        found[asked] = (list(read_metrics(trained.run.directory / "metrics.jsonl")), load_file(weights), trained)
    (lines, weights, trained), (others, other_weights, other) = found.values()
    audits = {line["step"]: line["audit"] for line in lines if "audit" in line}
    assert audits.keys() == {line["step"] for line in lines if "evaluation" in line} == {2, 4}
    chosen = int(next((trained.run.directory / "best").iterdir()).name.removeprefix("step-"))
    assert audits[chosen] == {"lines": trained.outcome.metrics["lines"]}  # the primary metric alone
    assert [{**line, "time": 0, "audit": 0} for line in lines] == [{**line, "time": 0, "audit": 0} for line in others]
    assert trained.outcome.metrics == other.outcome.metrics
    assert weights.keys() == other_weights.keys()
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)


def test_without_test_samples_there_is_nothing_to_audit(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    trained = run(small, catalogue, tmp_path, "evaluate.audit=true")  # a training by itself, which keeps them untouched
    assert not any("audit" in line for line in read_metrics(trained.run.directory / "metrics.jsonl"))
