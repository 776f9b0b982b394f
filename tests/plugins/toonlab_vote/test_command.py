"""`toonlab vote`, as a user types it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from toonlab import Poll
from toonlab.cli.app import app


def typed(line: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, shlex.split(line), env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def asked(port: str, path: str, given: str | None = None) -> tuple[int, bytes]:
    with closing(HTTPConnection("127.0.0.1", int(port))) as connection:
        connection.request("POST" if given else "GET", path, given, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_the_plan_tells_how_many_pairs_a_precision_takes(runs: Path) -> None:
    code, out, _ = typed(f"vote three --runs {runs} --plan 20 --pairs 12")
    assert code == 0
    head, _, *crowds, photos = out.splitlines()
    assert head == "three: 3 methods, 4 photos, 3 questions"
    assert [int(line.split()[0]) for line in crowds] == [3, 5, 10, 20, 40]
    assert "no number is enough" in crowds[0]
    poll = Poll("three", runs)
    needed = poll.pairs_needed(0.2, 20)
    assert needed is not None
    assert f"{needed} pairs, " in crowds[3]
    assert poll.precision(20, needed) <= 0.2
    assert f"(12 pairs: ± {100 * poll.precision(20, 12):.0f} points)" in crowds[3]
    assert photos.startswith("4 photos alone leave ± ")
    assert not poll.path.exists()  # nothing has begun


@pytest.mark.parametrize("options", ["", "--lan"])
def test_it_serves_until_it_is_interrupted(
    runs: Path, toonlab: Callable[..., Any], until: Callable[..., None], options: str
) -> None:
    command = toonlab("vote", "three", "--runs", runs, "--port", 0, "--pairs", 5, *options.split())
    until(lambda: "takes votes" in command.stdout)
    assert "votes.jsonl: 0 votes of 0 raters so far" in command.stdout
    assert re.search(r"5 pairs, 1 min each; of 5 raters: ± \d+ points for each question", command.stdout)
    found = re.search(r"http://([\d.]+|[\w-]+):(\d+)/(\S*) takes votes", command.stdout)
    assert found
    host, port, token = found.groups()
    assert options or host == "127.0.0.1"
    assert bool(token) == bool(options)
    assert len(token) in (0, 13)  # `/`, and 12 letters and digits
    assert asked(port, f"/{token}")[0] == 200
    assert asked(port, "/")[0] == (404 if token else 200)
    given = json.dumps({"rater": "ann", "step": 0, "answer": "left"})
    assert json.loads(asked(port, f"/{token}answer", given)[1])["step"] == 1

    second = toonlab("vote", "three", "--runs", runs, "--port", 0)
    assert second.wait() == 2
    assert "votes.jsonl: another process takes votes there; end that one first" in second.stderr
    os.kill(command.pid, signal.SIGINT)
    assert command.wait(60) in (0, 130)
    assert "Traceback" not in command.stderr
    assert len((runs / "three" / "votes.jsonl").read_text().splitlines()) == 2


def test_a_port_that_is_taken_is_named(runs: Path, serve: Callable[..., Any]) -> None:
    port = serve().port
    code, _, errors = typed(f"vote three --runs {runs} --port {port}")
    assert (code, "another process takes votes there" in errors) == (2, True)
    (runs / "three" / "votes.jsonl").rename(runs / "three" / "before.jsonl")
    (runs / "three" / ".votes.jsonl.lock").unlink()
    code, _, errors = typed(f"vote three --runs {runs} --port {port}")
    assert code == 2
    assert re.search(rf"--port {port}: can't be used: .*; give another, or 0 for a free one", errors)


def test_questions_of_a_file(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text("questions:\n  ink:\n    text: Which has the finer lines?\n    photo: loses\n")
    code, out, _ = typed(f"vote three --runs {runs} --questions {tmp_path / 'ask.yaml'} --plan 20")
    assert code == 0
    assert out.startswith("three: 3 methods, 4 photos, 1 questions")
