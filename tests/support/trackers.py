"""A small real server that answers samerun's requests as MLflow does, and records them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving import serving

_PREFIX = "/api/2.0/mlflow/"


class Tracker(ThreadingHTTPServer):
    """The part of MLflow's REST API that samerun uses.

    Attributes:
        runs: the runs of a launch, as MLflow's JSON objects.
        artifacts: path to bytes of every stored artifact.
        told: path and body of every call that changes something.
        refusal: status and text of every answer, if set.
        version: the version that it reports.
        ahead: seconds by which its clock is ahead.
        slow: start of a path to the seconds before its answer.
    """

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.runs: list[dict[str, Any]] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.artifacts: dict[str, bytes] = {}
        self.refusal: tuple[int, str] | None = None
        self.version = "3.17.2"
        self.ahead = 0.0
        self.slow: dict[str, float] = {}

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "experiments/search":
            return {"experiments": [{"experiment_id": "1", "name": "one"}]}
        if path == "runs/search":
            return {"runs": self.runs}
        self.told.append((path, body))
        for known in self.runs:
            if path == "runs/update" and known["info"]["run_id"] == body["run_id"]:
                known["info"]["status"] = body["status"]
            if path == "runs/log-batch" and known["info"]["run_id"] == body["run_id"]:
                known["data"]["tags"] = [*known["data"]["tags"], *body["tags"]]
        if path == "runs/create":
            self.runs.append(run("created", "RUNNING"))
            return {"run": self.runs[-1]}
        return {"experiment": {"experiment_id": "7"}}


class _Handler(BaseHTTPRequestHandler):
    server: Tracker

    def do_GET(self) -> None:
        if self.path == "/version":
            self._send(200, self.server.version)
        elif (found := self.server.artifacts.get(self.path)) is not None:
            self._send(200, found.decode())
        elif "/mlflow-artifacts/artifacts/" in self.path:
            self._send(404, "there is no such artifact")
        else:
            self._answer({})

    def do_PUT(self) -> None:
        self.server.artifacts[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, Any]) -> None:
        path = self.path.partition("?")[0].removeprefix(_PREFIX)
        self._send(*(self.server.refusal or (200, json.dumps(self.server.answer(path, body)))))

    def _send(self, status: int, text: str) -> None:
        time.sleep(sum(seconds for start, seconds in self.server.slow.items() if self.path.startswith(start)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.server.ahead)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Print nothing into the output of a test."""


def run(run_id: str, status: str, when: tuple[int, int] = (0, 0), parent: str = "") -> dict[str, Any]:
    """Return a run in the format of `runs/search`; `when` has its start and end."""
    tags = [{"key": "mlflow.parentRunId", "value": parent}] if parent else []
    info = {"run_id": run_id, "status": status, "experiment_id": "1", "artifact_uri": f"mlflow-artifacts:/1/{run_id}"}
    return {"info": {**info, "start_time": when[0], "end_time": when[1]}, "data": {"tags": tags}}


def tagged(server: Tracker) -> dict[str, dict[str, str]]:
    """Map the id of each run to the tags that it was given."""
    found: dict[str, dict[str, str]] = {}
    for path, body in server.told:
        if path == "runs/log-batch":
            found.setdefault(body["run_id"], {}).update({row["key"]: row["value"] for row in body["tags"]})
    return found


@contextlib.contextmanager
def tracker(host: str = "127.0.0.1") -> Iterator[Tracker]:
    """Run a server on a free port of an address of this machine."""
    with serving(Tracker(host)) as server:
        yield server
