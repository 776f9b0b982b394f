"""`toonlab plugins doctor`: what is installed for toonlab, from where, and its problems."""

from __future__ import annotations

from .examine import Clash, Diagnosis, DuplicateInstall, Examined, examine
from .listing import show_diagnosis

__all__ = ["Clash", "Diagnosis", "DuplicateInstall", "Examined", "examine", "show_diagnosis"]
