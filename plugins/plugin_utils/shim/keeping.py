# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps facts of a launch with its MLflow runs: how it ended as tags, its log and files as artifacts.

The shim does this at its end. If it could not, the collector of the launch does the rest.
"""

from __future__ import annotations

import glob
import io
import json
import os
import time
import urllib.error
import urllib.request
from typing import Any, BinaryIO, ContextManager, Iterator, Mapping
from urllib.parse import quote, urlsplit

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import (
    ASIDE_TAG,
    LAUNCH_TAG,
    PARENT_TAG,
    Tracking,
    tag,
)

PREFIX = "samerun."
LOG, RECORD, CODE, OUTPUTS = "samerun/log.txt", "samerun/record.json", "samerun/code.tar.gz", "outputs"
PROXY = "mlflow-artifacts:/"  # the root of the artifacts that a server stores itself
FAILURES = "samerun-failures"  # the experiment of launches that started no run of their own
_TAGS = (
    "state", "exit_code", "cause", "cancelled_by", "reason", "world", "target", "script", "fingerprint",
    "bundle_sha256", "started_at", "ended_at", "seconds", "attempts",
)  # fmt: skip
_TAG_LENGTH = 5000  # characters in a tag's value
_SECONDS = 60.0
_SILENT_SECONDS = 5.0  # if storing fails only after this time, the server does not answer at all
_PIECE = 1 << 16


class KeepingError(Exception):
    """An artifact could not be kept or read; the text says why."""


def tags(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that say how a launch ended; `facts` is a report or a record."""
    known = {f"{PREFIX}{name}": str(facts[name])[:_TAG_LENGTH] for name in _TAGS if facts.get(name) not in (None, "")}
    return {LAUNCH_TAG: str(facts["launch"]), **known}


def chosen(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the run that gets the launch's artifacts: the first that has no parent run and was not set aside."""
    top = [run for run in runs if not tag(run, PARENT_TAG) and not tag(run, ASIDE_TAG)]
    return next(iter(top or runs), None)


def files(folder: str, patterns: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and path of the files below `folder` that match a pattern; a folder means all files in it."""
    root, seen = os.path.realpath(folder), set()
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(glob.escape(root), pattern), recursive=True)):
            inside = [path] if os.path.isfile(path) else _below(path)
            for one in inside:
                real = os.path.realpath(one)
                if one not in seen and (real + os.sep).startswith(root + os.sep):
                    seen.add(one)
                    yield os.path.relpath(one, root).replace(os.sep, "/"), one


def _below(folder: str) -> list[str]:
    return sorted(os.path.join(base, name) for base, _folders, names in os.walk(folder) for name in names)


class Artifacts:
    """The artifacts of one run, reached through MLflow or in S3; the scheme of `uri` decides.

    Args:
        uri: the run's `artifact_uri` from MLflow.
        server: used if the server stores artifacts itself.
        client: used if the artifacts are in S3; None if there are no keys.
    """

    def __init__(self, uri: str, server: Tracking, client: S3Client | None) -> None:
        self._parts = urlsplit(uri)
        self._server = server
        self._client = client
        if self._parts.scheme == "s3" and client is None:
            raise KeepingError(f"{uri} needs keys")
        if self._parts.scheme not in ("s3", "mlflow-artifacts"):
            raise KeepingError(f"{uri} is written by MLflow's client alone")

    def put(self, name: str, content: bytes | str) -> None:
        """Store bytes, or the file at a path, under a name."""
        try:
            if isinstance(content, str):
                with open(content, "rb") as found:
                    self._put(name, found)
            else:
                self._put(name, io.BytesIO(content))
        except (OSError, ValueError, S3Error) as error:
            raise KeepingError(f"{name}: {error}") from error

    def get(self, name: str) -> bytes:
        """Return the bytes of an artifact."""
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of an artifact in pieces, as a log may have a gigabyte."""
        try:
            with self._opened(name) as body:
                yield from iter(lambda: body.read(_PIECE), b"")
                if getattr(body, "length", 0):  # bytes that are missing: an HTTP answer that ends early raises no error
                    raise EOFError("the answer ended early")
        except (OSError, EOFError, ValueError, S3Error) as error:
            raise KeepingError(f"{name}: {error}") from error

    def _opened(self, name: str) -> ContextManager[Any]:
        if self._client is not None and self._parts.scheme == "s3":
            return self._client.get(self._parts.netloc, self._key(name))
        return self._server.open(self._address(name), timeout=_SECONDS)

    def _put(self, name: str, found: BinaryIO) -> None:
        size = os.fstat(found.fileno()).st_size if not isinstance(found, io.BytesIO) else found.getbuffer().nbytes
        if self._client is not None and self._parts.scheme == "s3":
            self._client.upload(self._parts.netloc, self._key(name), found, size)
            return
        with self._server.open(self._address(name), found, {"Content-Length": str(size)}, "PUT", _SECONDS):
            pass

    def _key(self, name: str) -> str:
        return f"{self._parts.path}/{name}".lstrip("/")

    def _address(self, name: str) -> str:
        return f"2.0/mlflow-artifacts/artifacts/{quote(self._key(name))}"


def failed_run(server: Tracking, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Create a run for a launch that started none, in a separate experiment; return it as MLflow's JSON object."""
    try:
        found = server.call("experiments/get-by-name", query=f"?experiment_name={FAILURES}")
        experiment = found["experiment"]["experiment_id"]
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        experiment = server.call("experiments/create", {"name": FAILURES})["experiment_id"]
    body = {
        "experiment_id": experiment, "run_name": facts["launch"],
        "tags": [{"key": key, "value": value} for key, value in tags(facts).items()],
    }  # fmt: skip
    run: dict[str, Any] = server.call("runs/create", body)["run"]
    return run


def keep(artifacts: Artifacts, facts: Mapping[str, Any], log: str, code: bytes | str, outputs: Any) -> list[str]:
    """Store log, record, code and outputs; return a line for each one that failed.

    Args:
        log: the path of the log.
        code: the bundle or its path; empty if it is not kept.
        outputs: name and path of each output file of the script.
    """
    wanted: list[tuple[str, bytes | str]] = [(LOG, log), (RECORD, json.dumps(dict(facts), indent=2).encode())]
    wanted += [(CODE, code)] if code else []
    wanted += [(f"{OUTPUTS}/{name}", path) for name, path in outputs]
    problems = []
    for number, (name, content) in enumerate(wanted):
        started = time.monotonic()
        try:
            artifacts.put(name, content)
        except KeepingError as error:
            problems.append(str(error).rstrip("."))
            if time.monotonic() - started > _SILENT_SECONDS:  # each of the others would take as long
                left = len(wanted) - number - 1
                return [*problems, *([f"{left} more, which were not tried"] if left else [])]
    return problems
