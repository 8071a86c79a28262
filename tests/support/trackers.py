"""A tiny real server that answers what samerun asks of MLflow, and keeps what it is told."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PREFIX = "/api/2.0/mlflow/"


class Tracker(ThreadingHTTPServer):
    """MLflow's REST interface, as far as it is used.

    Attributes:
        runs: the runs of a launch, in MLflow's shape.
        artifacts: path to bytes of what was put.
        told: path and body of every call that changes something.
        refusal: status and text with which everything is answered, if set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: list[dict[str, Any]] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.artifacts: dict[str, bytes] = {}
        self.refusal: tuple[int, str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "experiments/search":
            return {"experiments": [{"experiment_id": "1", "name": "one"}]}
        if path == "runs/search":
            return {"runs": self.runs}
        self.told.append((path, body))
        for known in self.runs:
            if path == "runs/update" and known["info"]["run_id"] == body["run_id"]:
                known["info"]["status"] = body["status"]
        if path == "runs/create":
            self.runs.append(run("created", "RUNNING"))
            return {"run": self.runs[-1]}
        return {"experiment": {"experiment_id": "7"}}


class _Handler(BaseHTTPRequestHandler):
    server: Tracker

    def do_GET(self) -> None:
        self._answer({})

    def do_PUT(self) -> None:
        self.server.artifacts[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, Any]) -> None:
        path = self.path.partition("?")[0].removeprefix(_PREFIX)
        status, text = self.server.refusal or (200, json.dumps(self.server.answer(path, body)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Nothing: a test's output is its own."""


def run(run_id: str, status: str, when: tuple[int, int] = (0, 0), parent: str = "") -> dict[str, Any]:
    """A run as `runs/search` answers it; `when` it started and ended."""
    tags = [{"key": "mlflow.parentRunId", "value": parent}] if parent else []
    info = {"run_id": run_id, "status": status, "experiment_id": "1", "artifact_uri": f"mlflow-artifacts:/1/{run_id}"}
    return {"info": {**info, "start_time": when[0], "end_time": when[1]}, "data": {"tags": tags}}


def tagged(server: Tracker) -> dict[str, dict[str, str]]:
    """Run to the tags that it was given."""
    found: dict[str, dict[str, str]] = {}
    for path, body in server.told:
        if path == "runs/log-batch":
            found.setdefault(body["run_id"], {}).update({row["key"]: row["value"] for row in body["tags"]})
    return found


@contextlib.contextmanager
def tracker() -> Iterator[Tracker]:
    """A server of its own on a free port."""
    with Tracker() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
