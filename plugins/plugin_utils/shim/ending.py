# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends a launch from inside: writes the report, closes the MLflow runs, and keeps log, code and outputs with them."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Mapping

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.delivered_code import DeliveredCode
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import Output
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

PART = ".part"  # suffix of an unfinished report
_RUNS_TOLD = 20  # closed runs that the report names
_ROOM = 4096  # bytes; the limit for a report on Kubernetes, which loses a longer one completely


def packed(report: Mapping[str, Any], room: int) -> bytes:
    """Return `report` as JSON of at most `room` bytes; the longest value is cut again and again until it fits."""
    told = dict(report)
    while len(data := _json(told)) > room:
        name = max(told, key=lambda known: len(_json(told[known])))
        value = told[name]
        if isinstance(value, (str, list)) and len(value) > 1:
            told[name] = value[: len(value) // 2]
        else:
            del told[name]
    return data


def _json(value: Any) -> bytes:
    # Not escaped to ASCII: that would take up to six times as many bytes.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


class Ending:
    """Ends one launch.

    Args:
        spec: the shim's instructions, see `shim_spec`.
        report: the facts known so far; `end` adds more.
    """

    def __init__(
        self, spec: Mapping[str, Any], report: dict[str, Any], output: Output, server: Tracking, code: DeliveredCode
    ) -> None:
        self.spec = spec
        self.report = report
        self.output = output
        self.server = server
        self.code = code
        # Kubernetes' termination log exists already and is empty: write it in place. Any other report is renamed into
        # place, so that readers see only a complete file.
        self.in_place = os.path.exists(spec["report"]) and os.path.getsize(spec["report"]) == 0
        self.part = spec["report"] + ("" if self.in_place else PART)
        if not self.in_place:
            # Reserve the space now, before the script can fill the disk. The file also shows that the shim has started.
            with contextlib.suppress(OSError), open(self.part, "wb") as out:
                out.write(b" " * _ROOM)

    def end(self) -> None:
        """Write the report, close the launch's MLflow runs, and keep log, record, code and outputs with the run.

        If MLflow does not answer, or this process is killed meanwhile, the reader of the report does the rest later.
        """
        # A script that was never started has no runs.
        nothing = "attempts" not in self.report and not self.spec.get("retries") and not self.spec["record_failures"]
        self.report["closed"] = self.report["kept"] = nothing
        self._leave_report()
        if nothing:
            self.output.close()
            return
        try:
            self._close()
        except (OSError, ValueError, KeyError) as error:
            self.output.say(f"MLflow is away, its runs are closed later ({error}).")
        self.report["log_bytes"] = self.output.bytes  # lets a reader see whether the engine dropped a part of the log
        self._leave_report()
        self.output.close()

    def _close(self) -> None:
        self.server.timeout = probes.patience(5)
        runs = self.server.launch_runs(self.spec["launch"])
        if not runs and self.report["state"] == "FAILED" and self.spec["record_failures"]:
            runs = [keeping.failed_run(self.server, self.report)]
        closed = self.server.close(runs, self.report["state"], keeping.tags(self.report))
        self.report.update(runs=closed[:_RUNS_TOLD], closed=True)
        self.report["kept"] = self._keep(keeping.chosen(runs))

    def _keep(self, run: Any) -> bool:
        """Keep log, record, code and outputs with `run`; return whether all were kept."""
        patterns = list(self.spec.get("outputs", []))
        if run is None:
            if patterns:
                self.output.say("There is no MLflow run that the files of training_outputs could be kept with.")
            return True
        outputs = list(keeping.files(self.spec["work"], patterns))
        if patterns and not outputs:
            self.output.say(f"Nothing that the script left is named by training_outputs ({', '.join(patterns)}).")
        try:
            artifacts = keeping.Artifacts(run["info"]["artifact_uri"], self.server, self.code.client)
            code = self.code.read() if self.spec.get("keep_code") else b""
            problems = keeping.keep(artifacts, self.report, self.spec["log"], code, outputs)
        except (keeping.KeepingError, probes.ProbeError, OSError) as error:
            problems = [str(error)]
        if problems:
            self.output.say(f"Not everything could be kept with the MLflow run: {'; '.join(problems)}.")
        return not problems

    def _leave_report(self) -> None:
        with open(self.part, "r+b" if os.path.exists(self.part) else "wb") as out:
            out.write(packed(self.report, _ROOM))
            out.truncate()
        if self.part != self.spec["report"]:
            os.replace(self.part, self.spec["report"])
