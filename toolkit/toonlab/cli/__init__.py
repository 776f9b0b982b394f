"""The command line, thin over `toonlab.api`."""
