"""`python -m toonlab`."""

from .cli import main

main()
