"""Tests of datasets."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from toonlab.registry.protocols import Dataset, HasCartoons, HasTest, Images
from toonlab.types import Sample

from .frame import PartTests, expect, no_global_draws, print_cost, skip, tried

_FEW = 4  # pictures that are looked at


class DatasetTests(PartTests):
    """`class TestMyDataset(DatasetTests): factory = MyDataset`, with `parameters` that make it small."""

    kind = "datasets"

    def dataset(self) -> Dataset:
        __tracebackhide__ = True
        made = self.make()
        missing = [name for name in ("train", "evaluation", "manifest") if not callable(getattr(made, name, None))]
        expect(not missing, f"{self.name} has no {', '.join(missing)}; toonlab.Dataset says what they return")
        return made

    def domains(self) -> dict[str, Images]:
        __tracebackhide__ = True
        found = self.dataset().train()
        expect(
            isinstance(found, tuple) and len(found) == 2,
            f"{self.name}: train() returns the photos and the cartoons, a pair",
        )
        return dict(zip(("photos", "cartoons"), found, strict=True))

    def pictures(self) -> Iterator[tuple[str, Tensor]]:
        for domain, images in self.domains().items():
            for index in range(min(_FEW, len(images))):
                yield f"{domain}[{index}]", images[index]

    def samples(self) -> list[Sample]:
        samples = self.dataset().evaluation()
        return [samples[index] for index in range(min(_FEW, len(samples)))]

    def test_pictures_are_uint8_or_floats_between_minus_one_and_one(self) -> None:
        for name, picture in self.pictures():
            _picture(f"{self.name}: {name}", picture, bytes_too=True)

    def test_both_domains_have_pictures(self) -> None:
        for domain, images in self.domains().items():
            expect(len(images) > 0, f"{self.name}: there are no {domain} to train on")

    def test_an_index_that_is_too_large_ends_the_iteration(self) -> None:
        """`for picture in images` stops at an IndexError."""
        for domain, images in self.domains().items():
            try:
                images[len(images)]
            except IndexError:
                continue
            except Exception as error:
                got = f"raises {type(error).__name__}"
            else:
                got = "returns a picture"
            expect(False, f"{self.name}: {domain}[{len(images)}] of {len(images)} {got}; raise IndexError")

    def test_a_picture_is_the_same_whenever_it_is_asked_for(self) -> None:
        first = dict(self.pictures())
        for name, picture in self.pictures():
            expect(
                torch.equal(first[name], picture),
                f"{self.name}: {name} differs between two calls; draw from toonlab.rng(seed, …, index), and leave "
                "crops and flips to the engine",
            )

    def test_pictures_of_a_domain_differ(self) -> None:
        for domain, images in self.domains().items():
            if len(images) > 1:
                one, other = images[0], images[1]
                same = one.shape == other.shape and torch.equal(one, other)
                expect(not same, f"{self.name}: {domain}[0] and {domain}[1] are the same picture")

    def test_nothing_is_drawn_from_global_generators(self) -> None:
        with no_global_draws(self.name, "toonlab.rng(seed, …)"):
            list(self.pictures())
            self.samples()

    def test_worker_processes_can_have_it(self) -> None:
        for domain, images in self.domains().items():
            text = f"{self.name}: its {domain} can't be sent to a worker process (pickle)"
            copy = tried(text, _sent, images)
            expect(torch.equal(copy[0], images[0]), f"{self.name}: {domain}[0] is another picture in a worker process")

    def test_samples_have_names_of_their_own_and_photos_in_range(self) -> None:
        samples = self.dataset().evaluation()
        names = [samples[index].name for index in range(len(samples))]
        twice = sorted({name for name in names if names.count(name) > 1})
        expect(
            not twice, f"{self.name}: {len(twice)} samples share a name, such as {twice[:1]}; give each one of its own"
        )
        for sample in self.samples():
            _picture(f"{self.name}: the photo of sample {sample.name!r}", sample.photo)

    def test_the_truth_fits_the_photo(self) -> None:
        found = [(sample, sample.truth) for sample in self.samples() if sample.truth is not None]
        if not found:
            skip("its samples have no truth")
        for sample, truth in found:
            size, where = tuple(sample.photo.shape[1:]), f"{self.name}: sample {sample.name!r}"
            for name, picture in (("cartoon", truth.cartoon), ("flat", truth.flat)):
                if picture is not None:
                    _picture(f"{where}: the truth's {name}", picture)
                    expect(
                        tuple(picture.shape[1:]) == size, f"{where}: the truth's {name} has not the photo's size {size}"
                    )
            for name, plane, dtype in (
                ("outline", truth.outline, torch.bool),
                ("regions", truth.regions, torch.int64),
            ):
                if plane is not None:
                    expect(
                        plane.dtype == dtype and tuple(plane.shape) == size,
                        f"{where}: the truth's {name} is {tuple(plane.shape)} {plane.dtype}, expected {size} {dtype}",
                    )

    def test_samples_are_the_same_in_the_same_order(self) -> None:
        first, second = self.samples(), self.samples()
        for one, other in zip(first, second, strict=True):
            same = one.name == other.name and torch.equal(one.photo, other.photo)
            expect(same, f"{self.name}: evaluation() gives other samples, or another order, the second time")

    def test_the_manifest_is_json_and_says_what_the_data_are(self) -> None:
        manifest = self.dataset().manifest()
        text = f"{self.name}: its manifest is no JSON; give text, numbers, lists and dicts of them"
        first = tried(text, partial(json.dumps, manifest, sort_keys=True))
        expect(
            first == json.dumps(self.dataset().manifest(), sort_keys=True),
            f"{self.name}: its manifest differs between two calls, so no run would ever be found again; leave times "
            "out",
        )
        expect(manifest, f"{self.name}: its manifest is empty, so runs on other data would count as the same")

    def test_further_splits_are_what_they_should_be(self) -> None:
        dataset = self.dataset()
        if not isinstance(dataset, HasTest) and not isinstance(dataset, HasCartoons):
            skip("it has neither a test split nor cartoons for evaluation")
        if isinstance(dataset, HasTest):
            samples = dataset.test().evaluation()
            expect(len(samples), f"{self.name}: test() has no samples to evaluate on")
            _picture(f"{self.name}: the photo of the first sample of test()", samples[0].photo)
        if isinstance(dataset, HasCartoons) and (cartoons := dataset.evaluation_cartoons()) is not None:
            _picture(f"{self.name}: evaluation_cartoons()[0]", cartoons[0], bytes_too=True)

    def test_cost(self) -> None:
        photos = self.domains()["photos"]
        print_cost(self.name, lambda: photos[0], "a photo")


def _sent(images: Images) -> Images:
    """As a worker process gets them."""
    return pickle.loads(pickle.dumps(images))


def _picture(what: str, picture: Tensor, bytes_too: bool = False) -> None:
    __tracebackhide__ = True
    expect(
        isinstance(picture, Tensor) and picture.ndim == 3 and picture.shape[0] == 3,
        f"{what} is {tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__}, expected (3, "
        "H, W)",
    )
    if bytes_too and picture.dtype == torch.uint8:
        return
    kinds = "uint8, or float in [-1, 1]" if bytes_too else "float in [-1, 1]"
    expect(picture.is_floating_point(), f"{what} is {picture.dtype}, expected {kinds}")
    least, most = float(picture.min()), float(picture.max())
    expect(
        least >= -1.0001 and most <= 1.0001 and picture.isfinite().all(),
        f"{what} has values from {least:.4g} to {most:.4g}, expected {kinds}: 0 … 1 or 0 … 255 become x * 2 - 1",
    )
    expect(
        least < 0 or most <= 0.5 or not _looks_like_zero_to_one(picture),
        f"{what} has values from {least:.4g} to {most:.4g}: 0 … 1, it seems, expected {kinds}; multiply by 2 and "
        "subtract 1",
    )


def _looks_like_zero_to_one(picture: Tensor) -> bool:
    """No value below 0, in a picture that has dark places: rare in [-1, 1]."""
    return float(picture.min()) >= 0 and float(picture.min()) < 0.2
