from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toonlab import Batch, Features, PartError, Step
from toonlab_basics import VGG19, Content, RandomFeatures
from toonlab_whitebox import structure
from toonlab_whitebox.adaptive import adaptive
from toonlab_whitebox.structure import Structure

WIDTHS = {1: (64, 2), 2: (128, 2), 3: (256, 4), 4: (512, 4)}  # of VGG19's blocks: channels and convolutions


MODES = pytest.mark.parametrize("mode", ["slic", "adaptive"])


def step(fake: Tensor, photo: Tensor, features: nn.Module) -> Step:
    return Step(Batch(photo, photo), fake, {}, {}, Features(features), torch.Generator())


@pytest.fixture(scope="module")
def vgg(tmp_path_factory) -> str:
    """The weights that the golden arrays were made with."""
    made, inputs = {}, 3
    for block, (width, depth) in WIDTHS.items():
        for index in range(1, depth + 1):
            draw = np.random.RandomState(1000 + len(made))
            kernel = draw.standard_normal((3, 3, inputs, width)) * np.sqrt(2 / (9 * inputs))
            made[f"conv{block}_{index}"] = [kernel.astype(np.float32), 0.1 * draw.standard_normal(width)]
            inputs = width
    path: Path = tmp_path_factory.mktemp("vgg") / "vgg.npy"
    np.save(path, {name: [k, b.astype(np.float32)] for name, (k, b) in made.items()}, allow_pickle=True)
    return str(path)


def test_features_and_their_distance_match_white_box(golden, vgg, images):
    """There images and gradients are BGR, and the distance is divided by what it is the mean of, for one image."""
    arrays = golden("vgg_wb_randomweights")
    x64 = images[..., 64:128, 64:128]
    features = VGG19(vgg, "caffe")
    close(features(x64[:1]).movedim(1, -1), arrays["conv4_4_preact"])
    early = VGG19(vgg, "caffe", "relu1_1")(x64[:1]).movedim(1, -1)[:, ::4, ::4]
    close(early, arrays["conv1_1_postrelu_sub4"])
    fake = x64[4:6].clone().requires_grad_()
    loss = Content()(step(fake, x64[:2], features)) / (8 * 8 * 512)
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["photo_loss"]), rtol=1e-5, atol=0)
    close(fake.grad[:1].flip(1).movedim(1, -1), arrays["dloss_dfake"])


def close(actual: Tensor, expected: np.ndarray) -> None:
    largest = float(np.abs(expected).max())
    torch.testing.assert_close(actual, torch.from_numpy(expected), rtol=0, atol=1e-4 * largest)


@MODES
def test_the_loss_is_the_distance_to_a_constant(images, mode: str):
    """Value and gradient are those with the superpixel version put in by hand."""
    loss, features = Structure(mode), RandomFeatures(width=4)
    fake, by_hand = (images[:2, :, :64, :64].clone().requires_grad_() for _ in range(2))
    value = loss(step(fake, fake, features))
    expected = (features(by_hand) - features(loss.superpixels(by_hand)).detach()).abs().mean()
    value.backward()
    expected.backward()
    assert value > 0
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(fake.grad, by_hand.grad)


class Watched(nn.Module):
    """An extractor that notes which images came with a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.graphs: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.graphs.append(images.requires_grad and torch.is_grad_enabled())
        return 2 * images


def test_features_are_made_once_of_the_fake_and_once_of_the_target_without_a_graph(images):
    watched = Watched()
    fake = images[:2, :, :32, :32].clone().requires_grad_()
    one = step(fake, fake, watched)
    one.features(fake)  # another loss had them before
    Structure()(one)
    assert watched.graphs == [True, False]


@MODES
def test_a_superpixel_version_is_flat_and_of_its_picture(images, mode: str):
    pictures = images[:2]
    painted = Structure(mode).superpixels(pictures)
    assert painted.shape == pictures.shape
    assert not painted.requires_grad
    assert painted.abs().max() <= 1
    for image, flat in zip(pictures, painted, strict=True):
        assert len(flat.flatten(1).unique(dim=1).T) <= 200
        assert torch.corrcoef(torch.stack([image.flatten(), flat.flatten()]))[0, 1] > 0.85


@MODES
@pytest.mark.usefixtures("two_threads")
def test_reruns_have_the_same_bits(images, mode: str):
    assert torch.get_num_threads() == 2
    first = Structure(mode, coloring="mixed").superpixels(images[:3])
    again = Structure(mode, coloring="mixed").superpixels(images[:3])
    assert torch.equal(first, again)
    assert torch.equal(Structure(mode, coloring="mixed").superpixels(images[1:2]), first[1:2])


def test_mixed_colours_of_superpixels(images):
    mean, mixed = (Structure(coloring=name).superpixels(images[:1]) for name in ("mean", "mixed"))
    assert not torch.equal(mean, mixed)
    assert torch.equal(Structure(coloring="mixed", gamma1=200, gamma2=200).superpixels(images[:1]), mean)


def test_power_adds_contrast_and_the_brightest_is_white(images):
    plain, strong = (Structure("adaptive", power=power).superpixels(images[:2]) for power in (1.0, 1.5))
    assert plain.amax((1, 2, 3)).tolist() == strong.amax((1, 2, 3)).tolist() == [1, 1]
    assert strong.mean() < plain.mean()


def test_black_stays_black():
    """White-box's division by the largest value gives NaN."""
    black = torch.full((2, 3, 16, 16), -1.0)
    assert torch.equal(Structure("adaptive").superpixels(black), black)


@MODES
def test_what_no_picture_has_is_clipped_and_a_diverged_network_does_not_fail_here(images, mode: str):
    """White-box's power makes NaN of values below -1; the NaN of a network must reach the engine as a loss."""
    picture = 1.5 * images[:2, :, :48, :48]
    assert torch.equal(Structure(mode).superpixels(picture), Structure(mode).superpixels(picture.clamp(-1, 1)))
    broken = picture.clone()
    broken[0, 0, 0, 0] = torch.nan
    assert Structure(mode).superpixels(broken).isfinite().all()
    assert Structure(mode)(step(broken, broken, nn.Identity())).isnan()


def test_other_than_three_channels():
    with pytest.raises(PartError, match=r"structure: expected \(B, 3, H, W\) float, got \(1, 1, 8, 8\)"):
        Structure().superpixels(torch.zeros(1, 1, 8, 8))


def test_the_target_is_like_the_fake(images):
    assert Structure().superpixels(images[:1, :, :32, :32].bfloat16()).dtype == torch.bfloat16


def test_the_same_however_many_threads(images, monkeypatch):
    pictures = images[:3, :, :96, :96]
    together = structure.start(adaptive, pictures)()
    monkeypatch.setattr(structure, "cores", lambda: 1)
    assert torch.equal(structure.start(adaptive, pictures)(), together)
    assert together.shape == (3, 96, 96)
    assert together.dtype == torch.int64


def test_pictures_are_worked_on_at_once_beside_the_caller(monkeypatch):
    """Each waits for the others and for the caller, who goes on meanwhile."""
    monkeypatch.setattr(structure, "cores", lambda: 2)
    meeting = threading.Barrier(3, timeout=60)

    def work(picture: np.ndarray) -> np.ndarray:
        meeting.wait()
        return picture[..., 0].astype(np.int64)

    wait = structure.start(work, torch.arange(2.0).view(2, 1, 1, 1))
    meeting.wait()
    assert wait().flatten().tolist() == [0, 1]


def test_an_error_reaches_the_caller():
    def fail(picture: np.ndarray) -> np.ndarray:
        raise ValueError("no such picture")

    wait = structure.start(fail, torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match="no such picture"):
        wait()


def test_an_interrupt_while_waiting_ends_the_process():
    """As Ctrl-C does to a training: what has begun is finished, nothing is left, and nothing is said but the cause."""
    program = """
import os, signal, threading, time
import numpy as np, torch
from toonlab_whitebox.structure import start

ready = threading.Event()

def work(picture):
    ready.wait()
    time.sleep(0.3)
    if picture.max() > 0:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.3)
    return picture[..., 0].astype(np.int64)

wait = start(work, torch.tensor([0.0, 1.0]).view(2, 1, 1, 1))
print("waiting", flush=True)
ready.set()
wait()
print("not reached")
"""
    command = [sys.executable, "-W", "error", "-c", program]
    if structure.cores() == 1:
        pytest.skip("with one core nothing waits")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "waiting\n"
    assert done.stderr.strip().endswith("KeyboardInterrupt")
    assert done.returncode in (1, 130, -2)
