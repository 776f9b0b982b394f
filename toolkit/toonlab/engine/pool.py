"""A pool of past fakes for a critic, so that it does not forget what the generator did before."""

import random
from collections.abc import Mapping

import torch
from torch import Tensor


class ImagePool:
    """A critic's fakes: half of them new, and half drawn from the last ones.

    While the pool is not full, images go in and through. From then on each image is, with a chance of one half, kept in
    the place of one that is given in its stead. Shrivastava et al., "Learning from Simulated and Unsupervised Images
    through Adversarial Training", CVPR 2017; Zhu et al., "CycleGAN", ICCV 2017, with 50 images.

    Several processes hold the same pool, of the images of all of them.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """`(B, C, H, W)` -> the same shape; two draws by the seed of `rng` for each image, whether needed or not."""
        draw = random.Random(rng.initial_seed())  # numbers that Python decides by: a tensor's would be waited for
        given = []
        for image in images.detach():
            chance, place = draw.random(), draw.random()
            if len(self.images) < self.size:
                self.images.append(image.clone())
                given.append(image)
            elif chance < 0.5:
                given.append(image)
            else:
                index = int(place * self.size)
                given.append(self.images[index].to(image))
                self.images[index] = image.clone()
        return torch.stack(given)

    def state_dict(self) -> dict[str, Tensor]:
        return {"images": torch.stack(self.images)} if self.images else {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take the images of a state; those of another shape than the first fakes fail at the next call."""
        self.images = list(state["images"].unbind()) if "images" in state else []
