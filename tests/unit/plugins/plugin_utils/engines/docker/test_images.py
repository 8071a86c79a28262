from __future__ import annotations

import fakes_docker
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer


def test_a_failing_build_says_its_last_words() -> None:
    steps = [{"stream": "Step 1/2 : FROM x\n"}, {"stream": "Collecting y\n"}, {"error": "no such package\n"}]
    said: list[str] = []
    with pytest.raises(SamerunError) as caught:
        images._watch(iter(steps), "build the image z", said.append)
    assert caught.value.message == "Failed to build the image z: Step 1/2 : FROM x | Collecting y | no such package."
    assert "training_image" in caught.value.hint
    assert said == ["Step 1/2 : FROM x"]


def test_a_build_says_how_packages_were_installed() -> None:
    lines = ["Step 1/1 : RUN x\n", "Installing with pip, not with uv: no uv\n", "Collecting y\n"]
    said: list[str] = []
    steps = iter([{"stream": line} for line in lines])
    images._watch(steps, "build the image z", said.append, installer.TOLD)
    assert said == ["Step 1/1 : RUN x", "Installing with pip, not with uv: no uv"]


def test_a_full_disk_is_named_wherever_a_build_says_it() -> None:
    steps = [{"stream": "OSError: [Errno 28] No space left on device\n"}, {"error": "pip returned 1\n"}]
    with pytest.raises(SamerunError, match="the engine's disk is full"):
        images._watch(iter(steps), "build the image z", lambda _line: None)


@pytest.mark.parametrize(
    "words, built",
    [
        ("manifest unknown", True),
        ("it is Monday", True),
        ("dial tcp 127.0.0.1:1: connect: connection refused", False),
        ("write /x: no space left on device", False),
    ],
)
def test_what_a_build_would_not_mend_is_said_before_one(
    monkeypatch: pytest.MonkeyPatch, words: str, built: bool
) -> None:
    """`built` where an image that is not there is made; else the refusal is raised."""
    client = fakes_docker.FakeDocker()
    monkeypatch.setattr(client.fake, "pull", lambda *_given, **_named: [{"error": words}])
    if built:
        assert images._pulled(client, "x/y:1") is None
        return
    with pytest.raises(SamerunError, match=r"^Failed to pull the image x/y:1: "):
        images._pulled(client, "x/y:1")


def test_a_pull_that_fails_midway_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [{"status": "Extracting"}, {"error": "write /x: no space left on device"}]
    client = fakes_docker.FakeDocker()
    monkeypatch.setattr(client.fake, "pull", lambda *_given, **_named: steps)
    with pytest.raises(SamerunError, match=r"^Failed to pull the image x/y:1: the engine's disk is full"):
        images.pull(client, "x/y:1")
