"""The step: its gradients, what it shares, and what it must not touch."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from toonlab.engine.gan import GAN, ActiveStage, Critic, OptimizerState
from toonlab.errors import PartError
from toonlab.ops.layers import spectral_norm as with_spectral_norm
from toonlab.recipes.spec import Weight
from toonlab.registry.protocols import Objective
from toonlab.types import Batch, Context, Features, Logits, Step, Views
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.rng import seeded

HERE = DistributedContext(torch.device("cpu"))


class LeastSquares(Objective):
    def real(self, logits: Tensor) -> Tensor:
        return ((logits - 1) ** 2).mean()

    def fake(self, logits: Tensor) -> Tensor:
        return (logits**2).mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return ((fake_logits - 1) ** 2).mean()


def whole(views: Views) -> Views:
    return views


def centre(views: Views) -> Views:
    return replace(views, real=views.real[..., 4:12, 4:12], fake=views.fake[..., 4:12, 4:12])


def gray(views: Views) -> Views:
    return replace(views, real=views.real.mean(1, keepdim=True), fake=views.fake.mean(1, keepdim=True))


def content(step: Step) -> Tensor:
    return F.l1_loss(step.features(step.fake), step.features(step.batch.photo))


def discriminator(channels: int, key: str) -> nn.Module:
    with seeded(0, key):
        first = spectral_norm(nn.Conv2d(channels, 6, 3, padding=1))
        return nn.Sequential(first, nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(6, 1, 3)))


def networks() -> tuple[nn.Module, dict[str, nn.Module], nn.Module]:
    with seeded(0, "generator"):
        generator = nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.Tanh(), nn.Conv2d(5, 3, 1), nn.Tanh()
        )
    with seeded(0, "features"):
        features = nn.Conv2d(3, 4, 3).requires_grad_(False)
    return generator, {"image": discriminator(3, "image"), "patch": discriminator(1, "patch")}, features


def make(**settings: Any) -> tuple[GAN, ActiveStage]:
    """Two critics with spectral norm in train mode; SGD, so that a step's change is its gradient."""
    generator, nets, features = networks()
    critics = {
        "image": Critic("image", nets["image"], LeastSquares(), whole, weight=Weight(3.0, 2.0)),
        "patch": Critic("patch", nets["patch"], LeastSquares(), centre, gray, weight=Weight(1.0, 5.0)),
    }
    losses = {"content": (1.5, content)}
    gan = GAN(generator, critics, (losses,), features, seed=0, distributed=HERE, **settings)
    states = {name: OptimizerState(torch.optim.SGD(critic.net.parameters(), 0.1)) for name, critic in critics.items()}
    return gan, ActiveStage(
        "only",
        0,
        9,
        tuple(critics.values()),
        losses,
        OptimizerState(torch.optim.SGD(generator.parameters(), 0.1)),
        states,
    )


def batch() -> Batch:
    draw = torch.Generator().manual_seed(1)
    photo, cartoon = (torch.rand((2, 3, 16, 16), generator=draw) * 2 - 1 for _ in range(2))
    return Batch(photo, cartoon)


def reference_step(generator: nn.Module, nets: dict[str, nn.Module], features: nn.Module, data: Batch) -> None:
    """The textbook's step: a forward pass without gradients for the critics, another one for the generator."""
    objective = LeastSquares()
    views: dict[str, Callable[[Tensor], Tensor]] = {
        "image": lambda x: x,
        "patch": lambda x: x[..., 4:12, 4:12].mean(1, keepdim=True),
    }
    critic_weights, generator_weights = {"image": 3.0, "patch": 1.0}, {"image": 2.0, "patch": 5.0}
    batch_norm = {k: v.clone() for k, v in generator.state_dict().items()}
    with torch.no_grad():
        fake = generator(data.photo)
    generator.load_state_dict(batch_norm)  # the engine's one forward pass updates the running statistics once
    for name, net in nets.items():
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        real, faked = net(views[name](data.cartoon)), net(views[name](fake))
        (critic_weights[name] * (objective.real(real) + objective.fake(faked))).backward()
        optimizer.step()
    optimizer = torch.optim.SGD(generator.parameters(), 0.1)
    fake = generator(data.photo)
    total = 1.5 * F.l1_loss(features(fake), features(data.photo))
    for name, net in nets.items():
        total = total + generator_weights[name] * objective.generator(net(views[name](fake)))
    total.backward()
    optimizer.step()


def test_a_step_equals_the_two_forward_reference() -> None:
    """In float64, where nothing but a different formula could make a difference."""
    gan, stage = make()
    generator, nets, features = networks()
    for module in (gan.generator, gan.features, *(c.net for c in stage.critics), generator, features, *nets.values()):
        assert module is not None
        module.double()
    data = Batch(batch().photo.double(), batch().cartoon.double())
    for _ in range(3):
        gan.step(stage, data, 0)
        for net in (generator, *nets.values()):
            net.zero_grad()
        reference_step(generator, nets, features, data)
    pairs = [(gan.generator, generator), *((gan.critics[name].net, net) for name, net in nets.items())]
    for ours, theirs in pairs:
        for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13, msg=lambda text, name=name: f"{name}: {text}")


def test_generator_and_features_run_once_per_image() -> None:
    gan, stage = make()
    calls: dict[str, int] = {"generator": 0, "features": 0}
    for name, module in (("generator", gan.generator), ("features", gan.features)):
        assert module is not None
        module.register_forward_hook(lambda *_, name=name: calls.__setitem__(name, calls[name] + 1))
    double = replace(stage, losses={"content": (1.0, content), "again": (1.0, content)})
    gan.step(double, batch(), 0)
    assert calls == {"generator": 1, "features": 2}  # the fake's features and the photo's


def test_the_generators_pass_leaves_no_gradient_in_the_critics() -> None:
    gan, stage = make()
    gan.step(stage, batch(), 0)
    before = {n: [p.grad.clone() for p in c.net.parameters() if p.grad is not None] for n, c in gan.critics.items()}
    streams = gan.streams(batch())
    views = {critic.name: gan.view(critic, streams, 0) for critic in stage.critics}
    gan.update_generator(stage, streams, views, 0, {})
    for name, critic in gan.critics.items():
        after = [p.grad for p in critic.net.parameters()]
        assert all(p.requires_grad for p in critic.net.parameters())
        assert all(torch.equal(a, b) for a, b in zip(before[name], after, strict=True) if b is not None)


@pytest.mark.parametrize("first", [False, True])
def test_the_order_of_the_updates(first: bool) -> None:
    gan, stage = make(generator_first=first)
    moved = []

    @dataclass
    class Recording(OptimizerState):
        name: str = field(default="")

        def update(self, loss: Tensor, distributed: DistributedContext) -> None:
            moved.append(self.name)
            super().update(loss, distributed)

    stage = replace(
        stage,
        generator_state=Recording(stage.generator_state.optimizer, name="generator"),
        critic_states={n: Recording(t.optimizer, name=n) for n, t in stage.critic_states.items()},
    )
    gan.step(stage, batch(), 0)
    assert moved == (["generator", "image", "patch"] if first else ["image", "patch", "generator"])


def test_generator_every_leaves_the_generator_alone_in_between() -> None:
    gan, stage = make(generator_every=3)
    moves = []
    for number in range(6):
        before = [p.clone() for p in gan.generator.parameters()]
        scalars = gan.step(stage, batch(), number)
        moved = any(not torch.equal(a, b) for a, b in zip(before, gan.generator.parameters(), strict=True))
        assert moved == ("generator/total" in scalars)
        moves.append(moved)
    assert moves == [False, False, True, False, False, True]


def test_scalars_are_unweighted_terms_and_weighted_totals() -> None:
    gan, stage = make()
    s = gan.step(stage, batch(), 0)
    expected = (
        2 * s["generator/adversarial/image"] + 5 * s["generator/adversarial/patch"] + 1.5 * s["generator/content"]
    )
    torch.testing.assert_close(s["generator/total"], expected)
    torch.testing.assert_close(s["critic/image/total"], 3 * s["critic/image/adversarial"])


def test_a_critics_further_loss_joins_its_total() -> None:
    gan, stage = make()

    def mean_logit(critic: Any, views: Views, logits: Logits) -> Tensor:
        assert not views.fake.requires_grad
        return logits.real.mean() * 0 + 2.0

    critic = replace(stage.critics[0], losses={"extra": (0.5, mean_logit)})
    scalars = gan.step(replace(stage, critics=(critic,)), batch(), 0)
    torch.testing.assert_close(scalars["critic/image/total"], 3 * (scalars["critic/image/adversarial"] + 1.0))


def test_bf16_runs_networks_in_bf16_and_losses_in_float32() -> None:
    gan, stage = make(autocast=torch.bfloat16)
    seen = []
    gan.critics["image"].net.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    scalars = gan.step(stage, batch(), 0)
    assert set(seen) == {torch.bfloat16}
    assert {value.dtype for value in scalars.values()} == {torch.float32}
    exact = make()[0].step(make()[1], batch(), 0)
    torch.testing.assert_close(
        scalars["critic/image/adversarial"], exact["critic/image/adversarial"], rtol=0.05, atol=0.05
    )


def test_each_layer_of_features_leaves_the_run_s_precision() -> None:
    gan, _ = make(autocast=torch.bfloat16)
    net = gan.features
    assert net is not None
    halves = replace(gan, compiled={net: lambda images: (net(images), net(images[..., ::2, ::2]))})
    seen: list[torch.dtype] = []
    net.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    assert {layer.dtype for layer in halves.extract(batch().photo)} == {torch.float32}
    assert seen == [torch.bfloat16] * 2


def test_further_losses_ask_the_critic_in_the_run_s_precision() -> None:
    gan, stage = make(autocast=torch.bfloat16)
    seen: list[torch.dtype] = []

    def of_gray(critic: Any, views: Views, logits: Logits) -> Tensor:
        critic.net.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
        answer: Tensor = critic.logits(views.real.mean(1, keepdim=True).expand_as(views.real))
        assert answer.dtype == torch.float32
        return critic.objective.fake(answer)

    critic = replace(stage.critics[0], losses={"gray": (1.0, of_gray)})
    views = {"image": Views(batch().cartoon, batch().photo)}
    gan.update_critics(replace(stage, critics=(critic,)), gan.streams(batch()), views, 0, scalars := {})
    assert seen == [torch.bfloat16]
    assert scalars["critic/image/gray"].isfinite()


def test_features_without_a_section_say_what_to_add() -> None:
    gan, stage = make()
    with pytest.raises(PartError, match="a loss asks for them; add a section"):
        replace(gan, features=None).step(stage, batch(), 0)


def test_features_of_images_that_need_no_gradient_carry_no_graph() -> None:
    layer = nn.Conv2d(3, 2, 1).requires_grad_(False)
    features = Features(layer)
    photo, fake = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4, requires_grad=True)
    assert not features(photo).requires_grad
    assert features(fake).requires_grad
    assert features(fake) is features(fake)


# -- samplers that ask


def context_of(gan: GAN, critic: Critic, number: int = 0) -> Context:
    """The context that a critic's sampler gets."""
    found = []

    def sampler(views: Views) -> Views:
        found.append(views.context)
        return views

    gan.view(replace(critic, sampler=sampler), gan.streams(batch(), fake=batch().photo), number)
    return found[0]


def test_a_sampler_gets_the_critics_scores_through_its_representation() -> None:
    gan, _ = make()
    critic = gan.critics["patch"]
    images = Views(batch().cartoon.requires_grad_(), batch().photo)
    logits = context_of(gan, critic).score_patches(images)
    critic.net.eval()
    assert torch.equal(logits.real, critic.net(images.real.mean(1, keepdim=True)))
    assert torch.equal(logits.fake, critic.net(images.fake.mean(1, keepdim=True)))
    assert not logits.real.requires_grad


def test_asking_changes_nothing() -> None:
    """Spectral norm in torch's form and in ours, batch norm, and a part that is never in training."""
    gan, _ = make()
    with seeded(0, "net"):
        ours = with_spectral_norm(nn.Conv2d(1, 4, 3))
        net = nn.Sequential(
            ours, nn.BatchNorm2d(4), spectral_norm(nn.Conv2d(4, 4, 3)), nn.Dropout(0.5), nn.Conv2d(4, 1, 1)
        )
    net[4].eval()
    critic = replace(gan.critics["patch"], net=net)
    state, modes = {k: v.clone() for k, v in net.state_dict().items()}, [m.training for m in net.modules()]
    before = torch.random.get_rng_state()
    context = context_of(gan, critic)
    logits = [context.score_patches(Views(batch().cartoon, batch().photo)) for _ in range(2)]
    assert torch.equal(logits[0].fake, logits[1].fake)
    assert [m.training for m in net.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())


def test_modes_come_back_after_an_error() -> None:
    gan, _ = make()
    net = gan.critics["patch"].net
    with pytest.raises(RuntimeError, match="channels"):
        context_of(gan, replace(gan.critics["patch"], representation=None)).score_patches(
            Views(batch().cartoon, batch().photo)
        )
    assert all(module.training for module in net.modules())


def test_asking_leaves_the_draws_of_the_view_as_they_are() -> None:
    gan, _ = make()

    def noisy(views: Views) -> Views:
        assert views.context is not None
        draws.append(torch.rand(1, generator=views.context.rng).item())
        return gray(views)

    critic = replace(gan.critics["patch"], representation=noisy)
    draws: list[float] = []
    for number, times in ((0, 0), (0, 2), (1, 1)):

        def sampler(views: Views, times: int = times) -> Views:
            assert views.context is not None
            for _ in range(times):
                views.context.score_patches(views)
            return views

        gan.view(replace(critic, sampler=sampler), gan.streams(batch(), fake=batch().photo), number)
    alone, first, again, after, other_step, _ = draws
    assert alone == after
    assert first == again != alone
    assert other_step != first


def test_asking_is_in_the_run_s_precision_and_uncompiled() -> None:
    gan, _ = make(autocast=torch.bfloat16)
    net = gan.critics["patch"].net
    seen: list[torch.dtype] = []
    net.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))

    def never(images: Tensor) -> Tensor:
        raise AssertionError("compiled for the shapes of a step, which candidates do not have")

    context = context_of(replace(gan, compiled={net: never}), gan.critics["patch"])
    assert context.score_patches(Views(batch().cartoon, batch().photo)).real.dtype == torch.float32
    assert seen == [torch.bfloat16] * 2
