import torch

from toonlab import Logits
from toonlab.scaffold.examples.objective import ExampleObjective
from toonlab.testing import ObjectiveTests


class TestExampleObjective(ObjectiveTests):
    factory = ExampleObjective


def test_only_the_difference_of_real_and_fake_counts() -> None:
    real, fake = torch.tensor([0.9, 1.1]), torch.tensor([0.1, -0.1])
    objective = ExampleObjective()
    torch.testing.assert_close(objective.critic(Logits(real, fake)), objective.critic(Logits(real + 5, fake + 5)))
