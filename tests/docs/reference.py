"""The modules that make the site's further pages, which are no package of the suite."""

from __future__ import annotations

import elsewhere
from reference import commands, names, parts, recipes

__all__ = ["commands", "elsewhere", "names", "parts", "recipes"]
