"""The same bits on every CPU: data stages at the quickstart's scale, compiled for several, fresh and cached."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import polars as pl
import pytest
import yaml
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

import workspace
from paletteot.files import sha256

STAGES = ("images", "palettes", "pairs", "plans")
CHANGE = yaml.safe_load((workspace.ROOT / "scripts" / "quickstart.yaml").read_text())
KINDS = {
    "this": {},
    "generic": {"NUMBA_CPU_NAME": "generic", "OPENBLAS_CORETYPE": "Nehalem"},
    "haswell": {"NUMBA_CPU_NAME": "haswell", "OPENBLAS_CORETYPE": "Haswell"},
    "skylake-avx512": {"NUMBA_CPU_NAME": "skylake-avx512", "OPENBLAS_CORETYPE": "SkylakeX"},
}
"""Environments that make numba compile, and OpenBLAS choose its kernels, for a CPU; NumPy is held to what that has."""

LACKS = {"generic": ("X86_V3", "X86_V4", "AVX512"), "haswell": ("X86_V4", "AVX512")}
NEEDS = {"haswell": "avx2", "skylake-avx512": "avx512f"}


def environment(kind: str, cache: Path) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "NPY_"))}
    disabled = [name for name in __cpu_dispatch__ if name.startswith(LACKS.get(kind, ())) and __cpu_features__[name]]
    return {
        **known,
        **KINDS[kind],
        **({"NUMBA_CPU_FEATURES": ""} if KINDS[kind] else {}),
        **({"NPY_DISABLE_CPU_FEATURES": " ".join(disabled)} if LACKS.get(kind) and disabled else {}),
        "NUMBA_CACHE_DIR": str(cache),
    }


def made(folder: Path, kind: str, cache: Path, workers: int) -> dict[str, str]:
    """Run the stages as a CPU of a kind does; return the hash of each file of data/."""
    workspace.make(folder, {**CHANGE, "workers": workers})
    for stage in STAGES:
        command = [sys.executable, "-m", "paletteot.stages", stage]
        run = subprocess.run(
            command, cwd=folder, env=environment(kind, cache), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
    data = folder / "data"
    return {str(file.relative_to(data)): sha256(file) for file in sorted(data.rglob("*.*")) if file.is_file()}


@pytest.fixture(scope="session")
def expected(tmp_path_factory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("bits")
    found = made(root / "work", "this", root / "cache", 2)
    labels = pl.read_parquet(root / "work" / "data" / "plans" / "*.parquet")
    assert len(labels) >= 300
    assert labels["cold_iterations"].is_not_null().any()
    return found


@pytest.mark.pipeline
@pytest.mark.parametrize("kind", list(KINDS)[1:])
def test_data_stages_give_the_same_bits_as_on_another_cpu(tmp_path, expected, kind):
    if NEEDS.get(kind) and not llvm.get_host_cpu_features().get(NEEDS[kind]):
        pytest.skip(f"this CPU has no {NEEDS[kind]}")
    cache = tmp_path / "cache"
    assert made(tmp_path / "fresh", kind, cache, 1) == expected
    assert list(cache.rglob("*.nbi"))
    assert made(tmp_path / "cached", kind, cache, 2) == expected
