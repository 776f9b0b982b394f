"""Tests of datasets."""

import json
import pickle
from collections.abc import Iterator

import torch
from torch import Tensor

from toonlab.registry.protocols import HasCartoons, HasPairs, HasTest, Images
from toonlab.types import Sample

from .assertions import equal, skip
from .frame import PartTests

_FEW = 4  # pictures that are looked at


class DatasetTests(PartTests):
    """`class TestMyDataset(DatasetTests): factory = MyDataset`, with `parameters` that make it small."""

    kind = "datasets"
    methods = ("train", "evaluation", "manifest")
    advice = "toonlab.Dataset says what they return"

    def domains(self) -> dict[str, Images]:
        __tracebackhide__ = True
        found = self.make().train()
        pair = isinstance(found, tuple) and len(found) == 2
        self.expect(pair, "train() returns the photos and the cartoons, a pair")
        return dict(zip(("photos", "cartoons"), found, strict=True))

    def pictures(self) -> Iterator[tuple[str, Tensor]]:
        for domain, images in self.domains().items():
            for index in range(min(_FEW, len(images))):
                yield f"{domain}[{index}]", images[index]

    def samples(self) -> list[Sample]:
        samples = self.make().evaluation()
        return [samples[index] for index in range(min(_FEW, len(samples)))]

    def test_pictures_are_uint8_or_floats_between_minus_one_and_one(self) -> None:
        for name, picture in self.pictures():
            self._picture(name, picture, bytes_too=True)

    def test_both_domains_have_pictures(self) -> None:
        for domain, images in self.domains().items():
            self.expect(len(images) > 0, f"there are no {domain} to train on")

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
            self.fail(f"{domain}[{len(images)}] of {len(images)} {got}; raise IndexError")

    def test_a_picture_is_the_same_whenever_it_is_asked_for(self) -> None:
        first = dict(self.pictures())
        advice = "draw from toonlab.rng(seed, …, index), and leave crops and flips to the engine"
        for name, picture in self.pictures():
            self.expect(equal(first[name], picture), f"{name} differs between two calls; {advice}")

    def test_pictures_of_a_domain_differ(self) -> None:
        for domain, images in self.domains().items():
            same = len(images) > 1 and equal(images[0], images[1])
            self.expect(not same, f"{domain}[0] and {domain}[1] are the same picture")

    def test_nothing_is_drawn_from_global_generators(self) -> None:
        def work() -> list[Tensor]:
            return [*(picture for _, picture in self.pictures()), *(sample.photo for sample in self.samples())]

        self.draws_only_from("toonlab.rng(seed, …)", work)

    def test_worker_processes_can_have_it(self) -> None:
        for domain, images in self.domains().items():
            text = f"its {domain} can't be sent to a worker process (pickle)"
            copy = self.tried(text, pickle.loads, self.tried(text, pickle.dumps, images))
            self.expect(equal(copy[0], images[0]), f"{domain}[0] is another picture in a worker process")

    def test_samples_have_names_of_their_own_and_photos_in_range(self) -> None:
        samples = self.make().evaluation()
        names = [samples[index].name for index in range(len(samples))]
        twice = sorted({name for name in names if names.count(name) > 1})
        self.expect(not twice, f"{len(twice)} samples share a name, such as {twice[:1]}; give each one of its own")
        for sample in self.samples():
            self._picture(f"the photo of sample {sample.name!r}", sample.photo)

    def test_the_truth_fits_the_photo(self) -> None:
        found = [(sample, sample.truth) for sample in self.samples() if sample.truth is not None]
        if not found:
            skip("its samples have no truth")
        for sample, truth in found:
            size, where = tuple(sample.photo.shape[1:]), f"sample {sample.name!r}: the truth's"
            for name, picture in (("cartoon", truth.cartoon), ("flat", truth.flat)):
                if picture is not None:
                    self._picture(f"{where} {name}", picture)
                    fits = tuple(picture.shape[1:]) == size
                    self.expect(fits, f"{where} {name} has not the photo's size {size}")
            planes = (("outline", truth.outline, torch.bool), ("regions", truth.regions, torch.int64))
            for name, plane, dtype in planes:
                if plane is not None:
                    fits = plane.dtype == dtype and tuple(plane.shape) == size
                    got = f"{tuple(plane.shape)} {plane.dtype}"
                    self.expect(fits, f"{where} {name} is {got}, expected {size} {dtype}")

    def test_samples_are_the_same_in_the_same_order(self) -> None:
        for one, other in zip(self.samples(), self.samples(), strict=True):
            same = one.name == other.name and equal(one.photo, other.photo)
            self.expect(same, "evaluation() gives other samples, or another order, the second time")

    def test_the_manifest_is_json_and_says_what_the_data_are(self) -> None:
        text = "its manifest is no JSON; give text, numbers, lists and dicts of them"
        first, second = (self.tried(text, lambda: json.dumps(self.make().manifest(), sort_keys=True)) for _ in range(2))
        text = "its manifest differs between two calls, so no run would ever be found again; leave times out"
        self.expect(first == second, text)
        text = "its manifest is empty, so runs on other data would count as the same"
        self.expect(json.loads(first), text)

    def test_further_splits_are_what_they_should_be(self) -> None:
        dataset = self.make()
        if not isinstance(dataset, HasTest) and not isinstance(dataset, HasCartoons):
            skip("it has neither a test split nor cartoons for evaluation")
        if isinstance(dataset, HasTest):
            samples = dataset.test().evaluation()
            self.expect(len(samples), "test() has no samples to evaluate on")
            self._picture("the photo of the first sample of test()", samples[0].photo)
        if isinstance(dataset, HasCartoons) and (cartoons := dataset.evaluation_cartoons()) is not None:
            self._picture("evaluation_cartoons()[0]", cartoons[0], bytes_too=True)

    def test_pairs_are_as_many_and_of_one_size(self) -> None:
        dataset = self.make()
        if not isinstance(dataset, HasPairs):
            skip("it has no pairs")
        photos, cartoons = dataset.pairs()
        text = f"pairs() has {len(photos)} photos and {len(cartoons)} cartoons; item i of both shows one scene"
        self.expect(len(photos) == len(cartoons), text)
        for index in range(min(_FEW, len(photos))):
            sizes = [f"{images[index].shape[-1]}x{images[index].shape[-2]}" for images in (photos, cartoons)]
            text = f"photo and cartoon {index} of pairs() are {' and '.join(sizes)}; both are cropped alike"
            self.expect(sizes[0] == sizes[1], text)

    def test_cost(self) -> None:
        photos = self.domains()["photos"]
        self.print_cost(lambda: photos[0], "a photo")

    def _picture(self, what: str, picture: Tensor, bytes_too: bool = False) -> None:
        """`(3, H, W)`, in a range in which a picture may be."""
        __tracebackhide__ = True
        got = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
        self.expect(len(got) == 3 and got[0] == 3, f"{what} is {got}, expected (3, H, W)")
        if bytes_too and picture.dtype == torch.uint8:
            return
        kinds = "uint8, or float in [-1, 1]" if bytes_too else "float in [-1, 1]"
        self.expect(picture.is_floating_point(), f"{what} is {picture.dtype}, expected {kinds}")
        least, most = float(picture.min()), float(picture.max())
        values = f"{what} has values from {least:.4g} to {most:.4g}"
        self.expect(
            least >= -1.0001 and most <= 1.0001 and picture.isfinite().all(),
            f"{values}, expected {kinds}: 0 … 1 or 0 … 255 become x * 2 - 1",
        )
        # no value below 0, in a picture that has dark places: rare in [-1, 1]
        zero_to_one = 0 <= least < 0.2 and most > 0.5
        self.expect(not zero_to_one, f"{values}: 0 … 1, it seems, expected {kinds}; multiply by 2 and subtract 1")
