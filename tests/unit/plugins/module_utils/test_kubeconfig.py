from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.samerun.stack.plugins.module_utils import kubeconfig
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError


def write(path: Path, current: str, **servers: str) -> Path:
    found: dict[str, Any] = {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}"}} for name in servers],
        "clusters": [{"name": f"c-{name}", "cluster": {"server": server}} for name, server in servers.items()],
    }
    path.write_text(yaml.safe_dump(found))
    return path


@pytest.mark.parametrize(
    "name, server, address, local",
    [
        ("any", "https://127.0.0.1:6443", "localhost", True),
        ("any", "https://kubernetes.docker.internal:6443", "localhost", True),
        ("minikube", "https://192.168.49.2:8443", "192.168.49.2", True),
        ("kind-dev", "https://10.1.1.1:6443", "10.1.1.1", True),
        ("prod", "https://api.example.com", "api.example.com", False),
    ],
)
def test_a_context_says_where_it_is_and_whether_it_looks_local(
    tmp_path: Path, name: str, server: str, address: str, local: bool
) -> None:
    found = kubeconfig.context(str(write(tmp_path / "config", name, **{name: server})), "")
    assert (found.name, found.node_address, found.looks_local) == (name, address, local)


def test_the_named_context_wins_over_the_current(tmp_path: Path) -> None:
    path = write(tmp_path / "config", "a", a="https://a", b="https://b")
    assert kubeconfig.context(str(path), "b").server == "b"


def test_files_are_merged_as_kubectl_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "1", "", a="https://a")
    second = write(tmp_path / "2", "b", b="https://b", a="https://other")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path}/absent:{second}")
    assert kubeconfig.context("", "").server == "b"
    assert kubeconfig.context("", "a").server == "a"


def test_the_default_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig.paths("") == [tmp_path / ".kube" / "config"]


@pytest.mark.parametrize(
    "content, context, message",
    [
        (None, "", r"there is no kubeconfig at .*KUBECONFIG or samerun_kubeconfig"),
        ("current-context: a\n", "", r"current-context is 'a'.*has no such context.*none"),
        ("", "missing", r"samerun_context is 'missing'"),
        ("contexts: [1]", "", r"is not a kubeconfig"),
        ("{", "", r"is not a kubeconfig"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, content: str | None, context: str, message: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SamerunError, match=message):
        kubeconfig.context(str(path), context)
