"""Every part of the catalogue on a GPU that is not there: it computes there, and waits for nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from pretended import CUDA, Watch, move, pretended
from torch import Tensor, nn

from toonlab.engine.gan import CriticHandle
from toonlab.registry.catalogue import discover
from toonlab.testing.inputs import Critic
from toonlab.testing.losses import channels_at, encoded
from toonlab.types import Batch, Context, Features, Logits, Step, Views
from toonlab.utils.rng import rng
from toonlab_metrics import networks
from toonlab_metrics.frechet import RandomKID

KINDS = (
    *("samplers", "representations", "objectives", "discriminator_losses", "generator_losses"),
    *("features", "discriminators", "generators"),
)
# beside the defaults; not `mode: adaptive` of structure nor `exact` of edge_promoting, which are the CPU's by design
VARIANTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("discriminator_losses", "gradient_penalty"): [{"mode": "lp"}, {"mode": "dragan"}],
    ("features", "vgg16"): [{"weights": "random"}],
    ("features", "vgg19"): [{"weights": "random"}],
    ("generator_losses", "structure"): [{"coloring": "mixed"}],
    ("generators", "cartoongan"): [{"padding": "reflect", "affine": True}],
    ("generators", "unet"): [{"norm": "instance"}],
    ("generators", "whitebox_unet"): [{"guided_radius": 0}],
    ("representations", "grayscale"): [{"channels": 3}],
    ("samplers", "ctss"): [{"rank": "image"}, {"score": "max", "normalise": "image"}],
    ("samplers", "hard_patches"): [{"prefer": "hardest"}],
}
DRAWN = ("canny", "classic", "dots", "mean_shift", "superpixel")
NOT_ALONE = {("features", "vgg16"), ("features", "vgg19")}  # its defaults need a file
ELSEWHERE = {("generators", name): "drawn by OpenCV, on the CPU" for name in DRAWN} | {
    ("generators", "onnx"): "computed by onnxruntime",
    ("generators", "pictures"): "ready-made",
}
COUNT, SIDE, PATCH = 4, 256, 96
CATALOGUE = discover()


def cases() -> Iterator[Any]:
    for kind in KINDS:
        for name in CATALOGUE.names(kind):
            if (kind, name) not in ELSEWHERE:
                plain = [] if (kind, name) in NOT_ALONE else [{}]
                for given in (*plain, *VARIANTS.get((kind, name), [])):
                    yield pytest.param(kind, name, given, id=f"{kind}-{name}-{'-'.join(map(str, given.values()))}")


def images(*shape: int, grad: bool = False) -> Tensor:
    return torch.empty(*shape, device="cuda", requires_grad=grad)


class Walk:
    """What a part is called with; one method per kind, which returns what has to lie on the device."""

    def __init__(self, critic: nn.Module, features: nn.Module) -> None:
        self.photo, self.cartoon = images(COUNT, 3, SIDE, SIDE), images(COUNT, 3, SIDE, SIDE)
        self.fake = images(COUNT, 3, SIDE, SIDE, grad=True) * 0.9
        self.critic, self.extractor = critic, features
        self.context = Context(self.photo, critic, rng(0, "v"), 3, None, critic, lambda: rng(0, "a"), self.photo)

    def samplers(self, part: Callable[..., Views]) -> list[Tensor | None]:
        views = part(Views(self.cartoon, self.fake, context=self.context))
        views.fake.sum().backward()
        return [views.real, views.fake, views.real_boxes, views.fake_boxes, views.real_scores, views.fake_scores]

    def representations(self, part: Callable[..., Views]) -> list[Tensor | None]:
        real, fake = images(8, 3, PATCH, PATCH), images(8, 3, PATCH, PATCH, grad=True)
        boxes = torch.empty(8, 5, dtype=torch.int64, device="cuda")
        views = part(Views(real, fake, boxes, boxes, context=self.context))
        views.fake.sum().backward()
        return [views.real, views.fake]

    def objectives(self, part: Any) -> list[Tensor | None]:
        logits = Logits(images(COUNT, 1, 8, 8, grad=True), images(COUNT, 1, 8, 8, grad=True))
        total = part.critic(logits) + part.generator(logits.fake)
        total.backward()
        return [total]

    def discriminator_losses(self, part: Callable[..., Tensor]) -> list[Tensor | None]:
        views = Views(self.cartoon, self.fake.detach(), context=self.context)
        logits = Logits(self.critic(views.real), self.critic(views.fake))
        handle = CriticHandle("image", self.critic, CATALOGUE.make("objectives", "lsgan"), self.critic)
        loss = part(handle, views, logits)
        loss.backward()
        return [loss]

    def generator_losses(self, part: Callable[..., Tensor]) -> list[Tensor | None]:
        batch = Batch(self.photo, self.cartoon)
        loss = part(Step(batch, self.fake, {}, {}, Features(self.extractor), rng(0, "l"), encoder=encoded))
        loss.backward()
        return [loss]

    def networks(self, part: nn.Module) -> list[Tensor | None]:
        output = part(self.fake)
        layers: tuple[Tensor, ...] = output if isinstance(output, tuple) else (output,)
        if layers[0].requires_grad:
            sum(layer.sum() for layer in layers).backward()  # type: ignore[union-attr]
        return [*layers]

    features = discriminators = generators = networks


@pytest.mark.parametrize(("kind", "name", "given"), list(cases()))
def test_a_part_waits_for_nothing(kind: str, name: str, given: dict[str, Any]) -> None:
    offered = {"in_channels": 3, "channels_at": channels_at}
    factory = inspect.signature(CATALOGUE.get(kind, name).factory)
    further = {key: value for key, value in offered.items() if key in factory.parameters}
    part = CATALOGUE.make(kind, name, **given, **further)
    critic = CATALOGUE.make("discriminators", "ctss_image", in_channels=3, width=4) if "losses" in kind else Critic()
    features = CATALOGUE.make("features", "random", width=4, depth=2)
    with pretended():
        for module in (part, critic, features):
            if isinstance(module, nn.Module):
                move(module)
        for _ in range(2):  # the first time makes tables that are kept
            walk = Walk(critic, features)
            with Watch() as watch:
                found = getattr(walk, kind)(part)
            if not watch.waits:
                break
    assert {tensor.device for tensor in found if tensor is not None} == {CUDA}
    assert dict(watch.waits) == {}
    if not isinstance(part, nn.Module):
        assert [key for key, value in vars(part).items() if isinstance(value, Tensor)] == []


def test_networks_of_metrics_run_there() -> None:
    metric = RandomKID()
    networks._weights.cache_clear()
    with pretended():
        found = metric.extract(torch.empty(2, 3, 32, 32, dtype=torch.uint8, device="cuda"))
    networks._weights.cache_clear()
    assert found.device == CUDA


def test_every_part_is_walked_through() -> None:
    walked = {(case.values[0], case.values[1]) for case in cases()}
    offered = {(kind, name) for kind in KINDS for name in CATALOGUE.names(kind)}
    assert offered - walked == ELSEWHERE.keys() & offered
