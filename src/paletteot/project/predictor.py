"""The model that MLflow loads: potentials from palettes. Code and safetensors: nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc.model import PythonModel

import paletteot.warmstarts as warmstarts
from paletteot.ot.problem import Problems


class Predictor(PythonModel):
    """Predict target potentials with a trained warm start."""

    def load_context(self, context: Any) -> None:
        """Read the weights."""
        self.start = warmstarts.create(context.model_config["name"], Path(context.artifacts["weights"]))

    # No type hints: MLflow would take them for its own kind of signature.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """Return g (n, l), float64, LAB units.

        model_input: x (n, k, 3) and y (n, l, 3) in CIELAB, a (n, k) and b (n, l), float64. params: eps, LAB units.
        """
        x, a, y, b = (np.asarray(model_input[name], dtype=np.float64) for name in ("x", "a", "y", "b"))
        rows = np.arange(len(x))
        return self.start.start(Problems(x, a, y, b, (params or {})["eps"], rows, rows)).g


mlflow.models.set_model(Predictor())
