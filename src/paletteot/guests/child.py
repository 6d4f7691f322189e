"""The process in which code from outside the package runs: `python -m paletteot.guests.child`.

It answers questions of one task, `start` or `solve`, and nothing else. All counting and timing is done elsewhere, by
the process that asks (`process`).
"""

from __future__ import annotations

import importlib
import importlib.util
import operator
import socket
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from paletteot.guests import wire
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Start

ERROR = "error"
"""Name of the word that says what went wrong, where something did."""

READ_ONLY = "read-only"
"""Name of the word that a question has where its arrays must not be written to."""

NONCE = "nonce"
"""Name of the word that a question has, and its answer must have too."""

LONGEST = 300
"""Characters of an error that are told."""


Task = Literal["start", "solve"]
"""What is asked: the start of a contestant (`contract`), or the solution of a solver (docs/add-a-method.md)."""


class IllegalAnswerError(Exception):
    """An answer breaks the contract."""


class Order(BaseModel):
    """What this process is asked to do.

    task: which questions. place, attribute: whose code. weights: the file it reads. channel: the socket. memory: bytes,
    0 for any. nonce: what saying who it is must carry.
    """

    task: Task
    place: str
    attribute: str
    weights: Path | None
    channel: int
    memory: int
    nonce: str


def main() -> None:
    """Make what is to answer, say who it is, and answer questions until nobody asks any more."""
    order = Order.model_validate_json(sys.argv[1])
    _bound(order.memory)
    channel = socket.socket(fileno=order.channel)
    nonce: str | None = order.nonce

    def tell(words: Mapping[str, str | None], arrays: Mapping[str, NDArray[Any]]) -> None:
        wire.send(channel, {**words, NONCE: nonce}, arrays)

    try:
        made = load(order) if order.task == "solve" else make(order)
    except BaseException as error:  # whatever a stranger's module raises, exits included, is an answer
        return tell({ERROR: f"it could not be made: {told(error, order.place)}"}, {})
    who = {field: getattr(made, field, None) for field in ("name", "summary", "citation")}
    tell({field: value if isinstance(value, str) else None for field, value in who.items()}, {})
    while True:
        try:
            words, question = wire.receive(channel, most=sys.maxsize)
        except EOFError:
            return None
        nonce = words[NONCE]
        try:
            if order.task == "solve":
                arrays = solution(made, question)
            else:
                arrays = answer(made, question, read_only=READ_ONLY in words)
        except IllegalAnswerError as error:
            tell({ERROR: f"{order.task} {error}"}, {})
        except BaseException as error:  # as above
            tell({ERROR: f"{order.task} raised {told(error, order.place)}"}, {})
        else:
            tell({}, arrays)


def load(order: Order) -> Any:
    """Return what the order names: a class, or a function."""
    if order.place.endswith(".py"):
        path = Path(order.place).resolve()
        sys.path.append(str(path.parent))  # what stands beside it may be imported
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(order.place)
    return operator.attrgetter(order.attribute)(module)


def make(order: Order) -> Any:
    """Return the contestant: its class called with nothing, or its ``from_file`` with the weights where it has one."""
    cls = load(order)
    if not hasattr(cls, "from_file"):
        return cls()
    if order.weights is None:
        raise TypeError("it has from_file, so it must be given a file to read")
    return cls.from_file(order.weights)


def answer(contestant: Any, question: dict[str, NDArray[Any]], *, read_only: bool) -> dict[str, NDArray[Any]]:
    """Return what a contestant answers to the problems of a question, field by field.

    Raises IllegalAnswerError where that is no Start, or holds something else than numbers, or where the contestant
    changed what it was given.
    """
    before = {name: array.tobytes() for name, array in question.items()}
    for array in question.values():
        array.flags.writeable = not read_only
    given = {name: array for name, array in question.items() if name != "eps"}
    start = contestant.start(Problems(**given, eps=float(question["eps"])))
    if changed := [name for name, array in question.items() if array.tobytes() != before[name]]:
        raise IllegalAnswerError(f"must leave what it is given as it is, but changed {', '.join(changed)}")
    if not isinstance(start, Start):
        raise IllegalAnswerError(f"must return a Start, but returned {type(start).__name__}")
    fields = {"g": start.g, "omega": start.omega, "iterations": np.asarray(start.iterations)}
    given_back = {field: value for field, value in fields.items() if value is not None or field != "omega"}
    return {field: _numbers(field, value) for field, value in given_back.items()}


def solution(solve: Any, question: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return what a solver answers to a problem: g and, where it gives one, its flag of convergence.

    Raises IllegalAnswerError where those are something else than numbers and a flag.
    """
    arrays = (question[name] for name in ("x", "a", "y", "b"))
    found = solve(*arrays, float(question["eps"]), float(question["tolerance"]))
    if not isinstance(found, tuple):
        return {"g": _numbers("g", found)}
    if len(found) != 2 or not isinstance(found[1], bool | np.bool_):
        raise IllegalAnswerError("must return g, or g and whether it converged")
    return {"g": _numbers("g", found[0]), "converged": np.array(bool(found[1]))}


def _numbers(field: str, value: Any) -> NDArray[Any]:
    if not isinstance(value, np.ndarray) or value.dtype.str not in wire.DTYPES:
        found = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise IllegalAnswerError(f"must return {field} as an array of numbers, but returned {found}")
    return value


def told(error: BaseException, place: str) -> str:
    """Return an error as one line, with where in the contestant's file it was raised."""
    line = " ".join(traceback.format_exception_only(error)[-1].split())[:LONGEST]
    if place.endswith(".py"):
        here = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).name == Path(place).name
        ]
        line += f" ({Path(place).name}, line {here[-1].lineno})" if here else ""
    return line.encode(errors="replace").decode()  # half a surrogate pair is no JSON


def _bound(memory: int) -> None:
    """Limit the memory that this process may ask for, in bytes, where the platform can.

    Its data, not its addresses: libraries for a GPU, and its driver, reserve many times the addresses that they use.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


if __name__ == "__main__":
    main()
