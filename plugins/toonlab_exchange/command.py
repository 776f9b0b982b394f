"""The commands `toonlab export` and `toonlab import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toonlab import ToonlabError, open_weights, printable, save_weights


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run's directory, or a .safetensors file.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="As an ONNX file, for photos of any size.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; left out, generator.onnx in the run, or next to the file.")
    ] = None,
    license: Annotated[
        str | None, typer.Option("--license", help="Of the weights, for the file's metadata; left out, not stated.")
    ] = None,
) -> None:
    """Write a trained generator in a form that other programs run, once onnxruntime agrees with torch."""
    if not onnx:
        raise ToonlabError("name the form: --onnx")
    path = out or (model / "generator.onnx" if model.is_dir() else model.with_suffix(".onnx"))
    _check_free(path)
    from .export import LICENSE, to_onnx

    weights = open_weights(model)
    content = to_onnx(weights.generator, dict(weights.recipe), license or LICENSE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{printable(path)}: {len(content) / 1e6:.1f} MB")


def import_weights(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="ctss, animegan, whitebox or cartoongan.")],
    checkpoint: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TensorFlow checkpoint (its .index), or a PyTorch .pth.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The .safetensors file to write.")],
) -> None:
    """Turn the checkpoint of a method's authors into weights of toonlab; nothing in it is executed."""
    if out.suffix != ".safetensors":
        raise ToonlabError(f"--out {out}: expected a name that ends in .safetensors")
    _check_free(out)
    from .originals import read_original

    found = read_original(method, checkpoint)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(out, found.tensors, found.recipe, found.overrides)
    print(f"{printable(out)}: {found.about}")


def _check_free(path: Path) -> None:
    if path.exists():
        raise ToonlabError(f"{path}: is there already; remove it, or give another --out")
