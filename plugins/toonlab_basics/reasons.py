"""Other libraries' errors as part of a one-line message of ours."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """What an error says, without the paragraphs that may follow; its type where it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__
