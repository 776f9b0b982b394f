"""What commands and trackers write for people: names of files, durations, and addresses without their passwords."""

import re
from urllib.parse import unquote, urlsplit, urlunsplit


def printable(name: object) -> str:
    """A path or a name as one line that can be printed: as it is, or quoted with escapes where it can't be."""
    text = str(name)
    return text if text.isprintable() else repr(text)


def with_article(noun: str) -> str:
    """`a sampler`, `an objective`; `features`, the plural, has none."""
    return noun if noun == "features" else f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def several(count: int, what: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def shown(label: str) -> str:
    """A label for people: `lr 0.00047404814449621233` -> `lr 0.000474`."""
    return re.sub(r"\d+\.\d{5,}(e[-+]?\d+)?", lambda value: f"{float(value[0]):.3g}", label)


def duration(seconds: float) -> str:
    """A time in seconds as text: `0:20`, `2:01:40`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def without_password(uri: str) -> str:
    """The URI of a server or a database as it may be shown."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.netloc.rpartition('@')[2]}"))


def hide_password(text: str, uri: str) -> str:
    """A text that may quote the URI, such as an error's, without its password."""
    password = urlsplit(uri).password
    for secret in filter(None, (password, unquote(password or ""))):
        text = text.replace(secret, "***")
    return text
