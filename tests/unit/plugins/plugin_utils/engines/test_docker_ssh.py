from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_PERMISSION, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import docker_ssh

ADDRESS = "ssh://me@host:2222"


@pytest.mark.parametrize(
    "address, words",
    [
        ("ssh://host", "host"),
        ("ssh://me@host", "me@host"),
        (ADDRESS, "-p 2222 me@host"),
        ("ssh://me@host/x", "me@host"),
    ],
)
def test_an_address_is_what_somebody_would_type(address: str, words: str) -> None:
    assert docker_ssh.target(address) == words


@pytest.mark.parametrize(
    "said, cause, hint, code",
    [
        ("Host key verification failed.", "host key", "ssh -p 2222 me@host", NO_PERMISSION),
        ("me@host: Permission denied (publickey).", "let us in", "ssh-copy-id -p 2222 me@host", NO_PERMISSION),
        ("ssh: Could not resolve hostname host: x", "of that name", "samerun_docker_host", UNAVAILABLE),
        ("ssh: connect to host host port 2222: Connection timed out", "timed out", "true", UNAVAILABLE),
        ("", "ssh says nothing", "Is the host up?", UNAVAILABLE),
    ],
)
def test_what_ssh_says_becomes_one_line(said: str, cause: str, hint: str, code: int) -> None:
    error = docker_ssh._refusal(ADDRESS, f"Warning: x\n{said}" if said else "")
    assert error.message.startswith(f"Failed to reach the Docker engine at {ADDRESS}: ")
    assert "\n" not in str(error)
    assert cause in error.message
    assert hint in error.hint
    assert error.code == code


def test_without_an_ssh_command_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(SamerunError, match=r"no ssh command here.*Install OpenSSH"):
        docker_ssh.forwarded(ADDRESS)


def test_a_folder_that_others_may_enter_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    docker_ssh._folder(ADDRESS).chmod(0o755)
    with pytest.raises(SamerunError, match="others may enter it"):
        docker_ssh.forwarded(ADDRESS)
