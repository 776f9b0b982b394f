"""The discriminator loss `example`: a critic's answer should not change when its view is mirrored."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from toonlab import CriticParts, DiscriminatorLossFactory, Logits, Views, hookimpl


@dataclass(frozen=True)
class ExampleLoss:
    """Mean squared difference of a critic's mean answers to a real view and to its mirror image.

    Consistency regularisation: Zhang et al., "Consistency Regularization for Generative Adversarial Networks", ICLR
    2020. The weight is the paper's lambda, 10 there. One more forward pass of the discriminator.
    """

    def __call__(self, critic: CriticParts, views: Views, logits: Logits) -> Tensor:
        mirrored = critic.logits(views.real.flip(-1))
        return (mirrored.flatten(1).mean(1) - logits.real.flatten(1).mean(1)).square().mean()


@hookimpl
def register_discriminator_losses() -> Mapping[str, DiscriminatorLossFactory]:
    return {"example": ExampleLoss}
