"""Adversarial objectives: the losses of a critic on real and fake logits, and of the generator on fake logits.

Logits may have any shape; all losses are means over all of them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor

from toonlab import Objective


@dataclass(frozen=True)
class LSGAN(Objective):
    """Least squares: real logits towards 1, fake logits towards 0; the generator's towards 1.

    Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017, eq. 9.

    Args:
        critic_scale: factor on the critic's loss, not on the generator's. 1 as in the code of CTSS and AnimeGAN;
            0.5 as in the LSGAN paper and White-box.
    """

    critic_scale: PositiveFloat = 1.0

    def real(self, logits: Tensor) -> Tensor:
        return self.critic_scale * F.mse_loss(logits, torch.ones_like(logits))

    def fake(self, logits: Tensor) -> Tensor:
        return self.critic_scale * F.mse_loss(logits, torch.zeros_like(logits))

    def generator(self, fake_logits: Tensor) -> Tensor:
        return F.mse_loss(fake_logits, torch.ones_like(fake_logits))


@dataclass(frozen=True)
class Hinge(Objective):
    """Hinge: real logits above 1, fake logits below -1; the generator maximises its logits.

    Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral Normalization for Generative Adversarial Networks",
    ICLR 2018, eqs. 16 and 17.
    """

    def real(self, logits: Tensor) -> Tensor:
        return F.relu(1 - logits).mean()

    def fake(self, logits: Tensor) -> Tensor:
        return F.relu(1 + logits).mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()


@dataclass(frozen=True)
class BCE(Objective):
    """Binary cross-entropy of the logits, with the non-saturating generator loss -log D(fake).

    Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, section 3.
    """

    def real(self, logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))

    def fake(self, logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))

    def generator(self, fake_logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


@dataclass(frozen=True)
class Wasserstein(Objective):
    """Wasserstein: the critic maximises mean(real) - mean(fake); add a `gradient_penalty` to bound its slope.

    Arjovsky, Chintala and Bottou, "Wasserstein Generative Adversarial Networks", ICML 2017.
    """

    def real(self, logits: Tensor) -> Tensor:
        return -logits.mean()

    def fake(self, logits: Tensor) -> Tensor:
        return logits.mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()
