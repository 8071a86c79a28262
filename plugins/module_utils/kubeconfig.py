# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a kubeconfig without a client library: its contexts and the addresses of their API servers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, UNAVAILABLE, SamerunError

# Host names that tools for local clusters use for this machine.
_LOCAL_SERVERS = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "kubernetes.docker.internal")  # noqa: S104
_LOCAL_CONTEXTS = ("minikube", "docker-desktop", "rancher-desktop", "colima", "orbstack", "kind-", "k3d-")


@dataclass(frozen=True)
class Context:
    """One context: its name and the host name of its API server."""

    name: str
    server: str

    @property
    def node_address(self) -> str:
        """Return the host for NodePorts: in single-node and local clusters, that of the API server."""
        return "localhost" if self.server in _LOCAL_SERVERS else self.server

    @property
    def looks_local(self) -> bool:
        return self.server in _LOCAL_SERVERS or self.name.startswith(_LOCAL_CONTEXTS)


def paths(kubeconfig: str) -> list[Path]:
    """Return the files that kubectl would read."""
    listed = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return [Path(p).expanduser() for p in listed.split(os.pathsep) if p]


def context(kubeconfig: str, name: str) -> Context:
    """Return the context `name`; the current context if `name` is empty.

    Raises:
        SamerunError: the file or the context does not exist, or the file cannot be parsed.
    """
    files = [path for path in paths(kubeconfig) if path.is_file()]
    if not files:
        shown = os.pathsep.join(map(str, paths(kubeconfig)))
        raise SamerunError(
            f"Failed to find a cluster: there is no kubeconfig at {shown}.",
            "Set KUBECONFIG or samerun_kubeconfig to the file that your cluster gave you.",
            UNAVAILABLE,
        )
    merged = _merge(files)
    wanted = name or merged["current"]
    server = merged["contexts"].get(wanted)
    if server is None:
        known = ", ".join(sorted(merged["contexts"])) or "none"
        raise SamerunError(
            f"Failed to find a cluster: {'samerun_context' if name else 'current-context'} is {wanted!r}, and "
            f"{files[0]} has no such context.",
            f"Known contexts: {known}. Set samerun_context to one of them.",
            CONFIG,
        )
    return Context(wanted, urlsplit(merged["clusters"].get(server, "")).hostname or "")


def _merge(files: list[Path]) -> dict[str, Any]:
    merged: dict[str, Any] = {"current": "", "contexts": {}, "clusters": {}}
    for path in files:
        try:
            found = yaml.safe_load(path.read_text()) or {}
            merged["current"] = merged["current"] or found.get("current-context", "")
            for item in found.get("contexts") or []:
                merged["contexts"].setdefault(item["name"], item["context"]["cluster"])
            for item in found.get("clusters") or []:
                merged["clusters"].setdefault(item["name"], item["cluster"]["server"])
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, OSError) as error:
            raise SamerunError(
                f"Failed to read {path}: it is not a kubeconfig ({type(error).__name__}).",
                "Write it anew with the tool that made your cluster.",
            ) from error
    return merged
