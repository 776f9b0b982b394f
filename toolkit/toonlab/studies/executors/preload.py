"""What every run imports, imported once: the server from which the processes of runs are forked imports this.

Where something can't be imported, the run that needs it says so.
"""

from __future__ import annotations

import contextlib
import os
from importlib import import_module

with contextlib.suppress(Exception):
    import torch._dynamo  # by the first optimizer: seconds
    import torch.utils.flop_counter  # noqa: F401

    from toonlab.engine import profiling  # noqa: F401
    from toonlab.registry.catalogue import discover

    from . import process  # noqa: F401

    discover()
for _name in filter(None, os.environ.get("TOONLAB_PRELOAD", "").split(",")):
    with contextlib.suppress(Exception):
        import_module(_name)
