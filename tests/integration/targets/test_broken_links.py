"""Over a link that breaks while a launch is submitted nothing is left, and the same starts once the link is back."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import engines
import launches
import links
import pytest
import requests
import urllib3
import yaml

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine as docker_engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import api
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach, collector
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import taking_back
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker import target as docker
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import reasons

pytestmark = pytest.mark.parametrize("real", ["docker", "kubernetes"], indirect=True)
# The requests by which a launch is made, the last of which starts it: method and a part of the address.
STEPS = {
    "docker": (("POST", "/containers/create"), ("PUT", "/archive"), ("POST", "/start")),
    "kubernetes": (("POST", "/jobs"), ("POST", "/configmaps"), ("POST", "/secrets"), ("PATCH", "/jobs/")),
}
AWAY_SECONDS = 0.4
WAITS = "import time\nprint('ready', flush=True)\ntime.sleep(60)"


@dataclass
class Linked:
    """A world that is reached by a link, and what launches in it."""

    world: World
    link: links.Link
    given: dict[str, Any]

    def launcher(self, **given: Any) -> Launcher:
        training = launches.training(self.world, {**self.given, **given})
        return Launcher(self.world, training, lambda _line: None, lambda _piece: None)

    def submit(self, launcher: Launcher) -> RunRecord:
        spec, code = launcher.spec()
        return launcher.run(spec, code, detach=True)

    def away(self) -> None:
        """Be away for a moment."""
        self.link.refuse()
        Timer(AWAY_SECONDS, self.link.mend).start()

    def silent(self) -> None:
        """Say nothing for longer than anybody waits."""
        self.link.silent = True
        Timer(3, lambda: setattr(self.link, "silent", False)).start()

    def disturb(self, launcher: Launcher, step: tuple[str, str], how: str) -> None:
        """Break the link at the request `step` of a submit: before it, after it (its answer is lost), or in silence."""
        method, part = step

        def through(send: Callable[..., Any], lost: Exception) -> Callable[..., Any]:
            def sent(*args: Any, **kwargs: Any) -> Any:
                asked = args[0] if isinstance(args[0], str) else args[0].method
                path = args[1] if isinstance(args[0], str) else args[0].url
                if asked != method or part not in path:
                    return send(*args, **kwargs)
                if how == "answer lost":
                    send(*args, **kwargs)
                    self.away()
                    raise lost
                (self.silent if how == "silent" else self.away)()
                return send(*args, **kwargs)

            return sent

        target: Any = launcher.target
        if self.world.target == "docker":
            target.client.api.send = through(target.client.api.send, requests.ConnectionError("cut"))
            target.client.api.timeout = 1 if how == "silent" else 60
        else:
            target.cluster.api.send = through(target.cluster.api.send, urllib3.exceptions.ProtocolError("cut"))


@pytest.fixture
def linked(world: World, trainer: dict[str, Any], tmp_path: Path) -> Iterator[Linked]:
    cluster = Cluster(world.kubeconfig, world.context) if world.target == "kubernetes" else None
    server = cluster.server.replace("https://", "tcp://") if cluster else docker_engine.host(world.docker_host)
    script = tmp_path / "train.py"
    script.write_text("print('ran', flush=True)")
    with links.link(server) as link:
        if cluster:
            config = yaml.safe_load(Path(world.kubeconfig).read_text())
            config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{link.port}"
            (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
            reached = replace(world, kubeconfig=str(tmp_path / "kubeconfig"))
        else:
            reached = replace(world, docker_host=link.url)
        yield Linked(reached, link, {**trainer, "script": str(script), "secret_env": {"A": "secret"}})


def test_nothing_is_left_of_a_launch_whose_submit_lost_its_link(
    linked: Linked, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, steps = engines.engine_of(world), STEPS[world.target]
    before = {path.name for path in world.runs.glob("*")}
    for how in ("before", "answer lost"):
        for step in steps:
            launcher = linked.launcher()
            linked.disturb(launcher, step, how)
            with pytest.raises(SamerunError, match="Failed to start the ") as caught:
                linked.submit(launcher)
            assert caught.value.code == UNAVAILABLE, (how, step)
            assert "\n" not in str(caught.value)
            assert "taken back" not in caught.value.message, (how, step)
    engines.wait_until(lambda: not engine.leftovers(), "the cluster removes what belonged to the Jobs", 40)

    # What reaches the engine after everybody gave up, and what nobody could take back, the next command settles.
    launcher = linked.launcher()
    linked.disturb(launcher, steps[0], "silent")
    with monkeypatch.context() as patch:
        patch.setattr(api, "ANSWER_SECONDS", 1.0)
        with pytest.raises(SamerunError, match="Failed to start the "):
            linked.submit(launcher)
    monkeypatch.setattr(taking_back, "_SECONDS", 0.0)
    monkeypatch.setattr(linked, "away", linked.link.refuse)
    launcher = linked.launcher()
    linked.disturb(launcher, steps[-1], "answer lost")
    with pytest.raises(SamerunError, match="could not be taken back") as caught:
        linked.submit(launcher)
    assert "samerun status" in caught.value.hint
    linked.link.mend()
    monkeypatch.setattr(docker, "_START_SECONDS", 0)
    monkeypatch.setattr(reasons, "_START_SECONDS", 0)
    monkeypatch.setattr(collector, "_ELSEWHERE_SECONDS", 0)

    def collected() -> bool:
        collector.collect(linked.world)
        return not engine.leftovers()

    engines.wait_until(collected, "the next commands remove it", 60)
    settled = [launches.record_on_disk(world, path.name) for path in world.runs.glob("*") if path.name not in before]
    ends = [(record["state"], record["reason"]) for record in settled]
    assert {state for state, _reason in ends} <= {"FINISHED", "FAILED"}, ends
    assert ("FINISHED", "") in ends

    same = linked.submit(linked.launcher())
    again = launches.collect_until_settled(linked.world, same.launch)
    assert (again.state, again.reason) == (RunState.FINISHED, "")


def test_who_waits_outlives_a_link_that_breaks_and_who_cancels_may_try_again(linked: Linked, world: World) -> None:
    script = Path(linked.given["script"])
    script.write_text(WAITS)
    submitted = linked.submit(linked.launcher())
    follower = attach.find([linked.world], submitted.launch)
    seen = b""
    for piece in follower.follow():
        seen += piece
        if b"ready" in seen:
            break
    assert seen.startswith(b"ready")
    ended: list[RunRecord] = []
    waiting = Thread(target=lambda: ended.append(attach.find([linked.world], submitted.launch).wait()))
    waiting.start()
    for reset in (False, True):
        time.sleep(0.5)
        linked.link.cut(reset=reset)
    linked.link.refuse()
    with pytest.raises(SamerunError) as unseen:
        collector.collect(linked.world)
    assert unseen.value.code == UNAVAILABLE
    canceller = attach.Attached(linked.world, submitted, follower.target)
    with pytest.raises(SamerunError) as caught:
        canceller.cancel(signal.SIGTERM)
    assert caught.value.code == UNAVAILABLE
    linked.link.mend()
    record = canceller.cancel(signal.SIGTERM)
    waiting.join(60)
    assert [record.state for record in ended] == [record.state] == [RunState.KILLED]
    assert record.reason == "Cancelled by SIGTERM."
    assert world.folder(record.launch).log.read_bytes() == b"ready\n"
    with contextlib.closing(canceller):
        engines.wait_until(lambda: not engines.engine_of(world).leftovers(), "nothing is left", 60)
