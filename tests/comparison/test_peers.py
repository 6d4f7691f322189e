"""The contract that every peer keeps, and what is said of one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from paletteot.comparison import peers
from paletteot.comparison.peers import PEERS, FallenError, Peer
from paletteot.extras import MissingPackageError

SAME_SIZE = {"color_matcher_mvgd", "color_matcher_hm_mvgd_hm"}
"""Peers that refuse pictures of different sizes."""

RNG = np.random.default_rng(4)
A = (RNG.normal((150, 120, 60), (20, 30, 20), (30, 40, 3))).clip(0, 255).astype(np.uint8)
B = (RNG.normal((60, 90, 160), (30, 20, 25), (36, 28, 3))).clip(0, 255).astype(np.uint8)


@pytest.fixture(params=PEERS)
def peer(request) -> Peer:
    if PEERS[request.param].package == "color-matcher":
        pytest.importorskip("color_matcher")
    return PEERS[request.param]


def test_a_peer_gives_a_picture_nearer_to_b_and_leaves_both_alone(peer):
    a, b = A.copy(), (B[:30, :28] if peer.name in SAME_SIZE else B).copy()
    a = a[:30, :28] if peer.name in SAME_SIZE else a
    before = a.copy(), b.copy()
    result = peers.attempt(peer, a, b, 7)
    assert (result.shape, result.dtype) == (a.shape, np.uint8)
    assert np.abs(result.mean((0, 1)) - b.mean((0, 1))).max() < np.abs(a.mean((0, 1)) - b.mean((0, 1))).max()
    assert (a == before[0]).all()
    assert (b == before[1]).all()


def test_the_same_seed_gives_the_same_picture(peer):
    a = A[:30, :28] if peer.name in SAME_SIZE else A
    b = B[:30, :28] if peer.name in SAME_SIZE else B
    assert (peers.attempt(peer, a, b, 7) == peers.attempt(peer, a, b, 7)).all()


def test_a_peer_has_a_version_and_a_source(peer):
    assert peer.version[0].isdigit()
    assert peer.citation


@pytest.mark.parametrize("name", sorted(SAME_SIZE))
def test_pictures_of_two_sizes_fell_some(name):
    pytest.importorskip("color_matcher")
    with pytest.raises(FallenError, match="spatial dimensions"):
        peers.attempt(PEERS[name], A, B, 7)


def raising(*_):
    raise RuntimeError("of\ntwo lines")


@pytest.mark.parametrize(
    ("transfer", "words"),
    [
        (raising, "RuntimeError: of two lines"),
        (lambda a, *_: a[:3], r"returns uint8 \(3, 40, 3\), not uint8 \(30, 40, 3\)"),
        (lambda a, *_: a / 255, "returns float64"),
        (lambda a, *_: peers._bytes(a * np.nan), "ValueError: returns NaN"),
    ],
)
def test_what_a_peer_did_wrong_is_said_in_one_line(transfer, words):
    with pytest.raises(FallenError, match=words):
        peers.attempt(Peer("one", "POT", "", transfer), A, B, 7)


def test_a_peer_cannot_write_into_the_pictures():
    def writing(a, b, _):
        a[:], b[:] = 0, 0
        return a

    a, b = A.copy(), B.copy()
    peers.attempt(Peer("one", "POT", "", writing), a, b, 7)
    assert (a == A).all()
    assert (b == B).all()


def test_a_missing_package_names_the_extra():
    one = Peer("one", "no-such-package", "", raising)
    with pytest.raises(MissingPackageError, match=r"pip install 'paletteot\[benchmark\]'"):
        print(one.version)
