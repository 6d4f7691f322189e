"""The page on a port of this machine, until it is interrupted."""

from __future__ import annotations

import ipaddress
import os
import threading
import time
from collections.abc import Callable

from paletteot.app.scratch import scratch
from paletteot.errors import ParamsError
from paletteot.extras import MissingPackageError

LOOPBACK = "127.0.0.1"


def serve(host: str, port: int, say: Callable[[str], None], *, browser: bool = False) -> None:
    """Show the page until SIGINT or SIGTERM; nothing that visitors sent is left.

    host: an address of this machine. say: takes a line, the page's address. browser: whether to open it in one.
    Raises ParamsError where the port cannot be had, MissingPackageError without gradio.
    """
    os.environ.update({"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"})
    with scratch():
        try:
            from paletteot.app.page import launching, page
        except ModuleNotFoundError as error:
            if error.name != "gradio":
                raise
            raise MissingPackageError("this needs gradio: pip install 'paletteot[app]'") from error
        made = page()
        try:
            made.launch(server_name=host, server_port=port, inbrowser=browser, prevent_thread_lock=True, **launching())
        except OSError:
            raise ParamsError(f"--host and --port must be free to listen on, but {host}:{port} is not") from None
        threading.Thread(target=_warm, daemon=True).start()
        say(f"the page is at http://{f'[{host}]' if ':' in host else host}:{port}/ until Ctrl-C")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            say("closed; nothing of what was sent is kept")


def _warm() -> None:
    """Have what is compiled at its first use compiled, before somebody waits for it."""
    from paletteot.app import studio
    from paletteot.app.pairs import PAIRS

    for pair in PAIRS:
        studio.preview(*pair.files, studio.PLAIN)
        studio.flow(*pair.files, studio.PLAIN)


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
