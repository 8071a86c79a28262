"""Runs playbooks of the checkout as users do: with ansible-playbook."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_RECAP = re.compile(r"^(\S+)\s+: (ok=\d+.*)$", re.MULTILINE)
_ERROR = re.compile(r"^\[ERROR\]: (?:Task failed: )?(?:Action failed: |Module failed: )?(.*)$", re.MULTILINE)
# Prefixes of variables that tests do not inherit: the user's own settings must not change their results.
_FOREIGN = ("ANSIBLE_", "AWS_", "KUBE", "MLFLOW_")


@dataclass(frozen=True)
class Play:
    """The output of a play.

    Attributes:
        output: stdout and stderr, in the order in which they arrived.
        seconds: from start to end.
        launches: the launches that were recorded meanwhile.
    """

    code: int
    output: str
    seconds: float
    launches: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        """Return how many tasks changed, or would change, something; -1 if there is no recap."""
        counts = [dict(part.split("=") for part in line.split()) for _host, line in _RECAP.findall(self.output)]
        return sum(int(count["changed"]) for count in counts) if counts else -1

    @property
    def errors(self) -> list[str]:
        """Return the lines that say what failed."""
        return _ERROR.findall(self.output)

    @property
    def exit_codes(self) -> set[int]:
        """Return the exit codes for `samerun` that the failed tasks name."""
        return {int(code) for code in re.findall(r'"samerun_exit": (\d+)', self.output)}

    @property
    def warnings(self) -> list[str]:
        return re.findall(r"^\[WARNING\]: (.*)$", self.output, re.MULTILINE)

    @property
    def changes(self) -> list[str]:
        """Return the names of the tasks that changed something."""
        found, task = [], ""
        for line in self.output.splitlines():
            if line.startswith("TASK ["):
                task = line[6:].rpartition("]")[0]
            elif line.startswith("changed: ["):
                found.append(task)
        return found

    @property
    def launch(self) -> str:
        """Return the only launch of a play that succeeded."""
        assert len(self.succeeded().launches) == 1, self.output
        return self.launches[0]

    def succeeded(self) -> Play:
        """Check that the play succeeded; return it."""
        assert self.code == 0, self.output
        return self


def play(
    name: str,
    *arguments: str,
    inventory: Path | str,
    variables: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float = 600,
    prefix: tuple[str, ...] = (),
) -> Play:
    """Run `samerun.stack.<name>`; variables are passed in a file, as secrets must be."""
    started = time.monotonic()
    with tempfile.NamedTemporaryFile("w", prefix="variables-", suffix=".json", dir=os.environ.get("TMPDIR")) as given:
        json.dump(dict(variables or {}), given)
        given.flush()
        done = subprocess.run(
            [*prefix, *argv(name, "-i", str(inventory), "-e", f"@{given.name}", *arguments)],
            cwd=cwd, env=environ(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout, check=False,
        )  # fmt: skip
    return Play(done.returncode, done.stdout, time.monotonic() - started)


def argv(name: str, *arguments: str) -> list[str]:
    """Return the command that plays `samerun.stack.<name>`."""
    folder = Path(sys.executable).parent
    program = shutil.which("ansible-playbook", path=f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert program, "ansible-playbook is not installed beside pytest: make test installs it"
    return [program, f"samerun.stack.{name}", *arguments]


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a user who plays the checkout's playbooks."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    ours = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    places = dict.fromkeys(("ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP"), tempfile.gettempdir())
    return own | ours | places | dict(more or {})
