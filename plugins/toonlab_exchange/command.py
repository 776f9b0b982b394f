"""The commands `toonlab export` and `toonlab import`."""


def export() -> None:
    """Not there yet."""


def import_weights() -> None:
    """Not there yet."""
