# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The few calls of MLflow's REST interface (version 2.0) that samerun makes, by the standard library alone.

See https://mlflow.org/docs/latest/rest-api.html. This file travels with a launch, see shim.py.
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
    """The few calls of MLflow's REST interface (version 2.0) that samerun makes.

    Args:
        login: what the server asks for; the environment of this process is not looked at.
        direct: whether a proxy that the environment names is passed by.
    """

    def __init__(self, uri: str, timeout: float = 10.0, login: Login = NOBODY, *, direct: bool = False) -> None:
        self.uri = uri.rstrip("/")
        self.timeout = timeout
        self.login = login
        self._opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if direct else []))

    def call(self, path: str, body: dict[str, Any] | None = None, query: str = "") -> dict[str, Any]:
        """POST `body`, or GET without one, and return the answer's object."""
        data = None if body is None else json.dumps(body).encode()
        with self.open(f"2.0/mlflow/{path}{query}", data, {"Content-Type": "application/json"}) as answer:
            found = json.loads(answer.read() or b"{}")
        return found if isinstance(found, dict) else {}

    def version(self) -> str:
        """The version of the server, empty where it does not tell."""
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
        """The server's answer; `data` may be a file.

        Raises:
            OSError: there is none, also where what answers is no HTTP, or is cut while it is read.
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
        """Experiment id to name, of all that are active."""
        return {found["experiment_id"]: found["name"] for found in self._experiments()}

    def experiment_locations(self) -> dict[str, str]:
        """Experiment name to where its artifacts are, of all that are active."""
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

    def launch_runs(self, launch: str, experiments: list[str] | None = None) -> list[dict[str, Any]]:
        """The runs of a launch; `experiments` as for `runs`."""
        return self.runs(f"tags.`{LAUNCH_TAG}` = '{launch}'", experiments)

    def close(self, runs: list[dict[str, Any]], state: str, tags: dict[str, str]) -> list[dict[str, str]]:
        """Make the status of `runs` say what really happened, and tag them; return id and status of each.

        A status that had to be corrected is named in a tag.
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
        """The one of a launch's `runs` that another attempt goes on with, empty for none.

        That is its only run, children aside, unless it ended by itself. Of several nobody can say which one the
        script's first `start_run` means: then all are closed and the attempt starts its own. Children that were left
        open are closed either way. What was set aside counts no more.
        """
        top = [run for run in runs if not tag(run, PARENT_TAG) and not tag(run, ASIDE_TAG)]
        wanted = top[0] if len(top) == 1 and top[0]["info"]["status"] in (*_OPEN, "KILLED", "FAILED") else None
        left = [run for run in runs if run is not wanted and run["info"]["status"] in _OPEN]
        self.close(left, "KILLED", {})
        return str(wanted["info"]["run_id"]) if wanted else ""

    def set_aside(self, runs: list[dict[str, Any]], run_id: str) -> None:
        """Close the one of `runs` that the script does not go on with, so that no other attempt tries to."""
        mine = [run for run in runs if run["info"]["run_id"] == run_id]
        self.close(mine, "KILLED", {ASIDE_TAG: "the script went on in another experiment"})


def is_open(run: Mapping[str, Any]) -> bool:
    """Whether MLflow takes a run in its own shape for one that goes on."""
    return run["info"]["status"] in _OPEN


def tag(run: Mapping[str, Any], key: str) -> str:
    """A tag of a run in MLflow's own shape, empty where it has none."""
    found = {row["key"]: row["value"] for row in run.get("data", {}).get("tags", [])}
    return str(found.get(key, ""))


def _true_status(info: Mapping[str, Any], state: str, last_start: int) -> str:
    """The exit code is the truth: a failed script has no FINISHED run, an ended one no RUNNING run.

    A run after which another one was started had ended before, and well: it was not what failed.
    """
    status = str(info["status"])
    if status in _OPEN:
        return state
    at_the_end = int(info.get("end_time") or last_start) >= last_start
    return state if status == "FINISHED" and state in ("FAILED", "KILLED") and at_the_end else status
