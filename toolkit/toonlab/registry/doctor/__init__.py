"""`toonlab plugins doctor`: what is installed for toonlab, and what is wrong with it."""

from .examine import Diagnosis, Examined, examine
from .listing import show_diagnosis

__all__ = ["Diagnosis", "Examined", "examine", "show_diagnosis"]
