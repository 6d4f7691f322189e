"""Show the page of colour transfer."""

from __future__ import annotations

from typing import Annotated

import typer

from paletteot.app.serving import LOOPBACK


def app(
    host: Annotated[str, typer.Option(help="address to listen on; only this machine can reach the default")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="port to listen on", min=1, max=65535)] = 7860,
    browser: Annotated[bool, typer.Option("--browser", help="open the page in a browser")] = False,
) -> None:
    """Show a page to try colour transfer, until Ctrl-C."""
    from paletteot.app import serving

    if not serving.is_loopback(host):
        typer.echo(f"warning: whoever can reach {host} can use the page; it asks for no password", err=True)
    serving.serve(host, port, typer.echo, browser=browser)
