"""Arrays between two processes that do not trust each other: a head of JSON, then the numbers as they lie in memory.

Nothing is unpickled, nothing is executed, and nothing is read that is longer than the reader allows.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Mapping
from socket import socket
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

HEAD = 2**16
"""Bytes that a head may have."""

DTYPES = tuple(np.dtype(code).str for code in "?bhilBHILefd")
"""What numbers may be: whole ones and floats that every machine knows."""


class WireError(Exception):
    """What came is no message, or longer than it may be."""


class Head(BaseModel):
    """What stands before the numbers.

    words: text by name. arrays: dtype and shape of each array, in the order in which they follow.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: dict[str, str | None] = {}
    arrays: dict[str, tuple[str, tuple[Annotated[int, Field(ge=0)], ...]]] = {}


def send(channel: socket, words: Mapping[str, str | None], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Send text and arrays; raises OSError when nobody listens, TimeoutError after the channel's timeout."""
    head = Head(words=dict(words), arrays={name: (array.dtype.str, array.shape) for name, array in arrays.items()})
    text = head.model_dump_json().encode()
    channel.sendall(b"".join([struct.pack("<I", len(text)), text, *(array.tobytes() for array in arrays.values())]))


def receive(
    channel: socket, *, most: int, deadline: float | None = None
) -> tuple[Mapping[str, str | None], dict[str, NDArray[Any]]]:
    """Return the text and the arrays of the next message.

    most: bytes that the arrays may have, all together. deadline: moment of `time.monotonic` after which TimeoutError is
    raised. Raises EOFError when the other side is gone, WireError when what came is no message.
    """
    (length,) = struct.unpack("<I", _read(channel, 4, deadline))
    if length > HEAD:
        raise WireError(f"a head of {length} bytes")
    try:
        head = Head.model_validate_json(bytes(_read(channel, length, deadline)))
    except ValidationError as error:
        raise WireError("no head") from error
    if wrong := [dtype for dtype, _ in head.arrays.values() if dtype not in DTYPES]:
        raise WireError(f"numbers of dtype {wrong[0]}")
    sizes = {name: np.dtype(dtype).itemsize * math.prod(shape) for name, (dtype, shape) in head.arrays.items()}
    if (total := sum(sizes.values())) > most:
        raise WireError(f"{total} bytes of numbers")
    content = {name: _read(channel, size, deadline) for name, size in sizes.items()}
    try:
        arrays = {name: np.ndarray(shape, dtype, content[name]) for name, (dtype, shape) in head.arrays.items()}
    except (ValueError, OverflowError) as error:  # no bytes at all, in more dimensions than there are
        raise WireError("an impossible shape") from error
    return head.words, arrays


def _read(channel: socket, size: int, deadline: float | None) -> bytearray:
    content = bytearray(size)
    rest = memoryview(content)
    while rest:
        if deadline is not None:
            if (left := deadline - time.monotonic()) <= 0:
                raise TimeoutError
            channel.settimeout(left)
        if not (got := channel.recv_into(rest)):
            raise EOFError
        rest = rest[got:]
    return content
