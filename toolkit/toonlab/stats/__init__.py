"""Statistical tests, intervals and designs."""
