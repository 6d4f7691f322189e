"""How a command or a stage ends: well, or with one line that says why, and with none of its processes left behind."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer, current_thread, main_thread
from types import FrameType
from typing import NoReturn

import psutil

from paletteot.errors import PaletteOTError
from paletteot.files import REFUSED

GRACE = 1.5
"""Seconds that may pass between a signal and the end."""


ON = "run again to go on from what is finished"

DATABASE = re.compile(
    "database or disk is full|attempt to write a readonly database|unable to open database file|disk I/O error"
)
"""How SQLite says that a disk refuses, in the text of whatever error MLflow makes of it."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def one_line() -> Iterator[None]:
    """End the process with one line and an exit code where the block fails by no fault of the code.

    1: an error of ours, or a disk that refuses. 130 and 143: SIGINT and SIGTERM, which end all child processes too.
    Anything else is a fault of the code, and passes.
    """
    with _signals():
        try:
            yield
        except PaletteOTError as error:
            _end(f"error: {error}", 1)
        except KeyboardInterrupt as error:
            done = f" ({error})" if str(error) else ""
            _end(
                f"interrupted{done}; run again to go on from what is finished", 130 + 13 * isinstance(error, Terminated)
            )
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            _end(f"error: {error.filename2 or error.filename or 'a file'}: {error.strerror}", 1)
        except Exception as error:
            if said := DATABASE.search(str(error)):
                _end(f"error: the database of MLflow, mlflow.db unless told otherwise: {said[0]}", 1)
            raise


def _end(line: str, code: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(code)


@contextmanager
def _signals() -> Iterator[None]:
    if current_thread() is not main_thread():  # which alone is told of signals
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    """End all child processes, and then this one, by an exception if that is quick enough."""
    last = Timer(GRACE, _at_once, [128 + number])
    last.daemon = True
    last.start()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.terminate()
    raise (Terminated if number == signal.SIGTERM else KeyboardInterrupt)


def _at_once(code: int) -> NoReturn:
    print(f"interrupted; {ON}", file=sys.stderr, flush=True)
    os._exit(code)
