"""Messages between two processes that do not trust each other."""

from __future__ import annotations

import json
import socket
import struct
import time
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from paletteot.guests import wire

numbers = st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.bool_]).flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


def exchanged(send, **limits):
    """Return what arrives of what is sent, and close."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            sender = Thread(target=send, args=(theirs,))
            sender.start()
            sender.join()
        return wire.receive(ours, **{"most": 10_000, **limits})


def raw(head: object, content: bytes = b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return lambda channel: channel.sendall(struct.pack("<I", len(text)) + text + content)


@settings(max_examples=30)
@given(
    st.dictionaries(st.text(max_size=3), numbers, max_size=3),
    st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=5)),
)
def test_what_is_sent_arrives(sent, words):
    told, found = exchanged(lambda channel: wire.send(channel, words, sent))
    assert told == words
    assert list(found) == list(sent)
    for name, array in sent.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x80\x04K\x01.", "no head"),  # a pickle
        (b"{", "no head"),
        (b"[" * 60_000, "no head"),
        ({"words": {"a": 1}}, "no head"),
        ({"code": "import os"}, "no head"),
        ({"arrays": {"g": ["<f8", [-1]]}}, "no head"),
        ({"arrays": {"g": ["|O", [1]]}}, r"numbers of dtype \|O"),
        ({"arrays": {"g": ["<M8[s]", [1]]}}, "numbers of dtype"),
        ({"arrays": {"g": ["<f8", [10**9, 10**9]]}}, "8000000000000000000 bytes of numbers"),
        ({"arrays": {"g": ["<f8", [600]], "h": ["<f8", [651]]}}, "10008 bytes of numbers"),
        ({"arrays": {"g": ["<f8", [0, 10**30]]}}, "an impossible shape"),
        ({"arrays": {"g": ["<f8", [0] * 99]}}, "an impossible shape"),
        (b" " * (wire.HEAD + 1), "a head of 65537 bytes"),
    ],
)
def test_what_is_no_message_is_refused(head, words):
    with pytest.raises(wire.WireError, match=words):
        exchanged(raw(head))


@pytest.mark.parametrize(
    "send", [raw({"arrays": {"g": ["<f8", [3]]}}, b"short"), lambda channel: channel.sendall(b"\0\0")]
)
def test_half_a_message_is_none(send):
    with pytest.raises(EOFError):
        exchanged(send)


def test_silence_ends_with_the_deadline():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\0")
        with pytest.raises(TimeoutError):
            wire.receive(ours, most=0, deadline=time.monotonic() + 0.05)


def test_a_drip_ends_with_the_deadline():
    """A byte now and then keeps nobody waiting."""
    ours, theirs = socket.socketpair()

    def drip() -> None:
        try:
            while True:
                theirs.sendall(b"\0")
                time.sleep(0.001)
        except OSError:
            theirs.close()

    with ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        Thread(target=drip, daemon=True).start()
        with pytest.raises(TimeoutError):
            wire._read(ours, 10**6, time.monotonic() + 0.2)
