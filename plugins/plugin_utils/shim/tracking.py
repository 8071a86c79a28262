# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the few calls of MLflow's REST API (version 2.0) that samerun needs, with the standard library only.

See https://mlflow.org/docs/latest/rest-api.html.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.request
from typing import Any, Iterator, Mapping
from urllib.parse import urlencode

from ansible_collections.samerun.stack.plugins.module_utils.contract import NOBODY, Login

LAUNCH_TAG = "samerun.launch"
FINGERPRINT_TAG = "samerun.fingerprint"
STATE_TAG = "samerun.state"
CORRECTED_TAG = "samerun.corrected"
ASIDE_TAG = "samerun.set_aside"
PARENT_TAG = "mlflow.parentRunId"

_OPEN = ("RUNNING", "SCHEDULED")
_VERSION_SECONDS = 5.0


class Tracking:
    """A client for the few calls of MLflow's REST API (version 2.0) that samerun makes.

    Args:
        login: the login for the server; the environment of this process is not read.
        direct: whether to ignore the proxies in the environment.
    """

    def __init__(self, uri: str, timeout: float = 10.0, login: Login = NOBODY, *, direct: bool = False) -> None:
        self.uri = uri.rstrip("/")
        self.timeout = timeout
        self.login = login
        self._opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if direct else []))

    def call(self, path: str, body: dict[str, Any] | None = None, query: str = "") -> dict[str, Any]:
        """Send a POST with `body`, or a GET without one; return the answer's JSON object."""
        data = None if body is None else json.dumps(body).encode()
        with self.open(f"2.0/mlflow/{path}{query}", data, {"Content-Type": "application/json"}) as answer:
            found = json.loads(answer.read() or b"{}")
        return found if isinstance(found, dict) else {}

    def version(self) -> str:
        """Return the version of the server; empty if the server does not tell it."""
        try:
            with self._open("version", timeout=_VERSION_SECONDS) as answer:
                text = str(answer.read(50).decode(errors="replace")).strip()
        except OSError:
            return ""
        return text if text[:1].isdigit() else ""

    @contextlib.contextmanager
    def open(
        self, path: str, data: Any = None, headers: dict[str, str] | None = None, method: str = "", timeout: float = 0
    ) -> Iterator[Any]:
        """Send a request and yield the answer; `data` may be a file.

        Raises:
            OSError: no answer came, the answer is not HTTP, or the connection broke while it was read.
        """
        with self._open(f"api/{path}", data, headers, method, timeout) as answer:
            yield answer

    @contextlib.contextmanager
    def _open(
        self, path: str, data: Any = None, headers: dict[str, str] | None = None, method: str = "", timeout: float = 0
    ) -> Iterator[Any]:
        headers = {**(headers or {}), **self.login.headers}
        request = urllib.request.Request(f"{self.uri}/{path}", data=data, headers=headers, method=method or None)
        try:
            with self._opener.open(request, timeout=timeout or self.timeout) as answer:
                yield answer
        except http.client.IncompleteRead as error:
            raise ConnectionError("its answer was cut") from error
        except http.client.HTTPException as error:
            if isinstance(error, OSError):
                raise
            raise ConnectionError("what it answers is no HTTP") from error

    def experiments(self) -> dict[str, str]:
        """Map the id of every active experiment to its name."""
        return {found["experiment_id"]: found["name"] for found in self._experiments()}

    def experiment_locations(self) -> dict[str, str]:
        """Map the name of every active experiment to the location of its artifacts."""
        return {found["name"]: found.get("artifact_location", "") for found in self._experiments()}

    def _experiments(self) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            query = urlencode({"max_results": 1000, **({"page_token": token} if token else {})})
            page = self.call("experiments/search", query=f"?{query}")
            yield from page.get("experiments", [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def runs(self, filter_string: str, experiments: list[str] | None = None) -> list[dict[str, Any]]:
        """Return the runs that `filter_string` selects, oldest first, as MLflow's JSON objects."""
        ids = self.experiments().keys() if experiments is None else experiments
        if not ids:
            return []
        body = {
            "experiment_ids": list(ids), "filter": filter_string, "max_results": 1000,
            "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        found = self.call("runs/search", body).get("runs", [])
        return list(found)

    def launch_runs(self, launch: str, experiments: list[str] | None = None) -> list[dict[str, Any]]:
        """Return the runs of a launch; `experiments` as for `runs`."""
        return self.runs(f"tags.`{LAUNCH_TAG}` = '{launch}'", experiments)

    def close(self, runs: list[dict[str, Any]], state: str, tags: dict[str, str]) -> list[dict[str, str]]:
        """Set the status of `runs` to what really happened, and tag them; return id and status of each.

        If a finished run's status had to be corrected, a tag says so.
        """
        closed = []
        last_start = max((int(run["info"].get("start_time", 0)) for run in runs), default=0)
        for run in runs:
            info, more = run["info"], dict(tags)
            wanted = _true_status(info, state, last_start)
            if wanted != info["status"]:
                body = {"run_id": info["run_id"], "status": wanted, "end_time": int(time.time() * 1000)}
                self.call("runs/update", body)
                if info["status"] not in _OPEN:
                    more[CORRECTED_TAG] = f"{info['status']} -> {wanted}: the exit code is the truth"
            rows = [{"key": key, "value": value} for key, value in more.items()]
            self.call("runs/log-batch", {"run_id": info["run_id"], "tags": rows})
            closed.append({"run_id": info["run_id"], "status": wanted})
        return closed

    def resumable(self, runs: list[dict[str, Any]]) -> str:
        """Return the id of the run that the next attempt continues, empty for none; close the other open `runs`.

        The attempt continues the launch's only top-level run, unless it is FINISHED. If there are several, it is not
        known which one the script's first `start_run` means. Then all are closed, and the attempt starts a new run.
        Child runs that are open are always closed. Runs that were set aside do not count.
        """
        top = [run for run in runs if not tag(run, PARENT_TAG) and not tag(run, ASIDE_TAG)]
        wanted = top[0] if len(top) == 1 and top[0]["info"]["status"] in (*_OPEN, "KILLED", "FAILED") else None
        left = [run for run in runs if run is not wanted and run["info"]["status"] in _OPEN]
        self.close(left, "KILLED", {})
        return str(wanted["info"]["run_id"]) if wanted else ""

    def set_aside(self, runs: list[dict[str, Any]], run_id: str) -> None:
        """Close the run that the script did not continue, and tag it so that no later attempt tries to continue it."""
        mine = [run for run in runs if run["info"]["run_id"] == run_id]
        self.close(mine, "KILLED", {ASIDE_TAG: "the script went on in another experiment"})


def is_open(run: Mapping[str, Any]) -> bool:
    """Whether a run (MLflow's JSON object) is still open."""
    return run["info"]["status"] in _OPEN


def tag(run: Mapping[str, Any], key: str) -> str:
    """Return a tag of a run (MLflow's JSON object); empty if it does not have the tag."""
    found = {row["key"]: row["value"] for row in run.get("data", {}).get("tags", [])}
    return str(found.get(key, ""))


def _true_status(info: Mapping[str, Any], state: str, last_start: int) -> str:
    """Return the right status of a run. The exit code decides: a failed script has no FINISHED run at its end.

    An open run gets `state`. A FINISHED run stays so if another run was started after its end: it did not fail.
    """
    status = str(info["status"])
    if status in _OPEN:
        return state
    at_the_end = int(info.get("end_time") or last_start) >= last_start
    return state if status == "FINISHED" and state in ("FAILED", "KILLED") and at_the_end else status
