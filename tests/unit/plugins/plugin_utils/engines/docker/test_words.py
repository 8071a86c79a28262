from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import words as docker_words
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker.words import Away

# What engines of several versions said.
SAID = {
    "write /var/lib/docker/tmp/x: no space left on device": ("the engine's disk is full", "docker system df"),
    "No such image: x:latest": ("there is no such image", "docker login"),
    "manifest for localhost:5050/x:1 not found: manifest unknown: manifest unknown": ("there is no such image", "name"),
    "pull access denied for x, repository does not exist or may require 'docker login': denied: requested "
    "access to the resource is denied": ("there is no such image", "docker login"),
    "Head \"https://registry.invalid/v2/x\": dial tcp: lookup registry.invalid: no such host": (
        "does not reach the registry", "docker pull",
    ),
    "Get \"https://10.0.0.1/v2/\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)": (
        "does not reach the registry", "docker pull",
    ),
    "Get \"https://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused": (
        "does not reach the registry", "docker pull",
    ),
    "Head \"https://registry.example/v2/x/manifests/1\": unauthorized: authentication required": (
        "wants to know who asks", "docker login",
    ),
    "no matching manifest for linux/arm64/v8 in the manifest list entries": ("another processor", "docker version"),
    "standard_init_linux.go:228: exec user process caused: exec format error": ("another processor", "docker version"),
    'could not select device driver "" with capabilities: [[gpu]]': ("no GPU", "toolkit"),
    "Bind for 0.0.0.0:5000 failed: port is already allocated": ("a port is taken", "mlflow_port"),
    "listen tcp4 10.9.9.9:5000: bind: cannot assign requested address": ("no such address", "samerun_bind"),
    'exec: "moon": executable file not found in $PATH: unknown': ("no such interpreter", "training_python"),
    "invalid mount config: bind source path does not exist: /x": ("bind source path", "training_volumes"),
    "Minimum memory limit allowed is 6MB": ("6MB", "training_resources.memory"),
    "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available": ("0.01", "training_resources.cpu"),
}  # fmt: skip


@pytest.mark.parametrize("words", SAID)
def test_causes_are_told_apart_and_keep_the_engines_own_words(words: str) -> None:
    cause, hint = SAID[words]
    refusal = docker_words.refusal("try", f"{words}.\n")
    assert refusal.message.startswith("Failed to try: ")
    assert cause in refusal.message
    assert words in refusal.message
    assert hint in refusal.hint


@pytest.mark.parametrize("cause", docker_words.CAUSES, ids=lambda cause: cause.words[0])
def test_a_refusal_names_its_cause(cause: docker_words.Cause) -> None:
    assert docker_words.refusal("try", f"Error: {cause.words[0]} x").cause is cause


def test_words_that_are_not_known_have_no_cause() -> None:
    assert docker_words.refusal("try", "it is Monday").cause is None


@pytest.mark.parametrize(
    "words, away",
    [
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", Away.FORBIDDEN),
        ("UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=7.0)", Away.SILENT),
        ("Invalid bind address protocol: moon", Away.NO_ADDRESS),
        ("Not supported URL scheme http+moon", Away.NO_ADDRESS),
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", Away.ABSENT),
    ],
)
def test_why_nobody_answers_is_told_apart(words: str, away: Away) -> None:
    assert docker_words.away(words) is away


def test_a_hint_of_ours_is_for_causes_that_are_not_known() -> None:
    assert docker_words.refusal("try", "it is Monday", "Wait.").hint == "Wait."
    assert docker_words.refusal("try", "no space left on device", "Wait.").hint == docker_words.FULL_DISK.hint
