"""The solvers of `paletteot.ot` for many problems at once, in torch, on a CPU or a GPU.

The same iterations, stops, counts and safeguards as `sinkhorn.reference`, `accelerated` and `newton.solve`, but for
rounding; each problem leaves the batch when it is done, and its result depends on no other. Only this package of `ot`
imports torch.

    batch = Stack.of(problems, "cuda")
    run = anderson(batch, g, memory=20)

Every iteration takes ``kernel_dtype=torch.float32``: the kernel is then stored and multiplied in single precision, half
the memory traffic, while potentials, scalings and errors stay in double. Entries rounded to 6e-8 cannot be trusted
below an L1 marginal error of about 1e-7; so a run goes to 1e-6 at best, then on with a kernel rebuilt in float64, which
confirms every stop and makes the passes that are missing, to 1e-9 and below. Counts may then differ.
"""

from paletteot.ot_torch.accelerated import Descents, anderson, plain, relaxed
from paletteot.ot_torch.batch import Stack
from paletteot.ot_torch.semi_dual import Solutions, newton
from paletteot.ot_torch.sinkhorn import Runs, reference

__all__ = ["Descents", "Runs", "Solutions", "Stack", "anderson", "newton", "plain", "reference", "relaxed"]
