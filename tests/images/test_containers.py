from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.errors import DataError
from paletteot.images import containers, rcc
from tests.images import packaged

CONTENTS = st.dictionaries(
    st.text("abcxyz0123456789-_äß", min_size=1, max_size=12).map(lambda name: f"{name}.webp"),
    st.binary(max_size=400), min_size=1, max_size=6,
)  # fmt: skip
FILES = {"a.webp": b"one" * 50, "b.webp": b"", "c.webp": bytes(range(256))}


@settings(max_examples=40, deadline=None)
@given(CONTENTS, st.sampled_from([1, 2, 3]), st.sampled_from(["", "zlib", "zstd"]))
def test_a_resource_of_qt_gives_back_what_was_put_in(files, version, packing):
    made = packaged.rcc(files, version, packing)
    assert dict(rcc.files(made)) == {f"pictures/{name}": content for name, content in files.items()}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_resource_that_is_cut_short_or_changed_ends_in_an_error_that_is_known(data):
    made = packaged.rcc(FILES, 3, data.draw(st.sampled_from(["", "zlib", "zstd"])))
    if data.draw(st.booleans()):
        broken = made[: data.draw(st.integers(0, len(made) - 1))]
    else:
        at = data.draw(st.integers(0, len(made) - 1))
        broken = made[:at] + bytes([made[at] ^ data.draw(st.integers(1, 255))]) + made[at + 1 :]
    try:
        found = dict(rcc.files(broken))
    except containers.DAMAGED:
        return
    assert len(found) <= len(FILES)  # what is damaged without notice, the hash of the photograph tells


def test_a_tree_that_leads_back_is_no_endless_way():
    made = bytearray(packaged.rcc(FILES))
    struct.pack_into(">I", made, 24 + 22 + 10, 0)  # the folder's first child is the root
    with pytest.raises(ValueError, match="leads nowhere"):
        list(rcc.files(bytes(made)))


@pytest.mark.parametrize("packing", ["xz", "gz", "zst", ""])
def test_every_file_of_a_package_is_found_whatever_packs_it(tmp_path, packing):
    inside = {"share/a.jpg": b"a" * 7, "share/all.rcc": packaged.rcc(FILES), "share/all.zip": packaged.zipped(FILES)}
    (tmp_path / "x.deb").write_bytes(packaged.deb(inside, packing))
    assert dict(containers.files(tmp_path / "x.deb")) == {
        "share/a.jpg": b"a" * 7,
        **{f"share/all.rcc!pictures/{name}": content for name, content in FILES.items()},
        **{f"share/all.zip!{name}": content for name, content in FILES.items()},
    }


def test_a_package_of_npm_is_a_tar_archive(tmp_path):
    (tmp_path / "x.tgz").write_bytes(packaged.tar(FILES, "w:gz"))
    assert dict(containers.files(tmp_path / "x.tgz")) == FILES


@pytest.mark.parametrize(
    "content",
    [
        b"", b"!<arch>\n", b"!<arch>\nhalf a header", packaged.ar({"debian-binary": b"2.0\n"}), b"<html>oh</html>",
        packaged.deb(FILES)[:-150], packaged.deb(FILES)[:150], packaged.tar(FILES, "w:gz")[:60],
        packaged.deb({"x.rcc": b"qres but no more"}), packaged.deb({"x.zip": b"PK no zip"}),
        packaged.ar({"data.tar.xz": b"no xz at all"}), packaged.deb(FILES, "zst")[:-150],
        packaged.deb(FILES).replace(b"data.tar", b"data.rat"),
    ],
)  # fmt: skip
def test_what_is_no_whole_package_is_one_line_that_names_it(tmp_path, content):
    (tmp_path / "x.deb").write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(containers.files(tmp_path / "x.deb"))
    assert str(caught.value).startswith(f"{tmp_path / 'x.deb'}: cannot be read as a package: ")
    assert "\n" not in str(caught.value)
