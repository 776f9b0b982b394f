"""The modules that make the site's further pages, which are no package of the suite."""

from __future__ import annotations

import sys

from .blocks import ROOT

sys.path.insert(0, str(ROOT / "docs" / "hooks"))
import elsewhere
from reference import commands, names, parts, recipes

sys.path.pop(0)
__all__ = ["commands", "elsewhere", "names", "parts", "recipes"]
