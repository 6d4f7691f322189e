"""What a guest uses while it is asked, all of its processes together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from paletteot.guests import tree

PERIOD = 0.1
"""Seconds between looks: a look takes a millisecond or two."""

PROCESSES = 200
"""How many a guest may have at a time."""


class Watch(Thread):
    """Looks now and then at everything below a process while that is asked, and ends what uses too much.

    root: the process. cpu: the processor that all must stay on, None for any. memory: bytes that all may have together,
    0 for any. What cannot be seen, on other systems than Linux, is not bounded.
    """

    def __init__(self, root: int, cpu: int | None, memory: int) -> None:
        super().__init__(daemon=True)
        self.root, self.cpu, self.memory = root, cpu, memory
        self.why = ""
        """What it was ended for."""
        self.strayed = False
        """Whether a thread was seen that may run on another processor."""
        self.cpu_seconds: float | None = 0.0 if tree.LINUX else None
        """Processor time that all of it has used since it began, as far as it was seen: children that end between two
        looks are in their parent's, unless that does not wait for them."""
        self._spent: dict[tuple[int, int], float] = {}
        self._lock, self._closed, self._since = Lock(), Event(), float("inf")
        if tree.LINUX:
            self.start()

    @property
    def known(self) -> set[tuple[int, int]]:
        """Which processes were seen."""
        return set(self._spent)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look while a question is open."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = float("inf")

    def run(self) -> None:
        """Look while a question has been open for a while, until it is closed."""
        while not self._closed.wait(PERIOD):
            if time.monotonic() - self._since > PERIOD / 2:  # a short one is looked at by who asks, before and after
                self.look()

    def look(self) -> list[tree.Process]:
        """Return what is below the process, and note what it has used by now."""
        if self.cpu_seconds is None:
            return []
        with self._lock:
            living = [one for one in tree.below(self.root) if not one.ended]
            own = {one.key: tree.cpu_seconds(one.pid) for one in living}
            self._spent |= {key: max(seconds, self._spent.get(key, 0.0)) for key, seconds in own.items()}
            waited = sum(one.waited for one in living) + getattr(tree.read(self.root), "waited", 0.0)
            self.cpu_seconds = max(self.cpu_seconds, sum(own.values()) + waited, sum(self._spent.values()))
            if self.cpu is not None:
                self.strayed |= any(tree.processors(one.pid) - {self.cpu} for one in living)
            self._bound(living)
        return living

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _bound(self, living: list[tree.Process]) -> None:
        if len(living) > PROCESSES:
            self.why = f"it had more than {PROCESSES} processes"
        elif self.memory and sum(one.resident for one in living) > self.memory:
            parts = [(tree.proportional(one.pid), one.resident) for one in living]
            used = sum(resident if part is None else part for part, resident in parts)
            if used > self.memory:
                self.why = f"its processes used more than {self.memory / 1e9:g} GB"
        if self.why:
            tree.end(self.root, set(self._spent))
