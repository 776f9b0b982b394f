"""The Python API: `toonlab.train`, `toonlab.compare`, `toonlab.tune`, and their results."""
