from toonlab.scaffold.examples.dataset import ExampleDataset
from toonlab.testing import DatasetTests


class TestExampleDataset(DatasetTests):
    factory = ExampleDataset
    parameters = {"size": 32, "scenes": 4, "evaluation_scenes": 2}


def test_lines_are_dark_in_the_cartoon() -> None:
    truth = ExampleDataset(size=64, evaluation_scenes=1).evaluation()[0].truth
    assert truth is not None
    assert truth.cartoon is not None
    assert truth.outline is not None
    assert 0.01 < truth.outline.float().mean() < 0.2
    assert truth.cartoon[:, truth.outline].max() < -0.8
