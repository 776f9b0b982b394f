"""What samplers and representations share has a broken part that it finds; and broken representations."""

from __future__ import annotations

from broken import DEFECTS, Defect, assert_found, of_kinds

from toonlab.testing import RepresentationTests, SamplerTests
from toonlab.testing.frame import names
from toonlab.testing.views import ViewTests

NEEDS_A_GPU = {"test_the_cpu_and_the_gpu_agree"}


def test_samplers_and_representations_have_all_shared_tests() -> None:
    shared = set(names(ViewTests))
    assert len(shared) >= 12
    assert shared <= set(names(SamplerTests)) & set(names(RepresentationTests))


def test_every_shared_test_finds_a_defect() -> None:
    found = {name for defect in DEFECTS for name in defect.found_by if defect.kind in ("samplers", "representations")}
    assert set(names(ViewTests)) - found - NEEDS_A_GPU == set()


@of_kinds("representations")
def test_a_defect_is_found_by_the_test_that_is_meant_for_it(defect: Defect) -> None:
    assert_found(defect)
