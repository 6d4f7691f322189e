"""What a guest prints: shown as its own, so that nobody takes it for results, and not without end."""

from __future__ import annotations

import os
import sys
import time
from threading import Thread
from typing import IO

LINE = 500
"""Bytes of a line that are shown at a time."""

BYTES = 50_000
"""How much is shown of one guest, all in all."""

LINES = 100
"""How many lines are shown in a second."""

PAUSE = 0.01
"""Seconds between reading and reading what is not shown: who floods is slowed down, and not the referee."""


class Shown:
    """How much of one guest was shown by now, in however many processes it ran."""

    def __init__(self) -> None:
        self.bytes, self.told = 0, False
        self._second, self._lines = 0, 0

    def may(self, size: int) -> bool:
        """Return whether a line of this size is to be shown."""
        if self.bytes + size > BYTES:
            return False
        if (second := int(time.monotonic())) != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        self.bytes += size
        return self._lines <= LINES

    @property
    def full(self) -> bool:
        """Whether nothing more is ever shown."""
        return self.bytes + LINE > BYTES


class Relay(Thread):
    """Shows on standard error what comes through a pipe, and reads the rest so that nobody waits to print."""

    def __init__(self, stream: IO[bytes], label: str, shown: Shown) -> None:
        super().__init__(daemon=True)
        self.stream, self.label, self.shown = stream, label, shown
        self.start()

    def run(self) -> None:
        """Read until everybody who could print has ended."""
        with self.stream:
            while line := self.stream.readline(LINE):
                if self.shown.may(len(line)):
                    self._say(printable(line.decode(errors="replace").rstrip()))
                    continue
                if not self.shown.told:
                    self.shown.told = True
                    self._say("… more was printed and is not shown")
                if self.shown.full:
                    break
            while self.shown.full and os.read(self.stream.fileno(), 2**16):
                time.sleep(PAUSE)

    def _say(self, text: str) -> None:
        print(f"{self.label} | {text}", file=sys.stderr)


def printable(text: str) -> str:
    """Return a text from outside as one line that a terminal takes for nothing but text."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
