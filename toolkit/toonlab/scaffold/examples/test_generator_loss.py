from toonlab.scaffold.examples.generator_loss import ExampleLoss
from toonlab.testing import GeneratorLossTests


class TestExampleLoss(GeneratorLossTests):
    factory = ExampleLoss
