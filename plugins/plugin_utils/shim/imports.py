# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests whether a script's modules can be imported by the interpreter that will run the script.

A package may be installed and still fail to import; only an import shows it. One child process tries all imports while
the shim probes the endpoints. code/sources/checks.py finds the names to import. environments/import_marks.py remembers
which of them are known to import.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Mapping

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import versions
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.probes import ProbeError, patience

SECONDS = 10  # a longer check is given up; a failing import then shows when the script runs
_LONGEST = 300  # characters of an exception's text, since a report in a cluster has room for 4096 bytes

# argv: descriptor of the answer, seconds, sys.path[0], JSON of names ("module" or "module:attribute") and sources.
# Modules that are not installed are tried first, as they fail at once.
_CHILD = """\
import importlib, importlib.util, json, os, signal, sys
from importlib.machinery import SourceFileLoader
# Byte code is saved only in a venv of samerun, by its first imports; never beside it, nor in other environments.
ours, write = sys.prefix + os.sep, SourceFileLoader.set_data
sys.dont_write_bytecode = not os.path.exists(ours + ".complete")
def set_data(loader, path, data, **options):
    if path.startswith(ours):
        write(loader, path, data, **options)
SourceFileLoader.set_data = set_data
answer, seconds, sys.path[0], asked = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
signal.alarm(20 * seconds)
found = {}
try:
    from importlib import metadata
except ImportError:
    metadata = None
for package in ("mlflow", "mlflow-skinny"):
    try:
        found.setdefault("mlflow", metadata.version(package))
    except Exception:
        pass
sys.argv = [""]
def absent(name):
    try:
        return importlib.util.find_spec(name.partition(":")[0].partition(".")[0]) is None
    except Exception:
        return False
for source in asked["sources"]:
    try:
        with open(source, "rb") as text:
            compile(text.read(), source, "exec")
    except SyntaxError as error:
        found["broken"] = {"name": source, "text": "line %s: %s" % (error.lineno, error.msg)}
        asked["names"] = []
        break
for name in sorted(asked["names"], key=absent, reverse=True):
    module, _, attribute = name.partition(":")
    os.write(answer, (module + "\\n").encode())
    try:
        imported = importlib.import_module(module)
        if attribute and not hasattr(imported, attribute):
            try:
                importlib.import_module(module + "." + attribute)
            except ModuleNotFoundError as error:
                if error.name != module + "." + attribute:
                    raise
                raise ImportError("cannot import name %r from %r" % (attribute, module)) from None
    except BaseException as error:
        found["failed"] = {
            "name": module, "kind": type(error).__name__, "text": str(error)[:2000],
            "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
        }
        break
os.write(answer, json.dumps(found).encode())
os._exit(0)
"""


class Checking:
    """A check that runs in the background until `result` is called; as a context manager it ends its child.

    Args:
        spec: the shim's instructions, see `shim_spec`. If there is something to check, their `imports` has these keys:
            `names` to import; `sources` to compile, which the controller's Python cannot parse; `hints` for some
            names; `where`, the name of the interpreter in messages; `lenient`, whether the script adds folders to its
            path, which may have the module; `stirs`, whether the script changes its environment; `log_model`, the
            place where the script logs a torch model without an example; `mlflow`, the version of MLflow, or `ask`
            if it is not known.
        environ: the script's environment.
    """

    def __init__(self, spec: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.wanted = spec.get("imports", {})
        self._child: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        asked = {key: list(self.wanted.get(key, ())) for key in ("names", "sources")}
        if not any(asked.values()) and not self.wanted.get("ask"):
            return
        work, hidden = spec["work"], {*contract.keys(secret=True), *spec.get("secret_names", ())}
        own = {name: value for name, value in environ.items() if name not in hidden}
        reading, writing = os.pipe()
        first = os.path.dirname(os.path.join(work, spec["script"]))
        argv = [sys.executable, "-B", "-c", _CHILD, str(writing), str(SECONDS), first]
        self._answer = open(reading, "rb")  # noqa: SIM115 - closed by stop
        try:
            self._child = subprocess.Popen(
                [*argv, json.dumps(asked)], cwd=work, env=own, pass_fds=(writing,), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        finally:
            os.close(writing)

    def __enter__(self) -> Checking:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the child and the processes that it started."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            self._answer.close()
            self._child = None

    def result(self, server: str = "", warn: Callable[[str], Any] = print) -> dict[str, Any]:
        """Wait for the check; return facts for the report: the version `mlflow`, and whether all were `imported`.

        Args:
            server: the version of the tracking server; empty if it is not known.
            warn: takes a line about versions that may not fit.

        Raises:
            ProbeError: a name cannot be imported, a source cannot be compiled, or the MLflow does not fit.
        """
        found: dict[str, Any] = self._wait() if self._child is not None else {"imported": True}
        if "mlflow" in self.wanted:
            found.setdefault("mlflow", self.wanted["mlflow"])
        if broken := found.get("broken"):
            raise ProbeError(
                f"Failed to read {broken['name']}: {broken['text']}.",
                f"Correct it, or run it by a Python that knows it: this is {'.'.join(map(str, sys.version_info[:2]))}.",
            )
        failed = found.pop("failed", None)
        if failed and not self._may_be_otherwise(failed):
            raise self._problem(failed)
        if log_model_problem := versions.example_problem(self.wanted.get("log_model", ""), found.get("mlflow", "")):
            raise log_model_problem
        versions.refuse_newer(found.get("mlflow", ""), server, warn)
        return found

    def _may_be_otherwise(self, failed: Mapping[str, Any]) -> bool:
        """Whether the script may be able to import what failed here, because of something that it does first."""
        absent = failed["missing"] == failed["name"].partition(".")[0]
        return bool(self.wanted.get("lenient" if absent else "stirs"))

    def _wait(self) -> dict[str, Any]:
        """Return the child's answer; empty if it does not come in time."""
        assert self._child is not None  # noqa: S101 - `result` has checked it
        try:
            code = self._child.wait(max(0.1, patience(SECONDS) - (time.monotonic() - self._started)))
        except subprocess.TimeoutExpired:
            return {}
        # The child writes each name before it imports it, and the result in the last line.
        *names, last = self._answer.read().decode(errors="replace").split("\n")
        if last:
            found: dict[str, Any] = json.loads(last)
            return {**found, "imported": "failed" not in found}
        if not names:
            return {}
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        failed = {"name": names[-1], "kind": "", "text": f"the interpreter was ended by {how}", "missing": None}
        return {"failed": failed}

    def _problem(self, failed: Mapping[str, Any]) -> ProbeError:
        text = " ".join(failed["text"].split())
        text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        cause = f"{failed['kind']}: {text}" if failed["kind"] else text
        hint = self.wanted.get("hints", {}).get(failed["name"].partition(".")[0])
        if not hint and failed["missing"] == failed["name"].partition(".")[0]:
            hint = "Add it to the requirements (training_requirements)."
        where = self.wanted.get("where") or sys.executable
        return ProbeError(
            f"Failed to import {failed['name']} in {where}: {cause.rstrip('.')}.",
            hint or f"Try it there: python -c 'import {failed['name']}'",
        )
