"""The objective `example`: a relativistic one, in which real and fake are judged against each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from toonlab import Logits, Objective, ObjectiveFactory, hookimpl


@dataclass(frozen=True)
class ExampleObjective(Objective):
    """The critic wants real logits above the mean fake one and fake logits below the mean real one, by least squares.

    Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN", ICLR 2019, the
    average case. The generator's side sees fake logits alone, and wants them at 1, as LSGAN's does.
    """

    def real(self, logits: Tensor) -> Tensor:
        return (logits - 1).square().mean()

    def fake(self, logits: Tensor) -> Tensor:
        return logits.square().mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return self.real(fake_logits)

    def critic(self, logits: Logits) -> Tensor:
        real, fake = logits.real - logits.fake.mean(), logits.fake - logits.real.mean()
        return 0.5 * ((real - 1).square().mean() + (fake + 1).square().mean())


@hookimpl
def register_objectives() -> Mapping[str, ObjectiveFactory]:
    return {"example": ExampleObjective}
