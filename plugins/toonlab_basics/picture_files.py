"""Picture files as sets of images and of evaluation samples, decoded on access."""

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import overload

from torch import Tensor

from toonlab import Sample, ToonlabError, printable, read_picture
from toonlab.ops.levels import to_float

_NAMED = 20  # bad pictures that one message names


class Pictures:
    """Picture files as a map-style set: item -> uint8 `(3, H, W)`; `names` are their paths below the folder.

    Args:
        folder: of the pictures.
        names: their paths below it.
        sides: the shorter side that each is resized to; None keeps its size.
        replace: in place of a picture that can't be decoded, give the next one that can.
    """

    def __init__(self, folder: Path, names: Sequence[str], sides: Sequence[int | None], replace: bool = False) -> None:
        self.folder, self.names, self.sides, self.replace = folder, names, sides, replace
        self._decoded: list[Tensor | ToonlabError] | None = None
        self._damaged: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Tensor:
        first, damaged = range(len(self))[index], dict[str, ToonlabError]()
        for place in chain(range(first, len(self)), range(first)):
            image = self._read(place) if self._decoded is None else self._decoded[place]
            if isinstance(image, Tensor):
                self._warn(damaged)
                return image
            if not self.replace:
                raise image
            damaged[self.names[place]] = image
        named = listed({name: _why(error) for name, error in damaged.items()})
        raise ToonlabError(f"{printable(self.folder)}: none of its pictures can be decoded: {named}")

    def decode(self, keep: bool = True) -> None:
        """Decode all pictures now, and keep them if `keep`.

        Raises:
            ToonlabError: with a line for each that can't be decoded, unless they are to be replaced.
        """
        with ThreadPoolExecutor() as pool:  # decoders release the interpreter's lock
            found = list(pool.map(self._read if keep else self._error, range(len(self))))
        damaged = {name: one for name, one in zip(self.names, found, strict=True) if isinstance(one, ToonlabError)}
        if damaged and not self.replace:
            lines = [str(error) for error in damaged.values()]
            more = [f"{printable(self.folder)}: {len(lines) - _NAMED} more can't be decoded"] if lines[_NAMED:] else []
            raise ToonlabError("\n".join(lines[:_NAMED] + more))
        self._warn(damaged)
        if keep:
            self._decoded = [one for one in found if one is not None]

    def _read(self, index: int) -> Tensor | ToonlabError:
        try:
            return read_picture(self.folder / self.names[index], self.sides[index])
        except ToonlabError as error:
            return error

    def _error(self, index: int) -> ToonlabError | None:
        read = self._read(index)
        return read if isinstance(read, ToonlabError) else None

    def _warn(self, damaged: Mapping[str, ToonlabError]) -> None:
        """Warn of pictures that were not warned of before, and count all."""
        if damaged.keys() <= self._damaged.keys():
            return
        self._damaged |= {name: _why(error) for name, error in damaged.items()}
        text = f"damaged: {len(self._damaged)} of {len(self)} pictures; the next one is read in place of each"
        warnings.warn(f"{printable(self.folder)}: {text}: {listed(self._damaged)}", UserWarning, stacklevel=2)


class Samples(Sequence[Sample]):
    """Evaluation photos in [-1, 1]; a sample's name is its path below the folder."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        return Sample(self._pictures.names[index], to_float(self._pictures[index]))


def _why(error: ToonlabError) -> str:
    """The reason alone of `read_picture`'s error."""
    return "can't be decoded" + str(error).partition("can't be decoded")[2].removesuffix("; repair or remove it")


def listed(reasons: Mapping[str, str]) -> str:
    """Names with their reasons, the first of many."""
    first = "; ".join(f"{printable(name)}: {reason}" for name, reason in list(reasons.items())[:_NAMED])
    return f"{first}; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else first
