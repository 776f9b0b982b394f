"""toonlab from Python: what `toonlab.train`, `toonlab.compare` and `toonlab.tune` do, and what they return."""
