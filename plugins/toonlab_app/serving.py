"""The server of the page: at 127.0.0.1 only, for this machine only, and ended by Ctrl+C."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

from toonlab import ToonlabError

if TYPE_CHECKING:
    import gradio

HOST = "127.0.0.1"
_POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"
"""What the page may load: parts of gradio, such as its editor of clips, would else fetch programs from elsewhere."""
_NAMES = [HOST, "localhost"]  # by which the page may be asked for; others may have been pointed here


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for visitors' photos and all that is made of them, which is gone at the end; imports gradio.

    Raises:
        ToonlabError: if the package of the extra is missing.
    """
    with tempfile.TemporaryDirectory(prefix="toonlab-app-", ignore_cleanup_errors=True) as name:
        # gradio reads these when it is imported
        os.environ["GRADIO_TEMP_DIR"] = str(Path(name) / "gradio")
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            import gradio  # noqa: F401
        except ImportError as error:
            raise ToonlabError(f"{error.name} is not installed; pip install 'toonlab[app]'") from error
        work = Path(name) / "work"
        work.mkdir()
        yield work


def bound(port: int) -> socket.socket:
    """A socket at a port of 127.0.0.1; 0 takes a free one.

    Raises:
        ToonlabError: if the port is taken.
    """
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(64)  # a browser that comes before the page is there waits for it
    except OSError as error:
        found.close()
        text = f"--port {port}: can't be used: {error.strerror}; give another, or 0 for a free one"
        raise ToonlabError(text) from error
    return found


def serve(blocks: gradio.Blocks, listener: socket.socket, max_mb: int, ending: Event, **looks: Any) -> None:
    """Serve the page until SIGINT or SIGTERM; requests in progress are waited for shortly.

    Args:
        max_mb: megabytes of the largest file that is taken.
        ending: set as soon as it ends.
        looks: `theme`, `css` and `head` of the page.
    """
    import gradio
    import uvicorn
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            ending.set()
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # open pages are cut off: no errors
            super().handle_exit(sig, frame)

    app = FastAPI(openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_NAMES)
    port = listener.getsockname()[1]
    mounted = gradio.mount_gradio_app(
        app,
        blocks,
        path="",
        server_name=HOST,
        server_port=port,
        footer_links=[],
        run_history=False,
        show_error=True,
        max_file_size=f"{max_mb}mb",
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        **looks,
    )
    blocks._queue.sleep_when_free = 0.05  # seconds between looks for work: Gradio's 0.001 took 7 % of a core
    headers = [("Content-Security-Policy", _POLICY)]
    config = uvicorn.Config(mounted, log_level="warning", timeout_graceful_shutdown=1, ws="none", headers=headers)
    Server(config).run(sockets=[listener])
