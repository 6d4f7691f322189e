"""The page of colour transfer as a Hugging Face Space; `paletteot publish space` puts the package beside this file."""

import os

from paletteot.app.serving import serve
from paletteot.endings import one_line

if __name__ == "__main__":
    with one_line():
        serve("0.0.0.0", int(os.environ.get("GRADIO_SERVER_PORT", "7860")), print)
