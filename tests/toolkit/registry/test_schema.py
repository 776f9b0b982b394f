"""A factory's signature is its configuration schema."""

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import torch
from pydantic import AfterValidator, Field

from toonlab.registry.protocols import Tunable
from toonlab.registry.schema import Parameter, Schema, SchemaError, Typed


@dataclass(frozen=True)
class Patches:
    size: Annotated[int, Field(gt=0), Tunable(16, 128, step=16)] = 64
    rank: Literal["batch", "image"] = "batch"
    folder: Path | None = None
    copy: float = 1.0  # would shadow a method of pydantic's models
    keep: Annotated[int, Field(ge=1)] | None = None


def test_valid_values_are_converted_and_defaults_filled_in() -> None:
    values, problems = Schema.of(Patches).validate({"size": "48", "copy": "1e-3", "folder": "a/b"}, "sampler")
    assert not problems
    assert values == {"size": 48, "rank": "batch", "folder": Path("a/b"), "copy": 1e-3, "keep": None}


def test_all_problems_are_reported_each_with_path_value_and_expectation() -> None:
    given = {"size": 0, "rank": "imag", "siez": 3, "keep": True, "copy": "???"}
    _, problems = Schema.of(Patches).validate(given, "critics.patch.sampler")
    texts = {p.path: p.message for p in problems}
    assert texts["critics.patch.sampler.size"] == "got 0, expected int, > 0"
    assert texts["critics.patch.sampler.rank"] == "got 'imag', expected batch | image"
    assert "did you mean 'size'?" in texts["critics.patch.sampler.siez"]
    assert "got True" in texts["critics.patch.sampler.keep"]
    assert "must be given" in texts["critics.patch.sampler.copy"]


def test_search_range_and_constraints_are_read_from_the_annotation() -> None:
    size = Schema.of(Patches).parameters["size"]
    assert size.tunable == Tunable(16, 128, step=16)
    assert size.expected == "int, > 0"
    assert Schema.of(Patches).parameters["keep"].expected == "int | null, >= 1"


def test_values_go_to_json_and_back() -> None:
    parameter = Schema.of(Patches).parameters["folder"]
    assert parameter.to_json(Path("a/b")) == "a/b"


def _bare(size) -> None: ...


def _kwargs(**anything: int) -> None: ...


def _reserved(weight: float = 1.0) -> None: ...


def _positional(size: int, /) -> None: ...


def _wrong_default(size: Annotated[int, Field(gt=0)] = 0) -> None: ...


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        (_bare, "'size' has no annotation"),
        (_kwargs, r"\*\*anything"),
        (_reserved, "'weight' has a reserved name"),
        (_positional, "positional-only"),
        (_wrong_default, "the default of parameter 'size' is 0, which is not int, > 0"),
    ],
)
def test_signatures_that_cannot_be_a_schema_are_refused(factory: object, says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        Schema.of(factory)


def test_torch_classes_are_read_too() -> None:
    schema = Schema.of(torch.optim.Adam, skip=frozenset({"params"}), strict=False)
    values, problems = schema.validate({"lr": "1e-3", "beta": 1}, "optimizer")
    assert values["lr"] == 1e-3
    assert [p.path for p in problems] == ["optimizer.beta"]


def test_tunable_refuses_an_empty_range() -> None:
    with pytest.raises(ValueError, match="low 3 is above high 2"):
        Tunable(3, 2)


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError("even; a window has a centre")
    return size


@dataclass(frozen=True)
class Window:
    size: Annotated[int, AfterValidator(_odd)] = 3
    names: list[str] = field(default_factory=lambda: ["a"])
    exact: Literal[True, "yes"] | None = None
    sides: tuple[int, int] = (1, 1)
    steps: Annotated[int, Field(multiple_of=4)] | None = None


def test_a_validators_own_text_is_told() -> None:
    _, problems = Schema.of(Window).validate({"size": 4, "steps": 6}, "at")
    assert [str(problem) for problem in problems] == [
        "at.size: got 4, expected int (even; a window has a centre)",
        "at.steps: got 6, expected int | null, a multiple of 4",
    ]


def test_types_are_written_as_in_a_recipe() -> None:
    parameters = Schema.of(Window).parameters
    assert [parameter.type_name for parameter in parameters.values()] == [
        "int",
        "list[str]",
        "True | yes | null",
        "tuple[int, int]",
        "int | null",
    ]


def test_defaults_are_no_ones_own() -> None:
    schema = Schema.of(Window)
    values, _ = schema.validate({}, "at")
    values["names"].append("b")
    assert schema.validate({}, "at")[0]["names"] == ["a"]


def test_true_is_no_number() -> None:
    values, problems = Schema.of(Window).validate({"exact": True, "size": True}, "at")
    assert values["exact"] is True
    assert [problem.path for problem in problems] == ["at.size"]


def test_what_is_required_is_told_with_its_type() -> None:
    def factory(photos: Path, count: Annotated[int, Field(ge=1)]) -> None: ...

    values, problems = Schema.of(factory).validate({"count": "???"}, "data")
    assert values == {}
    assert [str(problem) for problem in problems] == [
        "data.photos: missing; give Path",
        "data.count: must be given: data.count=…, int, >= 1",
    ]


def test_what_the_engine_fills_in_is_no_parameter() -> None:
    def factory(in_channels: int, width: int = 8) -> None: ...

    schema = Schema.of(factory, skip=frozenset({"in_channels"}))
    assert list(schema.parameters) == ["width"]
    assert schema.validate({"in_channels": 3}, "at")[1][0].path == "at.in_channels"


def test_a_signature_is_read_once_where_its_factory_has_a_hash() -> None:
    assert Schema.of(Window) is Schema.of(Window)

    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, size: int = 1) -> int:
            return size

    factory = Unhashable()
    with pytest.raises(SchemaError, match="its annotations can't be read"):
        Schema.of(factory)
    assert list(Schema.of(factory.__call__).parameters) == ["size"]


def test_annotations_that_name_nothing_are_refused() -> None:
    def factory(size: "Nothing") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(SchemaError, match="its annotations can't be read: name 'Nothing' is not defined"):
        Schema.of(factory)


def test_names_that_torch_imports_for_type_checkers_only_are_known() -> None:
    schema = Schema.of(torch.optim.lr_scheduler.MultiStepLR, frozenset({"optimizer"}), strict=False)
    assert schema.validate({"milestones": [1, 3]}, "")[0]["milestones"] == [1, 3]
    assert str(schema.validate({"milestones": 3}, "")[1][0]) == "milestones: got 3, expected list[int]"
    assert Schema.of(torch.optim.lr_scheduler.CyclicLR, frozenset({"optimizer"}), strict=False).parameters


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_is_finite(value: float) -> None:
    def make(rate: float, share: Annotated[float, Field(gt=0)] | None = None) -> None: ...

    _, problems = Schema.of(make).validate({"rate": value, "share": value}, "")
    assert [problem.path for problem in problems] == ["rate", "share"]


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "null", "null"),
        (str, "", None),
        (str | None, "null", None),
        (Path | None, "~", "~"),
        (int | str, "5", 5),
        (int | str, "05x", "05x"),
        (int | str, "2024-05-01", "2024-05-01"),
        (bool | str, "yes", True),
        (bool | str | None, "null", None),
        (str | list[str], "[a, b]", ["a", "b"]),
        (str | list[str], "[a, b", "[a, b"),
        (Literal["on", "no"], "no", "no"),
        (Literal["on", 1], "1", 1),
        (Annotated[Path, "about"], "2024", "2024"),
        (int, "5", 5),
        (list[str], "[x, y]", ["x", "y"]),
        (Any, "no", False),
    ],
)
def test_a_typed_value_is_text_where_text_is_expected(annotation: Any, text: str, value: object) -> None:
    parameter = Parameter("x", annotation, inspect.Parameter.empty)
    read = parameter.read(Typed(text), "x")
    assert (read, type(read)) == (value, type(value))
    valid, problems = Schema({"x": parameter}).validate({"x": Typed(text)}, "")
    assert problems or valid["x"] == (Path(str(value)) if "Path" in str(annotation) else value)


def test_a_path_may_begin_with_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(folder: Path, maybe: Path | None = None, text: str = "") -> None: ...

    monkeypatch.setenv("FRAMES", "/films/one")
    given = {"folder": "$FRAMES/train", "maybe": "$FRAMES", "text": "$FRAMES"}
    values, problems = Schema.of(part).validate(given, "data")
    assert not problems
    assert values == {"folder": Path("/films/one/train"), "maybe": Path("/films/one"), "text": "$FRAMES"}
    assert Schema.of(part).validate({"folder": "$NOWHERE/train"}, "data")[0]["folder"] == Path("$NOWHERE/train")
