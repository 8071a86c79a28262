from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_PERMISSION, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import ssh

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
    assert ssh.target(address) == words


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
    error = ssh._refusal(ADDRESS, f"Warning: x\n{said}" if said else "")
    assert error.message.startswith(f"Failed to reach the Docker engine at {ADDRESS}: ")
    assert "\n" not in str(error)
    assert cause in error.message
    assert hint in error.hint
    assert error.code == code


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's runtime folder, where nothing of a person's is; its name may be longer than a socket's."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(ssh, "_LONGEST", 1000)
    return tmp_path


def test_without_an_ssh_command_it_says_so(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(runtime))
    with pytest.raises(SamerunError, match=r"no ssh command here.*Install OpenSSH"):
        ssh.forwarded(ADDRESS)


def test_a_folder_that_others_may_enter_is_not_used(runtime: Path) -> None:
    ssh._folder(ADDRESS).chmod(0o755)
    assert [path.name for path in runtime.iterdir()] == ["samerun"]
    with pytest.raises(SamerunError, match="others may enter it"):
        ssh.forwarded(ADDRESS)


def test_a_name_that_is_too_long_for_a_socket_is_not_used(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "_LONGEST", 10)
    folder = ssh._folder(ADDRESS)
    try:
        assert folder.parent == Path("/tmp")
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        folder.rmdir()
