"""The frame of `dvc plots show` with Vega inside it: DVC's own loads Vega from a network, and is blank without one."""

from __future__ import annotations

import vl_convert


def offline_template() -> str:
    """Return the HTML template for DVC's option ``plots.html_template``; DVC fills in {plot_divs}."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>PaletteOT: plots</title>{refresh_tag}'
        f"<script>{bundle}</script></head><body>{{plot_divs}}</body></html>\n"
    )
