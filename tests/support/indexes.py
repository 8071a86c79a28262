"""Package indexes for tests: a folder of tiny wheels, served on the loopback, so that no network is needed."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import ssl
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from serving import serving

_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Index:
    """A folder in the layout of a package index: `simple/<name>/` with a page of links, and the linked files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.simple = folder / "simple"
        self.simple.mkdir(parents=True)

    def add(self, name: str, version: str, *, requires: tuple[str, ...] = (), said: str = "") -> str:
        """Add a package of one module that has `version` and `said`.

        Returns:
            The wheel's hash in the format of a requirements file.
        """
        page = self.simple / name
        page.mkdir(exist_ok=True)
        wheel(page, name, version, requires=requires, said=said)
        return self._listed(page)[f"{name}-{version}-py3-none-any.whl"]

    def add_uv(self, program: str) -> None:
        """Add a package uv with the given `program`."""
        page = self.simple / "uv"
        page.mkdir()
        uv_wheel(page, program)
        self._listed(page)

    @staticmethod
    def _listed(page: Path) -> dict[str, str]:
        """Write a package's page; return the hashes of its files."""
        files = sorted(page.glob("*.whl"))
        hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        links = [f'<a href="{file}#sha256={digest}">{file}</a>' for file, digest in hashes.items()]
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>")
        return {file: f"sha256:{digest}" for file, digest in hashes.items()}


def wheel(folder: Path, name: str, version: str, *, requires: tuple[str, ...] = (), said: str = "") -> Path:
    """Write a wheel of one module to `folder`; return its path."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    info = f"{name}-{version}.dist-info"
    content = {
        f"{name}.py": f"VERSION = {version!r}\nSAID = {said!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": _WHEEL,
    }
    record = "".join(f"{file},{_digest(text)},{len(text.encode())}\n" for file, text in content.items())
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**content, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(file, text)
    return path


def uv_wheel(folder: Path, program: str) -> Path:
    """Write a wheel that has only the `program` of uv; return its path."""
    path = folder / "uv-99.0-py3-none-any.whl"
    info = "uv-99.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(program, "uv-99.0.data/scripts/uv")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 99.0\n")
        archive.writestr(f"{info}/WHEEL", _WHEEL)
        archive.writestr(f"{info}/RECORD", f"uv-99.0.data/scripts/uv,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    return path


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def served(index: Index, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> Iterator[str]:
    """Serve `index` inside the block, with https if `tls` is given; yield its address."""
    handler = functools.partial(_Quiet, directory=str(index.folder))
    with serving(ThreadingHTTPServer((address, 0), handler)) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        yield f"http{'s' if tls else ''}://{address}:{server.server_address[1]}/simple"
