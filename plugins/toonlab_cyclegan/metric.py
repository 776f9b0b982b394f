"""How well the photo can be rebuilt from its fake: what a cycle keeps."""

from collections.abc import Mapping
from statistics import fmean

from torch import Tensor

from toonlab import Metric, Sample, Stream, ToonlabError


class ReconstructionError(Metric):
    """Mean absolute difference between photos and a stream that is made from them, in levels of 255; 0 is the best.

    Of CycleGAN's `cycle`, the error of its cycle consistency on photos that it has not seen (Zhu, Park, Isola and
    Efros, ICCV 2017, section 3.2).

    Args:
        of: the stream.
    """

    needs: frozenset[str] = frozenset()
    higher_is_better = False
    leads = False
    caveat = "how well the photo can be rebuilt, not cartoon-ness: unmodified photos have the best score"

    def __init__(self, of: Stream = "cycle") -> None:
        self.of = of
        self._errors: list[float] = []

    def update(self, fake: Tensor, sample: Sample) -> None:
        self._errors.append(float((fake - sample.photo.to(fake.device)).abs().mean()) * 127.5)

    def compute(self) -> Mapping[str, float]:
        if not self._errors:
            raise ToonlabError(
                "reconstruction_error: no samples to evaluate; give the data set some, or drop the metric"
            )
        return {"reconstruction_error": fmean(self._errors)}

    def scores(self) -> Mapping[str, list[float]]:
        return {"reconstruction_error": self._errors}
