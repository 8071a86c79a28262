"""An image gets its packages by uv where it can be had, as pip was told in it; they are compiled, and no uv is left."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import indexes
import machines
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images as engine_images
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images, installer

UV = installer.own_uv()
pytestmark = [pytest.mark.docker, pytest.mark.skipif(not UV, reason="needs the package uv: pip install -e .")]
NAME, BASE = "samerun-test-installing:image", "samerun-test-installing:base"
# Of a base image with an index of its own, as companies have them.
DOCKERFILE = "FROM {base}\nRUN printf '[global]\\nindex-url = {index}\\ntrusted-host = {host}\\n' > /etc/pip.conf\n"
# As a user who may write nothing: what is not compiled yet would be compiled anew each time.
HARDENED = ("--read-only", "--user=10001:10001", "--cap-drop=ALL")
IMPORT = ("python", "-v", "-c", "import one; print(one.SAID)")


@pytest.fixture
def client() -> Iterator[Any]:
    if reason := worlds.missing("docker"):
        pytest.skip(reason)
    found = machines.docker_client()
    yield found
    for name in (NAME, *_unfinished(found), BASE):
        if engine_images.is_local(found, name):
            found.images.remove(name, force=True)
    found.close()


def _unfinished(client: Any) -> list[str]:
    """What a build on our base image that failed has left."""
    base = client.images.get(BASE).id if engine_images.is_local(client, BASE) else ""
    left = []
    for image in client.images.list(filters={"dangling": True}):
        parent = image.attrs["Parent"]
        while parent and parent != base:
            parent = client.images.get(parent).attrs["Parent"]
        if parent:
            left.append(image.id)
    return left


@pytest.fixture
def index(tmp_path: Path) -> indexes.Index:
    return indexes.Index(tmp_path / "index")


def build(client: Any, address: str, requirements: str) -> list[str]:
    """Build the trainer's image on a base whose pip has the index at `address`; return what was said."""
    host = address.split("/")[2].partition(":")[0]
    dockerfile = DOCKERFILE.format(base=images.BASE_IMAGE, index=address, host=host)
    engine_images.build(client, BASE, {"Dockerfile": dockerfile.encode()}, {}, lambda _line: None)
    said: list[str] = []
    images.ensure(client, NAME, requirements, BASE, "", said.append)
    return said


def run(argv: tuple[str, ...], *options: str) -> str:
    """What a container of the image says."""
    ended = subprocess.run(
        ["docker", "run", "--rm", *options, NAME, *argv],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def gateway(client: Any) -> str:
    """Where builds reach this machine."""
    subnet = ipaddress.ip_network(client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((str(subnet[2]), 9))
        return str(asking.getsockname()[0])


def test_uv_comes_from_the_images_own_index_and_leaves_nothing_but_compiled_packages(
    client: Any, index: indexes.Index
) -> None:
    index.add("one", "1.0", said="of the base image")
    index.add_uv(UV)
    with indexes.served(index, address=gateway(client)) as address:
        said = build(client, address, "one\n")
    assert [line for line in said if line.startswith("Installed 1 package in ")], said
    shown = run(IMPORT, *HARDENED)
    assert "of the base image" in shown
    assert "one.cpython-311.pyc matches" in shown
    assert run(("find", "/", "-xdev", "-name", "uv*", "-not", "-path", "/proc/*"), "--user=0:0") == ""


def test_an_image_that_gets_no_uv_is_made_by_pip_which_is_said(
    client: Any, index: indexes.Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index.add("one", "1.0", said="of the base image")
    callers = indexes.Index(tmp_path / "callers")
    callers.add("one", "1.0", said="of the caller's index")
    here = gateway(client)
    with indexes.served(index, address=here) as address, indexes.served(callers, address=here) as other:
        # An argument of the build counts more than the file in the base image.
        monkeypatch.setenv("PIP_INDEX_URL", other)
        said = build(client, address, "one\n")
    assert f"{installer.BY_PIP}: the package uv is not installed" in said
    shown = run(IMPORT, *HARDENED)
    assert "of the caller's index" in shown
    assert "one.cpython-311.pyc matches" in shown


def test_what_uv_says_reaches_the_user(client: Any, index: indexes.Index) -> None:
    index.add_uv(UV)
    with indexes.served(index, address=gateway(client)) as address, pytest.raises(SamerunError) as failed:
        build(client, address, "nosuch==1\n")
    assert "Because nosuch was not found in the package registry" in failed.value.message
