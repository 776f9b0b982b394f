"""`python -m toonlab`."""

from .cli.app import main

main()
