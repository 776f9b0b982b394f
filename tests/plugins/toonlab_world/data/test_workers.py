from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from toonlab import ToonlabError
from toonlab_world.data.workers import spread

CHUNKS = """
import os

def note(folder, indices):
    for index in indices:
        with open(os.path.join(folder, str(index)), "x") as file:  # "x": twice the same index would fail
            file.write(str(os.getpid()))

def die(indices):
    os._exit(1)

def refuse(indices):
    from toonlab import ToonlabError
    raise ToonlabError("no room for these")
"""


@pytest.fixture
def chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Functions in a module that spawned processes can import, too."""
    (tmp_path / "world_test_chunks.py").write_text(CHUNKS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import world_test_chunks

    return world_test_chunks


@pytest.mark.parametrize(("count", "processes"), [(1, 1), (37, 1), (37, 2)])
def test_every_scene_is_worked_on_once(chunks, tmp_path, count, processes):
    folder = tmp_path / "done"
    folder.mkdir()
    spread(partial(chunks.note, str(folder)), count, 32, "testing", processes)
    assert {int(path.name) for path in folder.iterdir()} == set(range(count))


def test_small_work_stays_in_this_process_and_says_nothing(chunks, tmp_path, capsys):
    folder = tmp_path / "done"
    folder.mkdir()
    spread(partial(chunks.note, str(folder)), 10, 32, "testing")
    import os

    assert {path.read_text() for path in folder.iterdir()} == {str(os.getpid())}
    assert capsys.readouterr().err == ""


def test_long_work_says_in_one_line_what_it_does_where_there_is_no_terminal(chunks, tmp_path, capsys):
    folder = tmp_path / "done"
    folder.mkdir()
    spread(partial(chunks.note, str(folder)), 3, 2048, "rendering three", processes=1)
    assert capsys.readouterr().err == "rendering three\n"


def test_a_process_that_dies_is_an_error_that_says_what_to_do(chunks):
    with pytest.raises(ToonlabError, match=r"rendering process died.*__main__"):
        spread(chunks.die, 4, 32, "testing", processes=2)


def test_an_error_in_a_process_arrives_here(chunks):
    with pytest.raises(ToonlabError, match="no room for these"):
        spread(chunks.refuse, 4, 32, "testing", processes=2)
