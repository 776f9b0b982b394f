"""Sets of picture files: which picture an index gives when some are damaged."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from toonlab import ToonlabError
from toonlab_basics.picture_files import Pictures, listed


@given(damaged=st.lists(st.booleans(), min_size=1, max_size=6), cached=st.booleans())
def test_an_index_gives_its_picture_or_the_next_readable_one(tmp_path_factory, damaged: list[bool], cached: bool):
    folder, count = tmp_path_factory.mktemp("p"), len(damaged)
    names = [f"{index}.png" for index in range(count)]
    for index, (name, bad) in enumerate(zip(names, damaged, strict=True)):
        Image.new("RGB", (2, 2), (index,) * 3).save(folder / name)
        if bad:
            (folder / name).write_bytes(b"damaged")
    pictures = Pictures(folder, names, [None] * count, replace=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if cached:
            pictures.decode()
        for index in range(count):
            if all(damaged):
                with pytest.raises(ToonlabError, match="none of its pictures can be decoded"):
                    pictures[index]
                continue
            expected = next(place % count for place in range(index, index + count) if not damaged[place % count])
            assert int(pictures[index].max()) == expected


def test_many_names_are_cut():
    assert listed({f"{index}": "is cut" for index in range(22)}).endswith("19: is cut; and 2 more")
