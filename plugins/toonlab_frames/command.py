"""The commands `toonlab frames` and `toonlab photos`."""


def frames() -> None:
    """Not there yet."""


def photos() -> None:
    """Not there yet."""
