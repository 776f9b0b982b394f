"""`train.compile`: the same losses, and the run goes on where something can't be compiled."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import discover
from toonlab.engine.checkpoint import checkpoints
from toonlab.engine.compile import compiled
from toonlab.engine.gan import GAN, ActiveStage, Critic, OptimizerState, Scalars
from toonlab.engine.train import train
from toonlab.engine.weights import read_weights
from toonlab.ops.layers import spectral_norm
from toonlab.recipes.load import load
from toonlab.registry.protocols import Objective
from toonlab.types import Batch, Step, Views
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.rng import seeded

COMPILER = os.environ.get("CXX", "g++")
needs_compiler = pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"there is no C++ compiler {COMPILER!r}")


class LeastSquares(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return (logits - 1).square().mean()

    def fake(self, logits: Tensor) -> Tensor:
        return logits.square().mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return (fake_logits - 1).square().mean()


@torch.library.custom_op("toonlab_tests::halve", mutates_args=())
def halve(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last) / 2


@halve.register_fake
def _(images: Tensor) -> Tensor:
    return torch.empty_like(images, memory_format=torch.contiguous_format)  # which is not what it returns


class Misdescribed(nn.Module):
    """Works, but an operator's description is wrong: compiled, it fails when it runs."""

    def forward(self, images: Tensor) -> Tensor:
        return images + halve(images.detach())


def whole(views: Views) -> Views:
    return views


def content(step: Step) -> Tensor:
    return step.features.mean_over_layers(F.l1_loss, step.fake, step.batch.photo)


class TwoLayers(nn.Sequential):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        first, second = self
        return first(images), second(first(images))


def make() -> GAN:
    """Buffers that a forward pass changes, and dropout: what a trial must leave as it was."""
    with seeded(0, "generator"):
        generator = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.0), nn.Tanh())
    with seeded(0, "critic"):
        net = nn.Sequential(spectral_norm(nn.Conv2d(3, 2, 3)), nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(2, 1, 1)))
    with seeded(0, "features"):
        features = TwoLayers(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1)).requires_grad_(False)
    critics = {"image": Critic("image", net, LeastSquares(), whole)}
    return GAN(
        generator,
        critics,
        ({"content": (1.0, content)},),
        features,
        seed=0,
        distributed=DistributedContext(torch.device("cpu")),
    )


def steps(gan: GAN, count: int = 3) -> list[Scalars]:
    """The losses of a few steps of plain gradient descent."""
    critics = tuple(gan.critics.values())
    states = {critic.name: OptimizerState(torch.optim.SGD(critic.net.parameters(), 0.1)) for critic in critics}
    generator_state = OptimizerState(torch.optim.SGD(gan.generator.parameters(), 0.1))
    stage = ActiveStage("only", 0, count, critics, gan.stage_losses[0], generator_state, states)
    draw = torch.Generator().manual_seed(1)
    images = torch.rand((2, 2, 3, 8, 8), generator=draw) * 2 - 1
    return [gan.step(stage, Batch(*images), number) for number in range(count)]


def state(gan: GAN) -> dict[str, Tensor]:
    nets = {"generator": gan.generator, **{name: critic.net for name, critic in gan.critics.items()}}
    return {
        f"{net}.{name}": value.clone() for net, module in nets.items() for name, value in module.state_dict().items()
    }


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The compiler that CXX names is missing, and nothing compiled before can stand in for it."""
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    with config.patch({"cpp.cxx": (str(tmp_path / "no-such-g++"),)}):
        torch.compiler.reset()
        yield
    torch.compiler.reset()


@needs_compiler
def test_compiled_steps_give_the_same_losses() -> None:
    plain = make()
    before = state(plain)
    random = torch.get_rng_state()
    gan = compiled(plain, batch=2, size=8, graphs=True)
    assert not gan.graphs  # which are a GPU's
    assert set(gan.compiled) == {gan.generator, gan.features, gan.critics["image"].net}
    assert torch.equal(torch.get_rng_state(), random)
    after = state(gan)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in gan.generator.parameters())

    for ours, theirs in zip(steps(gan), steps(make()), strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-6)
    u = "image.0.parametrizations.weight.0.u"  # which only a forward pass changes
    assert not torch.equal(state(gan)[u], before[u])


@needs_compiler
def test_what_fails_when_it_is_compiled_runs_as_it_is() -> None:
    plain = replace(make(), features=Misdescribed())
    with pytest.warns(RuntimeWarning, match=r"^train\.compile: features left uncompiled: ") as caught:
        gan = compiled(plain, batch=2, size=8)
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert set(gan.compiled) == {gan.generator, gan.critics["image"].net}
    expected = steps(replace(make(), features=Misdescribed()))
    for ours, theirs in zip(steps(gan), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_run_goes_on_with_one_warning(small: Path, tmp_path: Path) -> None:
    catalogue = discover()
    brief = ["train.steps=2", "evaluate.samples=1"]
    with pytest.warns(RuntimeWarning, match=r"^train\.compile: every network left uncompiled: ") as caught:
        trained = train(
            load(small, catalogue, [*brief, "train.compile=true"]), catalogue, tmp_path / "compiled", distributed="cpu"
        )
    assert len(caught) == 1
    assert trained.outcome.status == "finished"
    plain = train(load(small, catalogue, brief), catalogue, tmp_path / "plain", distributed="cpu")
    ours, theirs = (weights(run.run.directory) for run in (trained, plain))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def weights(run: Path) -> dict[str, Tensor]:
    return read_weights(checkpoints(run / "checkpoints")[-1] / "generator.safetensors")[0]


def cycle(step: Step) -> Tensor:
    return F.l1_loss(step.images("cycle"), step.batch.photo)


def with_a_cycle() -> GAN:
    with seeded(0, "back"):
        back = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Tanh())
    losses = ({"cycle": (1.0, cycle)},)
    return replace(make(), generators={"back": back}, stream_inputs={"cycle": ("back", "fake")}, stage_losses=losses)


@needs_compiler
def test_further_generators_are_compiled_for_what_the_first_makes() -> None:
    gan = compiled(with_a_cycle(), batch=2, size=8)
    assert {gan.generator, gan.generators["back"]} <= set(gan.compiled)
    for ours, theirs in zip(steps(gan), steps(with_a_cycle()), strict=True):
        for name in theirs:
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-6)
