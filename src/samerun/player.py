"""Runs playbooks of the collection with parts of ansible-runner.

Configuration, event callback and event filter are ansible-runner's. Its main loop is not used: it would write the
environment into a file in clear text, leave a SIGINT handler behind, write a file for every log line, and make a play
0.2 s slower.
"""

from __future__ import annotations

import codecs
import json
import os
import selectors
import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import ansible_runner
from ansible_runner.utils import OutputEventFilter

from ansible_collections.samerun.stack.plugins.module_utils.callers import CALLER
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import channel
from samerun import COLLECTIONS
from samerun.interrupts import Interrupts
from samerun.scratch import scratch
from samerun.variables import Variables

_TICK = 0.1
_READ = 1 << 16


class Watcher(Protocol):
    """Is called with what happens during a play."""

    def event(self, event: Mapping[str, Any]) -> None:
        """Take one of ansible-runner's events."""

    def line(self, text: str) -> None:
        """Take a line for the user."""

    def progress(self, text: str) -> None:
        """Take a line about progress, which replaces the one before."""

    def tick(self) -> None:
        """Is called several times a second."""


@dataclass(frozen=True)
class Play:
    """A playbook of the collection, to run on an inventory; `flags` are further arguments of ansible-playbook."""

    playbook: str
    inventory: str
    variables: Variables = field(default_factory=Variables)
    verbosity: int = 0
    flags: tuple[str, ...] = ()


@dataclass
class Played:
    """The result of a play.

    Attributes:
        code: ansible-playbook's exit code.
        results: (action, result) of each task that succeeded.
        failures: (task, result) of each task that failed.
        signal: the first signal that came during the play, 0 for none.
        last: the last lines of Ansible's output.
    """

    code: int = 0
    results: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failures: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    signal: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def result(self, action: str) -> dict[str, Any]:
        """The result of the module `action`; {} if the play did not reach it."""
        return next((found for name, found in self.results if name == f"samerun.stack.{action}"), {})


def play(request: Play, watcher: Watcher) -> Played:
    """Run a playbook and wait for its end.

    The caller's working folder, environment and signal handlers stay unchanged. SIGINT and SIGTERM end the play.
    """
    with scratch() as (folder, lock):
        secret_part = folder / "variables.yml"
        secret_part.write_text(request.variables.as_yaml())
        return _Playing(request, watcher, folder, secret_part).run(lock)


class _Playing:
    def __init__(self, request: Play, watcher: Watcher, folder: Path, secret_part: Path) -> None:
        self.played = Played()
        self.process: subprocess.Popen[bytes] | None = None
        self.watcher = watcher
        self.secret_part = secret_part
        files = [*request.variables.files, secret_part]
        self.config = ansible_runner.RunnerConfig(
            private_data_dir=str(folder), host_cwd=os.getcwd(), playbook=f"samerun.stack.{request.playbook}",
            inventory=request.inventory, verbosity=request.verbosity or None, quiet=True, fact_cache_type="none",
            cmdline=shlex.join([*request.flags, *(part for path in files for part in ("-e", f"@{path}"))]),
            settings={"suppress_output_file": True},
        )  # fmt: skip
        self.config.prepare()
        self.runner = ansible_runner.Runner(self.config, event_handler=self._event)
        self.filter = OutputEventFilter(None, self.runner.event_callback, suppress_ansible_output=True)
        self.frames = channel.Frames()
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def run(self, lock: int) -> Played:
        reading, writing = os.pipe()
        with open(reading, "rb", buffering=0) as shown, Interrupts(self._end) as interrupts:
            self.process = process = subprocess.Popen(
                [*_ansible_playbook(), *self.config.command[1:]],
                env=_environment(self.config.env, writing), cwd=self.config.host_cwd, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
                # A session of its own: the terminal sends Ctrl+C only to us, and we pass it on once.
                start_new_session=True, pass_fds=(writing, lock),
            )  # fmt: skip
            os.close(writing)
            if interrupts.first:  # a signal came before the process existed
                self._end(interrupts.first)
            with process:
                assert process.stdout is not None  # noqa: S101 - PIPE was asked for
                self._pump(process, {process.stdout.fileno(): self._output, shown.fileno(): self._shown})
            self.filter.close()
            self.played.code, self.played.signal = process.returncode, interrupts.first
        return self.played

    def _end(self, _number: int) -> None:
        """End the play by SIGINT; SIGTERM would end ansible-playbook at once, but not its workers."""
        if self.process:
            self.process.send_signal(signal.SIGINT)

    def _pump(self, process: subprocess.Popen[bytes], takers: Mapping[int, Any]) -> None:
        """Pass on the output of both pipes until the play has ended and both are empty."""
        with selectors.DefaultSelector() as selector:
            for handle, take in takers.items():
                selector.register(handle, selectors.EVENT_READ, take)
            ended = False
            while selector.get_map():
                ready = selector.select(0 if ended else _TICK)
                for key, _mask in ready:
                    if data := os.read(key.fd, _READ):
                        key.data(data)
                    else:
                        selector.unregister(key.fd)
                # A process that the play left behind may hold a pipe open, so do not wait for the pipe's end.
                if ended and not ready:
                    return
                ended = process.poll() is not None
                self.watcher.tick()

    def _output(self, data: bytes) -> None:
        self.filter.write(self.decoder.decode(data))

    def _shown(self, data: bytes) -> None:
        for kind, content in self.frames.feed(data):
            show = self.watcher.line if kind is channel.Kind.SAY else self.watcher.progress
            show(content.decode(errors="replace"))

    def _event(self, event: dict[str, Any]) -> bool:
        found = event.get("event_data", {})
        kind, result = event["event"], found.get("res", {})
        if kind == "playbook_on_start":
            self.secret_part.unlink(missing_ok=True)  # by then Ansible has read it
        if kind == "runner_on_ok":
            self.played.results.append((found.get("resolved_action", ""), result))
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not found.get("ignore_errors"):
            self.played.failures.append((found.get("task", ""), result))
        if kind in ("verbose", "error") and (line := event.get("stdout", "").strip()):
            self.played.last.append(line)
        self.watcher.event(event)
        return False  # nothing is kept in a file


def _ansible_playbook() -> list[str]:
    """The command that runs the ansible-playbook installed with this Python, whatever PATH says."""
    script = Path(sys.executable).with_name("ansible-playbook")
    return [str(script)] if script.exists() else [sys.executable, "-m", "ansible", "playbook"]


def _environment(config: Mapping[str, str], writing: int) -> dict[str, str]:
    """The play's environment; one variable names those that are not the caller's, so that no script gets them."""
    others = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections:/usr/share/ansible/collections")
    ours = {
        **config,
        # First in the path, before any other installed version of the collection.
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{others}",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        "ANSIBLE_NOCOLOR": "1",
        "MAX_EVENT_RES": str(1 << 30),
        channel.VARIABLE: str(writing),
    }
    before = {name: os.environ.get(name) for name, value in ours.items() if os.environ.get(name) != value}
    return {**ours, CALLER: json.dumps(before)}
