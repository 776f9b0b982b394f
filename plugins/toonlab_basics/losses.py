"""Losses that several methods share, unweighted: of the generator, and penalties of the critic's gradient.

The penalties differentiate twice, in float32 at least and outside autocast: squares of small half-precision gradients
underflow. A map of logits is differentiated through its sum, as by `tf.gradients` in AnimeGAN's and CTSS's code, so the
right weight of a penalty depends on the size of the map.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat
from torch import Tensor, nn

from toonlab import CriticParts, Logits, PartError, Step, Stream, Views
from toonlab.ops.checks import generator_of
from toonlab.ops.filters import full_precision, rgb_to_yuv


@dataclass(frozen=True)
class Content:
    """L1 distance between the features of the fake and of its photo, which keeps the scene recognisable.

    Mean over all elements of a layer, then over layers. The content loss of Chen, Lai and Liu, "CartoonGAN", CVPR 2018;
    `con_loss` in the code of AnimeGAN and CTSS.

    Args:
        of: the stream of images that it teaches.
        to: the stream that they are compared with.
    """

    of: Stream = "fake"
    to: Stream = "photo"

    def __call__(self, step: Step) -> Tensor:
        return step.features.mean_over_layers(F.l1_loss, step.images(self.of), step.images(self.to))


@dataclass(frozen=True)
class Color:
    """Distance between the colours of the fake and of its photo in YUV: L1 of Y, Huber of U and V.

    Huber with delta 1; means over all pixels. Chen, Liu and Chen, "AnimeGAN", ISICA 2019; `color_loss` in the code of
    AnimeGAN and CTSS.

    Args:
        of: the stream of images that it teaches.
        to: the stream that they are compared with.
    """

    of: Stream = "fake"
    to: Stream = "photo"

    def __call__(self, step: Step) -> Tensor:
        y, u, v = rgb_to_yuv(step.images(self.of)).unbind(dim=1)
        other_y, other_u, other_v = rgb_to_yuv(step.images(self.to)).unbind(dim=1)
        return F.l1_loss(y, other_y) + F.huber_loss(u, other_u) + F.huber_loss(v, other_v)


@dataclass(frozen=True)
class TotalVariation:
    """Half the mean squared difference of vertical plus of horizontal neighbours in the fake, for flat areas.

    As in CTSS's code. Each mean is over all existing differences, so that it does not depend on the picture's size.

    Args:
        of: the stream of images that are to be flat.
    """

    of: Stream = "fake"

    def __call__(self, step: Step) -> Tensor:
        fake = step.images(self.of)
        vertical = F.mse_loss(fake[:, :, 1:], fake[:, :, :-1])
        horizontal = F.mse_loss(fake[:, :, :, 1:], fake[:, :, :, :-1])
        return 0.5 * (vertical + horizontal)


@dataclass(frozen=True)
class Reconstruction:
    """L1 distance between the pixels of the fake and of its photo, by which the generator learns the identity.

    Mean over all values. White-box's pretraining uses it as the only loss (`train_code/pretrain.py`). Between other
    streams it is CycleGAN's loss of cycles and of identity.

    Args:
        of: the stream of images that it teaches.
        to: the stream that they are compared with.
    """

    of: Stream = "fake"
    to: Stream = "photo"

    def __call__(self, step: Step) -> Tensor:
        return F.l1_loss(step.images(self.of), step.images(self.to))


@dataclass(frozen=True)
class GradientPenalty:
    """Squared distance of the critic's gradient norm from `target`, at points between or around images.

    - `gp`: at points between real and fake; Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017,
      eq. 3.
    - `lp`: the same points, and only norms above the target count; Petzka, Fischer and Lukovnikov, "On the
      regularization of Wasserstein GANs", ICLR 2018 (WGAN-LP).
    - `dragan`: between real images and the same with uniform noise of up to half their standard deviation; Kodali et
      al., "On Convergence and Stability of GANs", 2017, and `gradient_panalty` in AnimeGAN's code.

    The loss's weight is the papers' lambda (10 in all three, and `ld` in AnimeGAN). The theory does not cover networks
    with batch norm, where the logits of one image depend on the others.

    Args:
        mode: the points of the gradient and the penalised norms, as above.
        target: the norm without a penalty.
    """

    mode: Literal["gp", "lp", "dragan"] = "gp"
    target: NonNegativeFloat = 1.0

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        rng = generator_of(views, "gradient_penalty")
        start, end = self._ends(views, rng)
        share = torch.rand(len(start), 1, 1, 1, generator=rng, dtype=start.dtype).to(start.device, non_blocking=True)
        norms = input_gradients(critic.net, torch.lerp(start, end, share)).norm(dim=1)
        excess = norms - self.target
        return (F.relu(excess) if self.mode == "lp" else excess).square().mean()

    def _ends(self, views: Views, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """The images to draw points between, both `(N, C, H, W)`."""
        real, fake = full_precision(views.real), full_precision(views.fake)
        if self.mode == "dragan":
            noise = torch.rand(real.shape, generator=rng, dtype=real.dtype, pin_memory=real.device.type == "cuda")
            noise = noise.to(real.device, non_blocking=True)
            return real, real + 0.5 * real.std(correction=0) * noise
        if real.shape[1:] != fake.shape[1:]:
            got = f"{tuple(real.shape[1:])} and {tuple(fake.shape[1:])}"
            raise PartError(f"gradient_penalty: {self.mode} needs real and fake views of one shape, got {got}")
        count = min(len(real), len(fake))
        return real[:count], fake[:count]


@dataclass(frozen=True)
class R1:
    """Half the squared norm of the critic's gradient at real images; the loss's weight is the paper's gamma.

    Mescheder, Geiger and Nowozin, "Which Training Methods for GANs do actually Converge?", ICML 2018, eq. 9.
    """

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        return 0.5 * input_gradients(critic.net, full_precision(views.real)).square().sum(dim=1).mean()


def input_gradients(net: nn.Module, images: Tensor) -> Tensor:
    """The gradient of the summed logits with respect to each image, itself differentiable.

    Args:
        net: the discriminator, called once, by its forward.
        images: `(N, C, H, W)`; taken as constants.

    Returns:
        `(N, C*H*W)`.
    """
    images = images.detach().requires_grad_()
    with torch.enable_grad(), torch.autocast(images.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(net(images).sum(), images, create_graph=True)
    return gradient.flatten(1)
