from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toonlab import ToonlabError, discover, open_weights, save_weights, train


def test_weights_of_a_run_are_opened(small: Path, tmp_path: Path) -> None:
    run = train(small, runs=tmp_path / "runs", device="cpu", train={"steps": 2})
    weights = open_weights(run.directory)
    assert weights.path == run.weights
    assert weights.recipe == run.recipe
    assert not weights.generator.training
    photo = torch.rand(1, 3, 16, 16)
    assert torch.equal(weights.generator(photo), run.generator(photo))


def test_tensors_of_another_program_become_a_file_of_weights(small: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = discover().make("generators", "ctss_plain", width=4)
    overrides = {"generator.network.width": 4, "about": "theirs"}
    save_weights(tmp_path / "w.safetensors", network.state_dict(), str(small), overrides)
    weights = open_weights(tmp_path / "w.safetensors")
    assert weights.recipe["about"] == "theirs"
    photo = torch.rand(1, 3, 16, 16)
    assert torch.equal(weights.generator(photo), network.eval()(photo))


def test_tensors_that_do_not_fit_write_nothing(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    tensors = discover().make("generators", "ctss_plain", width=2).state_dict()
    with pytest.raises(ToonlabError, match=r"the weights don't fit 'ctss_plain': a_full\.0\.weight is"):
        save_weights(path, tensors, str(small), {"generator.network.width": 4})
    with pytest.raises(ToonlabError, match=r"out\.weight is missing in the file"):
        save_weights(path, {name: t for name, t in tensors.items() if name != "out.weight"}, str(small), {})
    with pytest.raises(ToonlabError, match=r"out\.weight is not finite: these weights are damaged"):
        save_weights(path, {**tensors, "out.weight": tensors["out.weight"] * float("nan")}, str(small), {})
    assert not path.exists()
