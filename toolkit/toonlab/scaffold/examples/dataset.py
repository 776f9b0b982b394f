"""The dataset `example`: balls, as a camera would see them and as they would be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from toonlab import DatasetFactory, Images, Sample, Truth, hookimpl, rng


@dataclass(frozen=True)
class ExampleDataset:
    """Balls on a plain ground: as photos shaded and noisy, as cartoons flat with dark outlines.

    Photos and cartoons to train on show different scenes; evaluation scenes are different from both, and come with the
    cartoon and its outlines as the truth. Everything is drawn from the seed when it is asked for.

    Args:
        size: side of the pictures, in pixels.
        scenes: number of pictures to train on in each domain.
        evaluation_scenes: number of scenes to evaluate on.
        balls: in each picture.
        seed: of the scenes; every seed has its own.
    """

    size: Annotated[int, Field(ge=16)] = 96
    scenes: Annotated[int, Field(gt=0)] = 256
    evaluation_scenes: Annotated[int, Field(gt=0)] = 24
    balls: Annotated[int, Field(gt=0)] = 5
    seed: Annotated[int, Field(ge=0)] = 0

    def train(self) -> tuple[Images, Images]:
        return Drawn(self, "photo"), Drawn(self, "cartoon")

    def evaluation(self) -> Sequence[Sample]:
        samples = []
        for number in range(self.evaluation_scenes):
            photo, cartoon, outline = self.scene("evaluation", number)
            samples.append(Sample(f"balls-{number:03d}", photo, Truth(cartoon=cartoon, outline=outline)))
        return samples

    def manifest(self) -> Mapping[str, Any]:
        return {"dataset": "example", "version": 1, **asdict(self)}  # a new version for every change of the pictures

    def scene(self, split: str, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """One scene both ways, and where the lines are: `(3, size, size)` in [-1, 1] twice, `(size, size)` bool."""
        draws = rng(self.seed, "example", split, number)
        axis = torch.arange(self.size) / self.size
        y, x = axis[:, None], axis[None, :]
        ground = torch.rand(3, 1, 1, generator=draws) * 0.6
        photo = cartoon = ground.expand(3, self.size, self.size)
        outline = torch.zeros(self.size, self.size, dtype=torch.bool)
        for _ in range(self.balls):
            top, left, radius = (torch.rand(3, generator=draws) * torch.tensor([1.0, 1.0, 0.15])).tolist()
            radius += 0.08
            color = torch.rand(3, 1, 1, generator=draws) * 2 - 1
            distance = ((y - top).square() + (x - left).square()).sqrt()
            inside, line = distance < radius, (distance - radius).abs() < 1.2 / self.size
            light = 0.9 - 0.8 * ((y - top + x - left) / radius).clamp(-1, 1)  # from the upper left
            photo = torch.where(inside, ((color + 1) * light - 1).clamp(-1, 1), photo)
            cartoon = torch.where(inside, color, cartoon)
            outline = (outline & ~inside) | line
        noise = torch.randn(photo.shape, generator=draws) * 0.06
        cartoon = torch.where(outline, torch.tensor(-0.9), cartoon)
        return (photo + noise).clamp(-1, 1), cartoon, outline


@dataclass(frozen=True)
class Drawn:
    """The pictures of one domain to train on, drawn when they are asked for."""

    dataset: ExampleDataset
    domain: str

    def __len__(self) -> int:
        return self.dataset.scenes

    def __getitem__(self, index: int, /) -> Tensor:
        if not 0 <= index < len(self):
            raise IndexError(index)
        photo, cartoon, _ = self.dataset.scene(self.domain, index)
        return photo if self.domain == "photo" else cartoon


@hookimpl
def register_datasets() -> Mapping[str, DatasetFactory]:
    return {"example": ExampleDataset}
