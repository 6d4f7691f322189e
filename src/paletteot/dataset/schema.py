"""Every column of the data set's tables: name, dtype, unit and meaning, written here and nowhere else."""

from __future__ import annotations

import polars as pl

from paletteot.tables import DIGEST, Column, Table

GAUGE = "sum_j b_j g_j = 0"
"""The constant that potentials are unique up to is fixed by this equation; g is 0 where the weight is 0."""

IMAGES: Table = {
    "image_id": Column(pl.String, "name of the picture; the file is <image_id>.jpg"),
    "photograph": Column(pl.String, "the photograph that it shows, all of it or a crop"),
    "group": Column(pl.String, "photograph with its like, photographer or folder; no group is on two sides of a split"),
    "source": Column(pl.String, "package or archive the photograph came from, with its version"),
    "licence": Column(pl.String, "SPDX identifier or the words of the source"),
    "attribution": Column(pl.String, "who made the photograph and where it was published"),
    "place": Column(pl.String, "where its original is: a path in its package or folder, a URL, a row"),
    "original_sha256": Column(pl.String, "SHA-256 of the original file"),
    "crop": Column(pl.Array(pl.Int32, 4), "left, top, right, bottom in the photograph", "pixel"),
    "grading": Column(pl.String, "parameters of the colour grading, JSON"),
    "width": Column(pl.Int32, "width of the picture", "pixel"),
    "height": Column(pl.Int32, "height of the picture", "pixel"),
    "sha256": Column(pl.String, "SHA-256 of the JPEG file"),
    "digest": DIGEST,
}

REJECTED: Table = {
    "place": Column(pl.String, "where the original is, or should be"),
    "reason": Column(pl.String, "why there is no picture of it"),
}

PAIRS: Table = {
    "pair_id": Column(pl.Int32, "number of the ordered pair, from 0"),
    "split": Column(pl.String, "train, validation_seen, validation_unseen, test_seen or test_unseen"),
    "source": Column(pl.String, "image_id of the source palette (x, a)"),
    "target": Column(pl.String, "image_id of the target palette (y, b)"),
}


def palettes(k: int) -> Table:
    """Return the table of palettes of k atoms."""
    return {
        "image_id": Column(pl.String, "the picture"),
        "photograph": Column(pl.String, "the photograph that the picture shows, all of it or a crop"),
        "group": Column(pl.String, "photograph with its like, photographer or folder that the picture belongs to"),
        "centroids": Column(pl.Array(pl.Float64, (k, 3)), "support: CIELAB centroids; 0 where the weight is 0", "LAB"),
        "weights": Column(pl.Array(pl.Float64, k), "share of the pixels; sums to 1; 0 means no atom"),
        "inertia": Column(pl.Float64, "mean squared distance of a pixel to its centroid", "LAB^2"),
        "colours": Column(pl.Int32, "distinct 24-bit colours of the picture"),
        "digest": DIGEST,
    }


def plans(k: int) -> Table:
    """Return the table of plans between palettes of k atoms."""
    return {
        **PAIRS,
        "eps": Column(pl.Float64, "entropic regularisation", "LAB"),
        "g": Column(pl.Array(pl.Float64, k), f"target potential, float64; gauge {GAUGE}", "LAB"),
        "source_error": Column(pl.Float64, "L1 error of the source marginal of the plan rebuilt from g"),
        "target_error": Column(pl.Float64, "L1 error of the target marginal of the plan rebuilt from g"),
        "primal": Column(pl.Float64, "<P, C> + eps KL(P || a b^T) of the plan rebuilt from g", "LAB"),
        "dual": Column(pl.Float64, "<f, a> + <g, b>, with f the row update of g", "LAB"),
        "gap": Column(pl.Float64, "primal - dual; may fall below 0 by rounding and target_error", "LAB"),
        "passes": Column(pl.Int32, "passes over the kernel that the solver spent on g", "iteration"),
        "newton_steps": Column(pl.Int32, "Newton steps after them; 0 where the passes were enough"),
        "cold_iterations": Column(pl.Int32, "reference count from a cold start; the cap where not converged",
                                  "iteration", nullable=True),
        "cold_converged": Column(pl.Boolean, "false: right-censored at the cap", nullable=True),
        "digest": DIGEST,
    }  # fmt: skip


RELEASED = ("plans", "palettes", "images")
"""The tables of a release."""


def released(k: int) -> dict[str, Table]:
    """Return the tables of a release by their names, for palettes of k atoms."""
    return dict(zip(RELEASED, (plans(k), palettes(k), IMAGES), strict=True))
