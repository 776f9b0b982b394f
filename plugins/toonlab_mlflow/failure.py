"""Why MLflow failed, in a few words: its own messages are paragraphs, and quote passwords."""

from __future__ import annotations

from collections.abc import Iterator

from toonlab.utils.text import hide_password

_LONGEST = 200  # characters


def reason(error: BaseException, uri: str) -> str:
    """`connection refused`, `connection lost`, `no answer in time`, …; else the error's first line."""
    from requests.exceptions import ConnectionError as RequestFailed
    from requests.exceptions import Timeout

    causes = list(_causes(error))
    if any(isinstance(cause, Timeout | TimeoutError) for cause in causes):
        return "no answer in time"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            where = f": {cause.filename}" if cause.filename else ""
            return f"{cause.strerror[:1].lower()}{cause.strerror[1:]}{where}"
    if any(isinstance(cause, RequestFailed) for cause in causes):  # hung up in the middle: the system gives no reason
        return "connection lost"
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    text = hide_password(line, uri)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
