from toonlab.scaffold.examples.discriminator_loss import ExampleLoss
from toonlab.testing import DiscriminatorLossTests


class TestExampleLoss(DiscriminatorLossTests):
    factory = ExampleLoss
