"""Time what a pass and a prediction cost, one thread: `python benchmarks/passes.py` after `dvc repro`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from record import machine, write_section
from threadpoolctl import threadpool_limits

import paletteot
from paletteot.dataset.load import load_palettes, load_plans
from paletteot.networks.batches import Batch
from paletteot.networks.dual_network import DualNetwork
from paletteot.ot import accelerated
from paletteot.ot.problem import Array, Problem
from paletteot.project import paths
from paletteot.project.parameters import load_params

PROBLEMS = 50
BATCH = 16  # problems that a network looks at together, as `network.chunks` cuts them
RUNS = 5
SPLIT = "validation_unseen"
NOISE = 0.05  # LAB units: so near the label nothing moves far enough to absorb again
NEVER = 1e-300


def per_pass(solve: Callable[[int | None], Any], first: int, last: int | None) -> float:
    """Return seconds per pass between two limits of passes, None for none; of each the least of RUNS."""
    seconds, passes = [], []
    for limit in (first, last):
        found = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            run = solve(limit)
            found.append(time.perf_counter() - begun)
        seconds.append(min(found))
        passes.append(int(np.max(run.iterations)))
    return (seconds[1] - seconds[0]) / (passes[1] - passes[0])


def per_problem(predict: Callable[[], Any]) -> float:
    """Return seconds per problem of a batch, median of RUNS, after two to warm up or compile."""
    seconds = []
    for run in range(RUNS + 2):
        begun = time.perf_counter()
        predict()
        if run > 1:
            seconds.append((time.perf_counter() - begun) / BATCH)
    return statistics.median(seconds)


def passes(problems: list[Problem], labels: list[Array]) -> list[str]:
    """Return a row for each iteration: from cold, and from beside the label, where the kernel is absorbed only once."""
    noise = np.random.default_rng(0)
    near = [g + NOISE * noise.standard_normal(len(g)) for g in labels]
    solvers: dict[str, Callable[..., Any]] = {
        "plain": accelerated.plain,
        "relaxed": accelerated.relaxed,
        **{f"Anderson, {memory} differences": partial(accelerated.anderson, memory=memory) for memory in (5, 10, 20)},
    }
    lines = [
        "| iteration | from cold to 1e-5, us | ratio | passes 3 to 20 beside the label, us | ratio |",
        "|---" * 5 + "|",
    ]
    first: tuple[float, float] | None = None
    for name, solve in solvers.items():

        def run(problem: Problem, g: Array | None, tolerance: float, limit: int | None) -> Any:
            more = {} if limit is None else {"max_iterations": limit}
            return solve(problem, g, tolerances=[tolerance], **more)  # noqa: B023

        cold = statistics.median(per_pass(partial(run, one, None, 1e-5), 1, None) for one in problems)
        warm = statistics.median(
            per_pass(partial(run, one, g, NEVER), 2, 20) for one, g in zip(problems, near, strict=True)
        )
        first = first or (cold, warm)
        lines.append(
            f"| {name} | {1e6 * cold:.2f} | {cold / first[0]:.2f} | {1e6 * warm:.2f} | {warm / first[1]:.2f} |"
        )
    return lines


@torch.inference_mode()
def predictions(network: DualNetwork, batch: Batch, eps: float) -> list[str]:
    """Return a row for each way to run the shipped network."""
    tokens = network.encode(batch)
    exact = network.predict(tokens, batch, eps)[0]
    compiled = torch.compile(network.predict)

    def mixed() -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network.predict(tokens, batch, eps)

    ways = {
        "float32": partial(network.predict, tokens, batch, eps),
        "torch.compile": partial(compiled, tokens, batch, eps),
        "bfloat16 by autocast": mixed,
    }
    lines = ["| the network, batches of 16 | ms per problem | ratio | largest change of g, LAB |", "|---|---|---|---|"]
    first = 0.0
    for name, predict in ways.items():
        seconds = per_problem(predict)
        first = first or seconds
        change = (predict()[0].float() - exact).abs().max().item()
        lines.append(f"| {name} | {1e3 * seconds:.2f} | {seconds / first:.2f} | {change:.1e} |")
    return lines


def main() -> None:
    torch.set_num_threads(1)
    pairs = load_plans(paths.PLANS, load_palettes(paths.PALETTES), SPLIT)[:PROBLEMS]
    eps = load_params().transport.eps
    problems = pairs.problems(eps)
    one = [problems[row] for row in range(PROBLEMS)]
    with threadpool_limits(1):
        lines = [
            f"{PROBLEMS} problems of `{SPLIT}`, k = 128; median of the least of {RUNS} runs of each.",
            "",
        ]
        lines += passes(one, list(pairs.g))
        network = paletteot.warm_start("dual").network
        lines += ["", *predictions(network, Batch.of_problems(pairs[:BATCH].problems(eps), torch.device("cpu")), eps)]
    write_section("passes", "A pass and a prediction", "python benchmarks/passes.py", [*lines, "", machine()])


if __name__ == "__main__":
    main()
