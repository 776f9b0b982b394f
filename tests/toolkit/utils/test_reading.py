"""Files that are read back: what does not fit is one line with the file, the field and the remedy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from toonlab import ToonlabError
from toonlab.utils.reading import parse_json, read_bytes, read_json, read_state_dict, shortened

KIND = TypeAdapter(dict[str, int])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "a.json", KIND, "delete it") == {"a": 1}


@pytest.mark.parametrize("name", ["missing", "file/missing"])
def test_a_file_that_is_not_there_is_no_mistake(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / name, "delete it")


def test_only_files_of_a_limited_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")  # to open it would hang for ever
    (tmp_path / "large").write_bytes(bytes(9))
    for name, says in (("folder", "is not a file"), ("pipe", "is not a file"), ("large", "has more than 8 bytes")):
        with pytest.raises(ToonlabError, match=f"{name}: {says}; delete it"):
            read_bytes(tmp_path / name, "delete it", largest=8)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": "1"}', "a: got '1', input should be a valid integer"),
        ("[]", r"got \[\], input should be an object"),
        (b"\xff", "invalid JSON: expected value"),
        ('{"a":' * 300, "invalid JSON: recursion limit exceeded"),
        ('{"a": ' + "1" * 5000 + "}", "invalid JSON: number out of range"),
    ],
)
def test_what_does_not_fit_is_one_line_with_field_and_remedy(tmp_path: Path, text: str | bytes, says: str) -> None:
    (tmp_path / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ToonlabError, match=f"^.*a.json: can't be read: {says}.*; delete it$"):
        read_json(tmp_path / "a.json", KIND, "delete it")


@given(st.one_of(st.binary(), st.text()))
def test_any_text_is_a_value_or_one_line(text: str | bytes) -> None:
    answer = ""
    try:
        parse_json(text, KIND)
    except ValueError as error:
        answer = str(error)
    assert "\n" not in answer


@given(st.binary())
def test_bytes_of_names_that_are_no_utf8_are_read_as_escapes(name: bytes) -> None:
    text = os.fsdecode(b"/a\\\xff" + name + b"\xe9")
    (read,) = parse_json(json.dumps([text]), TypeAdapter(list[str]))
    assert read == os.fsencode(text).decode(errors="backslashreplace")


def test_long_texts_are_cut() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"


def test_tensors_are_read_in_their_order(tmp_path: Path) -> None:
    torch.save({"b": torch.ones(2), "a": torch.zeros(1)}, tmp_path / "w.pth")
    state = read_state_dict(tmp_path / "w.pth")
    assert list(state) == ["b", "a"]
    assert state["b"].tolist() == [1, 1]


class Thing:
    """What must not come to life when a file is read."""

    made: ClassVar[int] = 0

    def __init__(self) -> None:
        Thing.made += 1

    def __reduce__(self) -> tuple[type[Thing], tuple[()]]:
        return Thing, ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"nothing", "is no state dict that torch can load"),
        ({"a": [Thing()]}, "holds more than tensors, or is damaged; nothing in it was executed"),
        ([1], "holds list, expected a state dict"),
        ({"state_dict": {"a": 1}}, "holds dict, expected a state dict of tensors alone"),
    ],
)
def test_a_file_of_anything_else_is_one_line_and_never_executed(tmp_path: Path, content: object, says: str) -> None:
    path, before = tmp_path / "w.pth", Thing.made
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(ToonlabError, match=says) as caught:
        read_state_dict(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert Thing.made == before
