# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The few calls of MLflow's REST interface (version 2.0) that samerun makes, by the standard library alone.

See https://mlflow.org/docs/latest/rest-api.html. This file travels with a launch, see shim.py.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

LAUNCH_TAG = "samerun.launch"
FINGERPRINT_TAG = "samerun.fingerprint"
STATE_TAG = "samerun.state"
EXIT_TAG = "samerun.exit_code"


class Tracking:
    """The few calls of MLflow's REST interface (version 2.0) that samerun makes."""

    def __init__(self, uri: str, timeout: float = 10.0) -> None:
        self.uri = uri.rstrip("/")
        self.timeout = timeout

    def call(self, path: str, body: dict[str, Any] | None = None, query: str = "") -> dict[str, Any]:
        """POST `body`, or GET without one, and return the answer's object."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        user = os.environ.get("MLFLOW_TRACKING_USERNAME")
        if user:
            pair = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif os.environ.get("MLFLOW_TRACKING_TOKEN"):
            headers["Authorization"] = "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]
        request = urllib.request.Request(f"{self.uri}/api/2.0/mlflow/{path}{query}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            found = json.loads(answer.read() or b"{}")
        return found if isinstance(found, dict) else {}

    def experiments(self) -> dict[str, str]:
        """Experiment id to name, of all that are active."""
        names: dict[str, str] = {}
        token = ""
        while True:
            query = urlencode({"max_results": 1000, **({"page_token": token} if token else {})})
            page = self.call("experiments/search", query=f"?{query}")
            names.update({e["experiment_id"]: e["name"] for e in page.get("experiments", [])})
            token = page.get("next_page_token", "")
            if not token:
                return names

    def runs(self, filter_string: str, experiments: list[str] | None = None) -> list[dict[str, Any]]:
        """The runs that `filter_string` selects, oldest first, in MLflow's own shape."""
        ids = self.experiments().keys() if experiments is None else experiments
        if not ids:
            return []
        body = {
            "experiment_ids": list(ids), "filter": filter_string, "max_results": 1000,
            "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        found = self.call("runs/search", body).get("runs", [])
        return list(found)

    def launch_runs(self, launch: str) -> list[dict[str, Any]]:
        return self.runs(f"tags.`{LAUNCH_TAG}` = '{launch}'")

    def close(self, runs: list[dict[str, Any]], state: str, exit_code: int | None) -> list[dict[str, str]]:
        """Make the status of `runs` say what really happened; return id and status of each."""
        closed = []
        for run in runs:
            info = run["info"]
            wanted = _true_status(info["status"], state)
            if wanted != info["status"]:
                body = {"run_id": info["run_id"], "status": wanted, "end_time": int(time.time() * 1000)}
                self.call("runs/update", body)
            tags = [{"key": STATE_TAG, "value": state}, {"key": EXIT_TAG, "value": str(exit_code)}]
            self.call("runs/log-batch", {"run_id": info["run_id"], "tags": tags})
            closed.append({"run_id": info["run_id"], "status": wanted})
        return closed


def _true_status(status: str, state: str) -> str:
    """The exit code is the truth: a failed script has no FINISHED run, an ended one no RUNNING run."""
    if status in ("RUNNING", "SCHEDULED"):
        return state
    return "FAILED" if status == "FINISHED" and state == "FAILED" else status
