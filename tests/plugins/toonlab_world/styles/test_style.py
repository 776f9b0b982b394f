from __future__ import annotations

from dataclasses import asdict

import pytest
from pydantic import TypeAdapter, ValidationError

from toonlab_world.styles.style import STYLES, AnyStyle, Style, style_of

ANY = TypeAdapter(AnyStyle)


@pytest.mark.parametrize("name", STYLES)
def test_the_named_styles_are_within_the_limits_of_their_parameters(name):
    assert ANY.validate_python(asdict(STYLES[name])) == STYLES[name]


def test_what_is_not_given_is_as_in_bold():
    assert Style() == STYLES["bold"]
    assert ANY.validate_python({"tones": 2}) == Style(tones=2)


def test_a_name_stands_for_its_style_and_a_style_for_itself():
    own = Style(tones=1)
    assert style_of("flat") is STYLES["flat"]
    assert style_of(own) is own


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"line_width": 0}, "line_width: Input should be greater than 0"),
        ({"tones": 5}, "tones: Input should be less than or equal to 4"),
        ({"wash": (0, 0, 2)}, "wash.2: Input should be less than or equal to 1"),
        ({"linewidth": 1}, "linewidth: Unexpected keyword argument"),
        ("loud", "'soft', 'bold' or 'flat'"),
    ],
)
def test_a_wrong_parameter_is_named(given, message):
    with pytest.raises(ValidationError, match=message):
        ANY.validate_python(given)
