"""`toonlab new`: a small distribution with one plugin of any kind, that works at once."""

from .project import KINDS, Project, create

__all__ = ["KINDS", "Project", "create"]
