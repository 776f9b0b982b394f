"""The named images of a training step: photos, cartoons, fakes, and all that its networks make of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from toonlab.types import Batch


@dataclass(frozen=True)
class StreamSource:
    """A stream's network, and the stream of its input."""

    net: nn.Module
    input: str


@dataclass(frozen=True, eq=False)
class Streams(Mapping[str, Tensor]):
    """Stream -> its images, `(B, 3, H, W)` in [-1, 1], computed once, when they are first asked for.

    Args:
        batch: the streams `photo` and `cartoon`.
        sources: of all others.
        run: a network's forward pass.
        learning: whether gradients are recorded.
    """

    batch: Batch
    sources: Mapping[str, StreamSource]
    run: Callable[[nn.Module, Tensor], Tensor]
    learning: bool = True
    _made: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        if name in ("photo", "cartoon"):
            return getattr(self.batch, name)
        if name not in self._made:
            source = self.sources[name]
            images = self[source.input]
            with torch.set_grad_enabled(self.learning):
                self._made[name] = self.run(source.net, images)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("photo", "cartoon", *self.sources))

    def __len__(self) -> int:
        return 2 + len(self.sources)

    def origin(self, name: str) -> Tensor:
        """What a stream's images were made from; of a photo or a cartoon, itself."""
        return self[self.sources[name].input] if name in self.sources else self[name]
