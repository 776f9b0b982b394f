"""The executors by their names."""

from __future__ import annotations

from toonlab import discover


def test_the_executors_are_offered() -> None:
    catalogue = discover()
    assert catalogue.names("executors") == ["dask", "local"]
    assert catalogue.get("executors", "local").schema.parameters.keys() == {"jobs", "device"}
    assert catalogue.get("executors", "dask").schema.parameters.keys() == {"scheduler", "jobs", "device", "resource"}
