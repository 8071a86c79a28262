"""The log of a container over connections that break: no byte is lost or shown twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import links
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import log as docker_log
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images

pytestmark = pytest.mark.docker
# Both streams, a line that the engine stores in pieces, a burst, bytes that are no text, no line end at the end.
SPEAKER = r"""
import sys, time
for number in range(30):
    # A while before and after the long line, or the engine may store what goes to the other stream in its middle.
    time.sleep(1 if number == 7 else 0)
    print("line", number, "x" * (300_000 if number == 7 else 10), flush=True)
    time.sleep(1 if number == 7 else 0.1)
    print("error", number, file=sys.stderr, flush=True)
    if number == 15:
        sys.stdout.write("".join(f"burst {n}\n" for n in range(20_000)))
sys.stdout.buffer.write(b"\xff\xfe\r torn \xc3")
"""


def connected(url: str) -> Callable[[float], Any]:
    import docker

    def connect(seconds: float) -> Any:
        try:
            return docker.DockerClient(base_url=url, timeout=seconds)
        except docker.errors.DockerException as error:
            raise SamerunError(f"nothing answers: {error}", "", UNAVAILABLE) from error

    return connect


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    if reason := worlds.missing("docker"):
        pytest.skip(reason)
    found = engine.connect()
    if not engine.host().startswith("unix://"):
        pytest.skip("needs an engine at a Unix socket, which the test puts links before")
    yield found
    found.close()


def speaker(client: Any, script: str) -> Any:
    config = {"Image": images.BASE_IMAGE, "Cmd": ["python3", "-u", "-c", script]}
    made = client.api.create_container_from_config({**config, "HostConfig": {"LogConfig": docker_log.DRIVER}})
    return client.containers.get(made["Id"])


def trouble(how: str, link: links.Link) -> None:
    """What happens to `link` while it is used."""
    if how == "slow":
        link.rate = 300_000
    for _again in range(4):
        time.sleep(0.6)
        if how in ("cut", "reset"):
            link.cut(reset=how == "reset")
        link.silent = how == "silent" and not link.silent
    link.silent = False


HOW = ("cut", "reset", "silent", "slow")


@pytest.fixture(scope="module")
def followed(client: Any) -> Iterator[dict[str, tuple[bytes, int]]]:
    """What one container said, as it was followed over a link of each kind at the same time: log and connections."""
    container = speaker(client, SPEAKER)
    seen: dict[str, tuple[bytes, int]] = {}

    def watch(how: str) -> None:
        with links.link(engine.host()) as link:
            threading.Thread(target=trouble, args=(how, link), daemon=True).start()
            log = b"".join(docker_log.follow(connected(link.url), container.name, 20))
            seen[how] = log, link.opened

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docker_log, "SILENT_SECONDS", 0.5)
        watching = [threading.Thread(target=watch, args=(how,)) for how in HOW]
        container.start()
        for thread in watching:
            thread.start()
        for thread in watching:
            thread.join(60)
    yield seen
    container.remove(force=True)


@pytest.mark.parametrize("how", HOW)
def test_a_log_is_shown_whole_and_once_over_a_link_that_breaks(
    followed: dict[str, tuple[bytes, int]], how: str
) -> None:
    log, connections = followed[how]
    lines = log.split(b"\n")
    # Not compared with what the engine shows at once: some forget the end of a line that they keep in parts.
    said = [b"line %d %s" % (n, b"x" * (300_000 if n == 7 else 10)) for n in range(30)]
    said[16:16] = [b"burst %d" % n for n in range(20_000)]
    assert [line for line in lines if not line.startswith(b"error")] == [*said, b"\xff\xfe\r torn \xc3"]
    assert [line for line in lines if line.startswith(b"error")] == [b"error %d" % n for n in range(30)]
    assert log.endswith(b"\xff\xfe\r torn \xc3"), "byte for byte"
    assert connections >= (3 if how != "slow" else 1)


def test_a_container_that_has_ended_is_shown_whole(client: Any) -> None:
    container = speaker(client, "print('all of it')")
    container.start()
    container.wait()
    try:
        assert b"".join(docker_log.follow(connected(engine.host()), container.name, 1)) == b"all of it\n"
        assert b"".join(docker_log.read(client, container.name)) == b"all of it\n"
    finally:
        container.remove(force=True)
    assert list(docker_log.follow(connected(engine.host()), container.name, 1)) == [], "one that is gone has no log"


def test_an_engine_that_stays_away_is_one_line(client: Any) -> None:
    container = speaker(client, "import time; print('here', flush=True); time.sleep(60)")
    container.start()
    said: list[str] = []
    try:
        with links.link(engine.host()) as link:
            following = docker_log.follow(connected(link.url), container.name, 2, said.append)
            assert next(following) == b"here\n"
            link.close()
            started = time.monotonic()
            with pytest.raises(SamerunError, match=rf"^Failed to follow {container.name}: the Docker engine went away"):
                list(following)
            assert time.monotonic() - started < 5
        assert said == ["The Docker engine does not answer: trying again"]
        container.reload()
        assert container.status == "running", "the run goes on"
    finally:
        container.remove(force=True)
