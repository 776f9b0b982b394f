"""Which executor a study gets, and when it is connected."""

from __future__ import annotations

import pytest

from toonlab import PluginError, RecipeError, discover
from toonlab.studies.executors.options import ExecutionOptions, session


def test_the_command_line_replaces_the_executor_of_the_file_and_jobs_are_added_to_either() -> None:
    catalogue = discover()
    assert len(ExecutionOptions(parameters={"device": "cpu"}).make({}, catalogue).slots) == 1
    of_file = {"use": "local", "jobs": 2, "device": "cpu"}
    assert len(ExecutionOptions().make(of_file, catalogue).slots) == 2
    assert len(ExecutionOptions(parameters={"jobs": 1}).make(of_file, catalogue).slots) == 1
    assert len(ExecutionOptions(executor={"use": "local", "device": "cpu"}).make(of_file, catalogue).slots) == 1


def test_an_unknown_executor_or_parameter_is_told_in_a_line() -> None:
    with pytest.raises(PluginError, match="'locale': no such executor; did you mean 'local'"):
        ExecutionOptions(executor={"use": "locale"}).make(None, discover())
    with pytest.raises(RecipeError, match=r"executor: local.job: unknown; did you mean 'jobs'"):
        ExecutionOptions().make({"use": "local", "job": 2}, discover())


def test_a_session_connects_at_its_first_use_and_disconnects_at_the_end() -> None:
    seen: list[str] = []

    class Recorded:
        slots = ()
        submit = stop = None

        def __enter__(self) -> Recorded:
            seen.append("connected")
            return self

        def __exit__(self, *_: object) -> None:
            seen.append("disconnected")

    with session(Recorded()):  # type: ignore[arg-type]
        pass
    assert seen == []
    with session(Recorded()) as connect:  # type: ignore[arg-type]
        assert connect() is connect()
        assert seen == ["connected"]
    assert seen == ["connected", "disconnected"]
