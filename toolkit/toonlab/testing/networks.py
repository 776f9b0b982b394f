"""Tests of networks: discriminators, generators and features."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from . import inputs
from .frame import (
    PartTests,
    expect,
    finite,
    gpu,
    independent_of_global_seeds,
    no_global_draws,
    print_cost,
    refused,
    skip,
    traced,
    tried,
    unchanged,
)

_SIDES_TRIED = (4, 8, 12, 16, 24, 32, 48, 64)


class NetworkTests(PartTests):
    """Tests of an `nn.Module` that takes images."""

    def network(self, **changes: Any) -> nn.Module:
        __tracebackhide__ = True
        made = self.make(**changes)
        expect(isinstance(made, nn.Module), f"{self.name} makes a {type(made).__name__}, expected a torch.nn.Module")
        return made

    def images(self, count: int = 2, height: int = inputs.SIZE, width: int = inputs.SIZE) -> Tensor:
        return inputs.photos(count, height, width)

    def run(self, net: nn.Module, images: Tensor) -> Tensor:
        __tracebackhide__ = True
        output = tried(f"{self.name} fails on {tuple(images.shape)} images", net, images)
        expect(isinstance(output, Tensor), f"{self.name} returns a {type(output).__name__}, expected one tensor")
        return output

    def test_gradients_reach_the_images_and_are_finite(self) -> None:
        images = self.images().requires_grad_()
        output = self.run(self.network(), images)
        expect(output.requires_grad, f"{self.name}: no gradient flows from its output to its input")
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
        (output * weights).sum().backward()  # type: ignore[no-untyped-call]
        expect(
            images.grad is not None and images.grad.abs().sum() > 0,
            f"{self.name}: the gradient at its input is 0; it must depend on the images by something that has a "
            "gradient",
        )
        assert images.grad is not None
        finite(self.name, images.grad, "the gradient at its input", "guard roots, divisions and logarithms near 0")

    def test_constant_images_give_finite_values(self) -> None:
        net = self.network()
        for value in (-1.0, 0.0, 1.0):
            output = self.run(net, torch.full_like(self.images(), value))
            finite(
                self.name, output, f"its output for images of {value:g}", "add a small number below roots and divisions"
            )

    def test_images_that_are_not_square(self) -> None:
        for height, width in ((32, 64), (64, 32)):
            self.run(self.network(), self.images(2, height, width))

    def test_a_batch_of_one(self) -> None:
        self.run(self.network(), self.images(1))

    def test_sizes_that_do_not_fit_are_refused_with_advice(self) -> None:
        net, works = self.network(), []
        for size in _SIDES_TRIED:
            advice = (
                f"{self.name} fails on images of {size}x{size} with another error than PartError; check the sides first"
            )
            text = tried(advice, refused, net, self.images(2, size, size))
            if text is None:
                works.append(size)
            else:
                clear = "\n" not in text.strip() and any(character.isdigit() for character in text)
                expect(clear, f"{self.name}: what it says of {size}x{size} images is {text!r}; say in a line what fits")
        expect(works, f"{self.name} takes no image of up to 64x64")

    def test_bfloat16_under_autocast(self) -> None:
        net, images = self.network().eval(), self.images()
        with torch.no_grad():
            plain = self.run(net, images)
            with torch.autocast("cpu", torch.bfloat16):
                half = tried(f"{self.name} fails under autocast to bfloat16", lambda: net(images))
        scale = plain.abs().mean().clamp_min(1e-3)
        off = float((half.float() - plain).abs().mean() / scale)
        expect(
            off < 0.2,
            f"{self.name}: under autocast to bfloat16 its output is off by {100 * off:.0f} %; do sums, normalisation "
            "and squashing in float32 (x.float())",
        )

    def test_only_building_draws_from_the_global_generator(self) -> None:
        """The engine seeds it while parts are built, and not while they run."""
        net, instead = self.network().eval(), "a generator of its own, in eval mode"
        with no_global_draws(self.name, instead):
            self.run(net, self.images())
        independent_of_global_seeds(self.name, lambda: [self.run(net, self.images())], instead)

    def test_the_same_seed_gives_the_same_weights(self) -> None:
        one, other = self.network().state_dict(), self.network().state_dict()
        wrong = [key for key in one if not torch.equal(one[key], other[key])]
        expect(
            not wrong,
            f"{self.name}: {len(wrong)} of {len(one)} tensors, such as {wrong[:1]}, differ though torch's generator "
            "was seeded alike; initialise with torch.nn.init or torch.randn, without a generator of another kind",
        )

    def test_the_input_is_left_as_it_is(self) -> None:
        images = self.images()
        before = images.clone()
        self.run(self.network(), images)
        unchanged(self.name, {"images": before}, {"images": images})

    def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_happened(self) -> None:
        net, images = self.network(), self.images()
        self.run(net, images)  # buffers move in train mode
        file = io.BytesIO()
        torch.save(net.state_dict(), file)
        file.seek(0)
        new = self.network(**self._otherwise())
        state = torch.load(file, weights_only=True)
        tried(f"{self.name}: its state_dict can't be loaded again", lambda: new.load_state_dict(state))
        with torch.no_grad():
            same = torch.equal(self.run(net.eval(), images), self.run(new.eval(), images))
        expect(
            same,
            f"{self.name}: with its state_dict loaded it computes something else; register tensors that matter as "
            "parameters or buffers",
        )

    def _otherwise(self) -> Mapping[str, Any]:
        return {}

    def test_the_cpu_and_the_gpu_agree(self) -> None:
        device, net, images = gpu(), self.network().eval(), self.images()
        with torch.no_grad():
            here = self.run(net, images)
            there = tried(
                f"{self.name} fails on a GPU; make tensors on the images' device, or register them as buffers",
                lambda: net.to(device)(images.to(device)),
            )
        off = float((there.cpu() - here).abs().max() / here.abs().max().clamp_min(1e-6))
        expect(off < 1e-2, f"{self.name}: on the GPU its output differs by {100 * off:.1f} % of the largest value")

    def test_it_works_under_torch_compile_or_says_that_it_does_not(self) -> None:
        net, images = self.network().eval(), self.images()
        compiled = traced(self.name, net, net)
        text = f"{self.name} fails under torch.compile; mend it, or say so by a class attribute `compiles = False`"
        with torch.no_grad():
            seen, plain = tried(text, lambda: compiled(images)), self.run(net, images)
        off = float((seen - plain).abs().max())
        expect(
            off < 1e-3 * max(1.0, float(plain.abs().max())), f"{self.name}: differs by {off:.2g} under torch.compile"
        )

    def test_cost(self) -> None:
        net = self.network().eval()
        count = sum(parameter.numel() for parameter in net.parameters())
        with torch.no_grad():
            size = inputs.SIZE if refused(net, self.images(1, 256, 256)) else 256
            images = self.images(1, size, size)
            what = f"an image of {size}x{size}, forwards"
            print_cost(f"{self.name}, {count:,} parameters", lambda: net(images), what)


def _learns(name: str, net: nn.Module, output: Tensor) -> None:
    __tracebackhide__ = True
    learning = {key: parameter for key, parameter in net.named_parameters() if parameter.requires_grad}
    expect(learning, f"{name} has no parameters to train")
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
    (output * weights).sum().backward()  # type: ignore[no-untyped-call]
    idle = [key for key, parameter in learning.items() if parameter.grad is None]
    expect(
        not idle,
        f"{name}: {len(idle)} of {len(learning)} parameters get no gradient, such as {idle[:1]}; use them in forward, "
        "or register them with requires_grad=False (several processes wait for every gradient)",
    )


class DiscriminatorTests(NetworkTests):
    """`class TestMyDiscriminator(DiscriminatorTests): factory = MyDiscriminator`."""

    kind = "discriminators"
    channels = 3

    def injected(self) -> Mapping[str, Any]:
        return {"in_channels": self.channels}

    def test_views_of_any_number_of_channels(self) -> None:
        """Representations make one channel, three, or others."""
        for channels in (1, 3, 4):
            net = self.network(in_channels=channels)
            view = inputs.photos(2)[:, :1].expand(-1, channels, -1, -1)
            tried(f"{self.name}: made with in_channels={channels}, it does not take such views", net, view)

    def test_images_that_are_not_square(self) -> None:
        if text := refused(self.network(), self.images(2, 32, 64)):
            skip(f"it says that it does not take them: {text}")
        super().test_images_that_are_not_square()

    def test_logits_have_the_batch_first_and_no_bound(self) -> None:
        net = self.network()
        logits = self.run(net, self.images(3))
        expect(
            logits.ndim >= 1 and len(logits) == 3 and logits.is_floating_point(),
            f"{self.name}: logits of 3 views are {tuple(logits.shape)} {logits.dtype}; expected float with the batch "
            "first",
        )
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(30)
            large = self.run(net, self.images(3))
        squashed = large.min() >= 0 and large.max() <= 1
        expect(not squashed, f"{self.name} ends with a sigmoid, it seems: objectives expect raw logits; leave it out")

    def test_every_parameter_learns(self) -> None:
        net = self.network()
        _learns(self.name, net, self.run(net, self.images()))


class GeneratorTests(NetworkTests):
    """`class TestMyGenerator(GeneratorTests): factory = MyGenerator`, with `parameters` that make it small."""

    kind = "generators"

    def test_fakes_have_the_photos_size_and_three_channels(self) -> None:
        net = self.network()
        for height, width in ((64, 64), (32, 64)):
            photo = self.images(2, height, width)
            fake = self.run(net, photo)
            expect(
                fake.shape == photo.shape,
                f"{self.name}: makes {tuple(fake.shape)} of {tuple(photo.shape)}; fakes have their photo's size",
            )

    def test_fakes_lie_between_minus_one_and_one(self) -> None:
        net = self.network()
        if getattr(net, "bounded", True) is False:
            skip("it says that its output has no bounds (`bounded = False`): evaluation clamps it")
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(3)
            fake = self.run(net, self.images())
        least, most = float(fake.min()), float(fake.max())
        expect(
            least >= -1.001 and most <= 1.001,
            f"{self.name}: fakes have values from {least:.3g} to {most:.3g} once its weights are three times as "
            "large; end with torch.tanh, say, or state `bounded = False` if they may leave the range in training",
        )

    def test_side_multiple_says_which_sides_fit(self) -> None:
        net = self.network().eval()
        multiple = int(getattr(net, "side_multiple", 1))
        for side in range(4 * (-(-33 // multiple)), 4 * (-(-33 // multiple)) + 2 * multiple, multiple):
            side = -(-side // multiple) * multiple
            text = refused(net, self.images(1, side, side + multiple))
            expect(
                text is None,
                f"{self.name}: side_multiple = {multiple}, but {side}x{side + multiple} is refused ({text}); photos "
                "are padded to multiples of `side_multiple` alone",
            )
        odd = self.images(1, 37, 41)
        from toonlab.engine.evaluator import cartoonize

        fake = tried(
            f"{self.name}: a photo of 37x41, padded to multiples of side_multiple = {multiple}, fails; set the class "
            "attribute `side_multiple` to what sides have to be multiples of",
            lambda: cartoonize(net, odd),
        )
        expect(fake.shape == odd.shape, f"{self.name}: a photo of 37x41 becomes {tuple(fake.shape[2:])}")

    def test_a_photo_by_itself_becomes_what_it_becomes_among_others(self) -> None:
        net, photos = self.network().eval(), self.images(2)
        with torch.no_grad():
            together, alone = self.run(net, photos)[:1], self.run(net, photos[:1])
        off = float((together - alone).abs().max())
        expect(
            off < 1e-3,
            f"{self.name}: in eval mode a fake depends on the other photos of its batch (by {off:.2g}); normalise "
            "over single images, or with running statistics",
        )

    def test_a_moving_average_of_it_can_be_kept(self) -> None:
        """`train.ema` averages the weights of a copy."""
        net = self.network()
        self.run(net, self.images())
        advice = "keep no tensor that has a graph, no lambda and no open file in the network"
        ema = tried(f"{self.name} can't be copied once it has run (copy.deepcopy); {advice}", AveragedModel, net)
        ema.update_parameters(net)
        with torch.no_grad():
            same = torch.equal(self.run(ema.module.eval(), self.images()), self.run(net.eval(), self.images()))
        expect(
            same,
            f"{self.name}: its copy computes something else; register tensors that matter as parameters or buffers",
        )

    def test_weights_can_be_kept_as_safetensors(self) -> None:
        net = self.network()
        tensors = {key: tensor.detach().clone().contiguous() for key, tensor in net.state_dict().items()}
        new = self.network()
        content = tried(f"{self.name}: its weights can't be kept", lambda: save_tensors(tensors))
        tried(f"{self.name}: its weights can't be loaded", lambda: new.load_state_dict(load_tensors(content)))

    def test_every_parameter_learns(self) -> None:
        net = self.network()
        if not any(parameter.requires_grad for parameter in net.parameters()):
            skip("it has nothing to learn: an effect that is measured as it is")
        _learns(self.name, net, self.run(net, self.images()))

    def test_gradients_reach_the_images_and_are_finite(self) -> None:
        if not any(parameter.requires_grad for parameter in self.network().parameters()):
            skip("it has nothing to learn, so nothing flows through it")
        super().test_gradients_reach_the_images_and_are_finite()


class FeaturesTests(NetworkTests):
    """`class TestMyFeatures(FeaturesTests): factory = MyFeatures`."""

    kind = "features"

    def test_features_are_maps_with_the_batch_first(self) -> None:
        output = self.run(self.network(), self.images(2))
        expect(
            output.ndim == 4 and len(output) == 2 and output.is_floating_point(),
            f"{self.name}: features of 2 images are {tuple(output.shape)} {output.dtype}; expected (2, C, h, w) float",
        )

    def test_they_are_fixed(self) -> None:
        learning = [key for key, parameter in self.network().named_parameters() if parameter.requires_grad]
        expect(
            not learning,
            f"{self.name}: {len(learning)} parameters would learn, such as {learning[:1]}; call "
            "self.requires_grad_(False)",
        )

    def test_they_are_the_same_whatever_the_seed(self) -> None:
        """Features are a part of the method, equal in all its runs."""
        one = self.network().state_dict()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            other = self.build(**self.parameters).state_dict()
        wrong = [key for key in one if not torch.equal(one[key], other[key])]
        expect(
            not wrong,
            f"{self.name}: {wrong[:1]} differ with torch's seed, so every run would have other features; make them "
            "with a generator of their own, torch.Generator().manual_seed(seed)",
        )

    def test_train_mode_and_eval_mode_agree(self) -> None:
        net, images = self.network(), self.images()
        with torch.no_grad():
            same = torch.equal(self.run(net.train(), images), self.run(net.eval(), images))
        expect(
            same, f"{self.name}: features differ between train and eval mode; leave out dropout and batch statistics"
        )
