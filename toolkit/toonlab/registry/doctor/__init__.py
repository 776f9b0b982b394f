"""`toonlab plugins doctor`: what is installed for toonlab, from where, and what is wrong with it."""

from __future__ import annotations

from .diagnosis import Checked, Clash, Diagnosis, Trouble, Twice
from .examine import examine
from .listing import show_diagnosis

__all__ = ["Checked", "Clash", "Diagnosis", "Trouble", "Twice", "examine", "show_diagnosis"]
