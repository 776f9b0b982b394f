"""Tests of networks: discriminators, generators and features."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from toonlab.registry.protocols import Encoder
from toonlab.types import Features
from toonlab.utils.text import with_article

from . import inputs
from .assertions import backward, globally_seeded, refused, skip
from .tensors import ImageTests


class NetworkTests(ImageTests):
    """Tests of an `nn.Module` that takes images."""

    lasting = "register tensors that matter as parameters or buffers"
    on_a_gpu = "make tensors on the images' device, or register them as buffers"
    tolerance = 1e-2
    oblong = ((32, 64), (64, 32))
    sides = (4, 8, 12, 16, 24, 32, 48, 64)

    def make(self, **changes: Any) -> nn.Module:
        __tracebackhide__ = True
        made = super().make(**changes)
        self.expect(
            isinstance(made, nn.Module), f"makes {with_article(type(made).__name__)}, expected a torch.nn.Module"
        )
        return made

    def ready(self) -> nn.Module:
        return self.make().eval()

    def given(self, step: int = 0, device: torch.device = inputs.CPU, **sizes: int) -> Tensor:
        return inputs.photos(**sizes, seed=step).to(device)

    def outputs(self, part: nn.Module, given: Tensor) -> Mapping[str, Tensor]:
        output = part(given)
        self.expect(isinstance(output, Tensor), f"returns {with_article(type(output).__name__)}, expected one tensor")
        return {"outputs": output}

    def run(self, net: nn.Module, images: Tensor) -> Tensor:
        __tracebackhide__ = True
        return self.tried(f"fails on {tuple(images.shape)} images", self.outputs, net, images)["outputs"]

    def _used(self, part: nn.Module, step: int) -> Sequence[Tensor]:
        """Buffers move in train mode, and are used in eval mode."""
        with globally_seeded(0), torch.no_grad():
            self.run(part.train(), self.given(step=step))
            return [self.run(part.eval(), self.given(step=step))]

    def test_gradients_reach_the_images_and_are_finite(self) -> None:
        images = self.given().requires_grad_()
        self.gradient(self.run(self.make(), images), images, "from its output to its input", "its input")

    def test_constant_images_give_finite_values(self) -> None:
        net = self.make()
        for value in (-1.0, 0.0, 1.0):
            output = self.run(net, torch.full_like(self.given(), value))
            self.finite(output, f"its output for images of {value:g}", "add a small number below roots and divisions")

    def test_sizes_that_do_not_fit_are_refused_with_advice(self) -> None:
        self.sides_that_fit()

    def test_bfloat16_under_autocast(self) -> None:
        net, images = self.ready(), self.given()
        with torch.no_grad():
            plain = self.run(net, images)
            with torch.autocast("cpu", torch.bfloat16):
                half = self.tried("fails under autocast to bfloat16", self.outputs, net, images)["outputs"]
        off = float((half.float() - plain).abs().mean() / plain.abs().mean().clamp_min(1e-3))
        text = (
            f"under autocast to bfloat16 its output is off by {100 * off:.0f} %; do sums, normalisation and squashing"
        )
        self.expect(off < 0.2, f"{text} in float32 (x.float())")

    def test_only_building_draws_from_the_global_generator(self) -> None:
        """The engine seeds it while parts are built, and not while they run."""
        net = self.ready()
        self.draws_only_from("a generator of its own, in eval mode", lambda: [self.run(net, self.given())])

    def test_the_same_seed_gives_the_same_weights(self) -> None:
        wrong = _differing(self.make(), self.make())
        text = (
            f"{len(wrong)} tensors, such as {wrong[:1]}, differ though torch's generator was seeded alike; initialise"
        )
        self.expect(not wrong, f"{text} with torch.nn.init or torch.randn, without a generator of another kind")

    def test_cost(self) -> None:
        net = self.ready()
        count = sum(parameter.numel() for parameter in net.parameters())
        with torch.no_grad():
            size = inputs.SIZE if refused(net, self.given(count=1, height=256, width=256)) else 256
            images = self.given(count=1, height=size, width=size)
            self.print_cost(lambda: net(images), f"an image of {size}x{size}, forwards, by {count:,} parameters")

    def every_parameter_learns(self) -> None:
        __tracebackhide__ = True
        net = self.make()
        learning = {key: parameter for key, parameter in net.named_parameters() if parameter.requires_grad}
        self.expect(learning, "has no parameters to train")
        backward(self.run(net, self.given()))
        idle = [key for key, parameter in learning.items() if parameter.grad is None]
        text = f"{len(idle)} of {len(learning)} parameters get no gradient, such as {idle[:1]}; use them in forward, or"
        advice = "register them with requires_grad=False (several processes wait for every gradient)"
        self.expect(not idle, f"{text} {advice}")


class DiscriminatorTests(NetworkTests):
    """`class TestMyDiscriminator(DiscriminatorTests): factory = MyDiscriminator`."""

    kind = "discriminators"
    channels = 3

    def injected(self) -> Mapping[str, Any]:
        return {"in_channels": self.channels}

    def test_views_of_any_number_of_channels(self) -> None:
        """Representations make one channel, three, or others."""
        for channels in (1, 3, 4):
            view = inputs.photos(2)[:, :1].expand(-1, channels, -1, -1)
            text = f"made with in_channels={channels}, it does not take such views"
            self.tried(text, self.make(in_channels=channels), view)

    def test_images_that_are_not_square(self) -> None:
        if text := refused(self.make(), self.given(count=2, height=32, width=64)):
            skip(f"it says that it does not take them: {text}")
        super().test_images_that_are_not_square()

    def test_logits_have_the_batch_first_and_no_bound(self) -> None:
        net = self.make()
        logits = self.run(net, self.given(count=3))
        self.expect(
            logits.ndim >= 1 and len(logits) == 3 and logits.is_floating_point(),
            f"logits of 3 views are {tuple(logits.shape)} {logits.dtype}; expected float with the batch first",
        )
        large = self.run(_scaled(net, 30), self.given(count=3))
        squashed = large.min() >= 0 and large.max() <= 1
        self.expect(not squashed, "ends with a sigmoid, it seems: objectives expect raw logits; leave it out")

    def test_every_parameter_learns(self) -> None:
        self.every_parameter_learns()


class GeneratorTests(NetworkTests):
    """`class TestMyGenerator(GeneratorTests): factory = MyGenerator`, with `parameters` that make it small."""

    kind = "generators"

    def test_fakes_have_the_photos_size_and_three_channels(self) -> None:
        net = self.make()
        for height, width in ((64, 64), (32, 64)):
            photo = self.given(count=2, height=height, width=width)
            fake = self.run(net, photo)
            text = f"makes {tuple(fake.shape)} of {tuple(photo.shape)}; fakes have their photo's size"
            self.expect(fake.shape == photo.shape, text)

    def test_fakes_lie_between_minus_one_and_one(self) -> None:
        net = self.make()
        if getattr(net, "bounded", True) is False:
            skip("it says that its output has no bounds (`bounded = False`): evaluation clamps it")
        fake = self.run(_scaled(net, 3), self.given()).detach()
        least, most = float(fake.min()), float(fake.max())
        self.expect(
            least >= -1.001 and most <= 1.001,
            f"fakes have values from {least:.3g} to {most:.3g} once its weights are three times as large; end with "
            "torch.tanh, say, or state `bounded = False` if they may leave the range in training",
        )

    def test_side_multiple_says_which_sides_fit(self) -> None:
        from toonlab.engine.evaluator import cartoonize

        net = self.ready()
        multiple = int(getattr(net, "side_multiple", 1))
        first = -(-33 // multiple) * multiple
        for side in (first, first + multiple):
            size = f"{side + multiple}x{side}"
            told = refused(net, self.given(count=1, height=side, width=side + multiple))
            text = f"side_multiple = {multiple}, but {size} is refused ({told}); photos are padded to multiples of"
            self.expect(told is None, f"{text} `side_multiple` alone")
        odd = self.given(count=1, height=37, width=41)
        text = (
            f"a photo of 41x37, padded to multiples of side_multiple = {multiple}, fails; set the class attribute "
            "`side_multiple` to what sides have to be multiples of"
        )
        fake = self.tried(text, cartoonize, net, odd)
        self.expect(fake.shape == odd.shape, f"a photo of 41x37 becomes {fake.shape[3]}x{fake.shape[2]}")
        for height, width in ((1, 1), (90, 2)):
            text = f"a photo of {width}x{height} fails; set the class attribute `side_minimum` to the smallest side"
            self.tried(text, cartoonize, net, self.given(count=1, height=height, width=width))

    def test_a_photo_by_itself_becomes_what_it_becomes_among_others(self) -> None:
        net, photos = self.ready(), self.given(count=2)
        with torch.no_grad():
            off = float((self.run(net, photos)[:1] - self.run(net, photos[:1])).abs().max())
        text = f"in eval mode a fake depends on the other photos of its batch (by {off:.2g}); normalise over single"
        self.expect(off < 1e-3, f"{text} images, or with running statistics")

    def test_features_that_it_offers_are_maps_of_the_images(self) -> None:
        """`encode(images, layers)`, for losses; layer 0 is the images, and layer 1 the first features."""
        net, photos = self.make(), self.given(count=2).requires_grad_()
        if not isinstance(net, Encoder):
            skip("it offers no features: it has no encode(images, layers)")
        found = self.tried("encode(images, [1, 0]) fails", net.encode, photos, [1, 0])
        self.expect(
            len(found) == 2, f"encode gives {len(found)} tensors for 2 layers; give one for each, in their order"
        )
        first, images = found
        self.expect(images.shape[1:2] == (3,), f"its layer 0 has {images.shape[1]} channels; it is the images")
        self.expect(
            first.ndim == 4 and len(first) == 2 and first.is_floating_point(),
            f"its layer 1 of 2 images is {tuple(first.shape)} {first.dtype}; expected (2, C, h, w) float",
        )
        self.gradient(first, photos, "from its layer 1 to the images", "the images")
        told = refused(net.encode, photos, [1000])
        self.expect(told is not None, "encode takes layer 1000, which is not there; raise toonlab.PartError")

    def test_a_moving_average_of_it_can_be_kept(self) -> None:
        """`train.ema` averages the weights of a copy."""
        net, photos = self.make(), self.given()
        self.run(net, photos)
        advice = "keep no tensor that has a graph, no lambda and no open file in the network"
        ema = self.tried(f"can't be copied once it has run (copy.deepcopy); {advice}", AveragedModel, net)
        ema.update_parameters(net)
        with torch.no_grad():
            same = torch.equal(self.run(ema.module.eval(), photos), self.run(net.eval(), photos))
        self.expect(same, f"its copy computes something else; {self.lasting}")

    def test_weights_can_be_kept_as_safetensors(self) -> None:
        tensors = {key: tensor.detach().clone().contiguous() for key, tensor in self.make().state_dict().items()}
        content = self.tried("its weights can't be kept", save_tensors, tensors)
        self.tried("its weights can't be loaded", self.make().load_state_dict, load_tensors(content))

    def test_every_parameter_learns(self) -> None:
        self._skip_if_fixed()
        self.every_parameter_learns()

    def test_gradients_reach_the_images_and_are_finite(self) -> None:
        self._skip_if_fixed()
        super().test_gradients_reach_the_images_and_are_finite()

    def _skip_if_fixed(self) -> None:
        if not any(parameter.requires_grad for parameter in self.make().parameters()):
            skip("it has nothing to learn: an effect that is measured as it is")


class FeaturesTests(NetworkTests):
    """`class TestMyFeatures(FeaturesTests): factory = MyFeatures`."""

    kind = "features"

    def outputs(self, part: nn.Module, given: Tensor) -> Mapping[str, Tensor]:
        """Several layers as one tensor."""
        layers = part(given)
        text = f"returns {with_article(type(layers).__name__)}, expected one tensor, or a tuple of a tensor a layer"
        self.expect(isinstance(layers, Tensor) or (isinstance(layers, tuple) and layers), text)
        joined = layers if isinstance(layers, Tensor) else torch.cat([layer.flatten(1) for layer in layers], dim=1)
        return {"outputs": joined}

    def test_features_are_maps_with_the_batch_first(self) -> None:
        for output in Features(self.make()).layers(self.given(count=2)):
            self.expect(
                output.ndim == 4 and len(output) == 2 and output.is_floating_point(),
                f"features of 2 images are {tuple(output.shape)} {output.dtype}; expected (2, C, h, w) float",
            )

    def test_they_are_fixed(self) -> None:
        learning = [key for key, parameter in self.make().named_parameters() if parameter.requires_grad]
        text = f"{len(learning)} parameters would learn, such as {learning[:1]}; call self.requires_grad_(False)"
        self.expect(not learning, text)

    def test_they_are_the_same_whatever_the_seed(self) -> None:
        """Features are a part of the method, equal in all its runs."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            wrong = _differing(self.make(), self.build(**self.parameters))
        text = f"{wrong[:1]} differ with torch's seed, so every run would have other features; make them with a"
        self.expect(not wrong, f"{text} generator of their own, torch.Generator().manual_seed(seed)")

    def test_train_mode_and_eval_mode_agree(self) -> None:
        net, images = self.make(), self.given()
        with torch.no_grad():
            same = torch.equal(self.run(net.train(), images), self.run(net.eval(), images))
        self.expect(same, "features differ between train and eval mode; leave out dropout and batch statistics")


def _differing(one: nn.Module, other: nn.Module) -> list[str]:
    state = other.state_dict()
    return [key for key, tensor in one.state_dict().items() if not torch.equal(tensor, state[key])]


@torch.no_grad()
def _scaled(net: nn.Module, factor: float) -> nn.Module:
    """With larger weights, in place."""
    for parameter in net.parameters():
        parameter.mul_(factor)
    return net
