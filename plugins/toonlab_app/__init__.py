"""`toonlab app`: a page on this machine that turns a photo into a cartoon by every method of a study."""
