"""The shim as it travels, run by a real interpreter against a tiny real server."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import objects
import psutil
import pytest
import trackers

from ansible_collections.samerun.stack.plugins.module_utils import masking
from ansible_collections.samerun.stack.plugins.plugin_utils.code import bundle, shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import processes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import (
    descendants,
    mlflow_words,
    probes,
    script_output,
    script_process,
    tracking,
)


@dataclass
class Run:
    """One run of the shim."""

    code: int
    log: str
    report: dict[str, Any]


@dataclass
class Started:
    process: subprocess.Popen[str]
    folder: Path

    def end(self) -> Run:
        log, _ = self.process.communicate(timeout=60)
        return Run(self.process.returncode, log, json.loads((self.folder / "report.json").read_text()))

    def wait_for(self, text: str) -> str:
        assert self.process.stdout is not None
        return next(line for line in self.process.stdout if text in line)

    @property
    def raw(self) -> io.BufferedReader:
        """Its log as bytes."""
        assert isinstance(self.process.stdout, io.TextIOWrapper)
        assert isinstance(self.process.stdout.buffer, io.BufferedReader)
        return self.process.stdout.buffer


SECRET = "canary/of+the=user"
Start = Callable[..., Started]


def works(python: str) -> bool:
    return subprocess.run([python, "-c", "import ssl"], check=False, stderr=subprocess.DEVNULL).returncode == 0


# The oldest that a trainer's image may have.
OLD_PYTHONS = [
    found
    for name in (os.environ.get("SAMERUN_TEST_PYTHON", ""), "python3.8", "python3.9")
    if name and (found := shutil.which(name)) and works(found)
]


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


@pytest.fixture
def start(tmp_path: Path, server: trackers.Tracker) -> Iterator[Start]:
    """Start the shim on a script of one file; it gets no keys, so that no store is looked at, unless `env` has them."""
    started: list[subprocess.Popen[str]] = []

    def run(
        script: str, *, url: str = "", python: str = sys.executable, env: dict[str, str] | None = None, **spec: Any
    ) -> Started:
        project = tmp_path / "project"
        project.mkdir()
        (project / "train.py").write_text(script)
        (tmp_path / "bundle").write_bytes(bundle.pack(project).data)
        (tmp_path / shim_archive.NAME).write_bytes(shim_archive.data())
        given = {
            "launch": "the-launch", "fingerprint": "f", "viewpoint": "host", "script": "train.py", "args": [],
            "work": str(tmp_path / "work"), "bundle": str(tmp_path / "bundle"), "bundle_key": "", "bucket": "b",
            "report": str(tmp_path / "report.json"), "timeout": 0, "log": str(tmp_path / "log.txt"),
            "copy_log": True, "world": "w", "target": "t", "record_failures": False, "bundle_sha256": "0",
            **spec,
        }  # fmt: skip
        (tmp_path / "spec.json").write_text(json.dumps(given))
        environ = {"PATH": "/usr/bin:/bin", "MLFLOW_TRACKING_URI": url or server.url, "MINE": "1", "HIDDEN": SECRET}
        environ |= env or {}
        environ |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}  # if measured
        argv = [python, str(tmp_path / shim_archive.NAME), str(tmp_path / "spec.json")]
        started.append(subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return Started(started[-1], tmp_path)

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


ENDS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "well": ("print('done')", 0, {"exit_code": 0, "state": "FINISHED"}),
    "with a code": ("raise SystemExit(3)", 3, {"exit_code": 3, "state": "FAILED"}),
    "with 255": ("raise SystemExit(255)", 255, {"exit_code": 255, "state": "FAILED"}),
    "by an exception": ("import no_such_module", 1, {"exit_code": 1, "state": "FAILED"}),
    "by its own kill": (
        "import os; os.kill(os.getpid(), 9)", -9, {"exit_code": 137, "state": "KILLED", "signal": 9},
    ),
    "by a fault": (
        "import os; os.kill(os.getpid(), 11)", -11, {"exit_code": 139, "state": "FAILED", "signal": 11},
    ),
}  # fmt: skip


@pytest.mark.skipif(
    not OLD_PYTHONS, reason="no Python 3.8 or 3.9 here: put one on PATH, or name it by SAMERUN_TEST_PYTHON"
)
def test_the_shim_runs_under_old_pythons(start: Start, server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING")]
    ended = start(
        "print('done')\nraise SystemExit(3)", python=OLD_PYTHONS[0], outputs=["*.py"], retries=1, timeout=60
    ).end()
    assert (ended.code, ended.report["state"], ended.report["kept"]) == (3, "FAILED", True), ended.log
    assert "done\n" in ended.log


@pytest.fixture
def store(tmp_path: Path) -> Iterator[objects.Objects]:
    """A store, with keys for it in `keys_of`."""
    with objects.objects() as found:
        yield found


def keys_of(store: objects.Objects, **others: str) -> dict[str, str]:
    """What the contract says of a store."""
    return {
        "MLFLOW_S3_ENDPOINT_URL": store.url, "AWS_ACCESS_KEY_ID": objects.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": objects.SECRET_KEY, "AWS_DEFAULT_REGION": objects.REGION, **others,
    }  # fmt: skip


@pytest.fixture
def without_boto3(tmp_path: Path) -> dict[str, str]:
    """Python with it has no boto3, and leaves a file `imported` where somebody wants it."""
    folder = tmp_path / "instead"
    folder.mkdir()
    text = f"open({str(tmp_path / 'imported')!r}, 'w').close()\nraise ImportError('there is no such package')\n"
    for name in ("boto3", "botocore", "urllib3", "requests"):
        (folder / f"{name}.py").write_text(text)
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("python", [sys.executable, *OLD_PYTHONS[:1]])
def test_without_boto3_the_store_is_probed_and_read_and_written(
    start: Start, server: trackers.Tracker, store: objects.Objects, without_boto3: dict[str, str], tmp_path: Path,
    python: str,
) -> None:  # fmt: skip
    (tmp_path / "delivered").mkdir()
    script = "print('it runs')\nopen('big.bin', 'wb').write(bytes(9 << 20))"
    (tmp_path / "delivered" / "train.py").write_text(script)
    code = bundle.pack(tmp_path / "delivered").data
    store.kept["/b/.samerun/code/é.tar.gz"] = code
    server.runs = [trackers.run("a", "RUNNING")]
    server.runs[0]["info"]["artifact_uri"] = "s3://b/1/a/artifacts"
    ended = start(
        "print('another')", python=python, bundle="", bundle_key=".samerun/code/é.tar.gz", keep_code=True,
        outputs=["*.bin"], env={**keys_of(store), **without_boto3},
    ).end()  # fmt: skip
    assert (ended.code, ended.log, ended.report["kept"]) == (0, "it runs\n", True)
    assert store.kept["/b/.samerun/probe"] == probes.PROBE_BODY
    assert store.kept["/b/1/a/artifacts/samerun/log.txt"] == b"it runs\n"
    assert store.kept["/b/1/a/artifacts/samerun/code.tar.gz"] == code
    assert store.kept["/b/1/a/artifacts/outputs/big.bin"] == bytes(9 << 20)
    assert [len(part) for _number, part in sorted(store.parts.items())] == [8 << 20, 1 << 20]
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    "others, says",
    [
        ({"AWS_SECRET_ACCESS_KEY": "other"}, "the secret key is wrong"),
        ({"MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:1"}, "nothing answers at 127.0.0.1:1"),
        ({"MLFLOW_S3_ENDPOINT_URL": "https"}, "TLS does not fit"),
    ],
)
def test_without_boto3_a_store_that_does_not_fit_is_one_line(
    start: Start, store: objects.Objects, without_boto3: dict[str, str], others: dict[str, str], says: str
) -> None:
    others = {name: store.url.replace("http", "https") if value == "https" else value for name, value in others.items()}
    ended = start("print('started')", env={**keys_of(store, **others), **without_boto3}).end()
    assert (ended.code, ended.log.count("\n")) == (69, 1)
    assert says in ended.log
    assert ended.report["reason"] in ended.log


def test_keys_for_a_while_are_used_with_their_token(start: Start, store: objects.Objects) -> None:
    start("", env=keys_of(store, AWS_SESSION_TOKEN="while")).end()
    assert [asked.headers["X-Amz-Security-Token"] for asked in store.asked] == ["while", "while"]


def test_code_in_a_store_without_keys_is_one_line(start: Start) -> None:
    ended = start("print('started')", bundle_key="code").end()
    assert ended.log.startswith("samerun: Failed to fetch the code: the run has no keys of the S3 store. Set object_st")


@pytest.mark.parametrize("how", ENDS)
def test_the_shim_ends_as_the_script_ends(start: Start, how: str) -> None:
    script, code, expected = ENDS[how]
    ended = start(script).end()
    assert ended.code == code
    assert {key: ended.report.get(key) for key in expected} == expected
    assert bool(ended.report.get("reason")) is (code != 0)
    assert ended.report["started_at"] <= ended.report["ended_at"]
    assert ended.report["closed"] is True


def test_runs_are_closed_by_the_truth_of_the_exit(start: Start, server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING"), trackers.run("b", "FINISHED")]
    ended = start("raise SystemExit(3)").end()
    assert ended.report["runs"] == [{"run_id": "a", "status": "FAILED"}, {"run_id": "b", "status": "FAILED"}]


def test_the_script_gets_its_environment_its_tags_and_a_fresh_folder(start: Start, tmp_path: Path) -> None:
    script = "import json, os, sys\nprint(json.dumps([dict(os.environ), os.getcwd(), sys.argv[1:], os.getsid(0)]))"
    ended = start(script, args=["a b", "$(c)"]).end()
    environ, folder, args, session = json.loads(ended.log)
    assert environ["MINE"] == "1"
    assert environ["PYTHONUNBUFFERED"] == "1"
    tags = json.loads(environ["MLFLOW_RUN_CONTEXT"])
    assert tags == {tracking.LAUNCH_TAG: "the-launch", tracking.FINGERPRINT_TAG: "f"}
    assert (Path(folder), args) == (tmp_path / "work", ["a b", "$(c)"])
    assert session > 0


def test_a_signal_is_passed_on_once_and_the_script_may_end_in_its_own_way(start: Start) -> None:
    script = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda n, f: (print('got', n), sys.exit(5)))\n"
        "print('ready')\ntime.sleep(60)\n"
    )
    started = start(script)
    started.wait_for("ready")
    started.process.send_signal(signal.SIGTERM)
    ended = started.end()
    assert (ended.code, ended.log.count("got 15")) == (5, 1)
    assert (ended.report["state"], ended.report["exit_code"]) == ("KILLED", 5)
    assert (ended.report["cause"], ended.report["cancelled_by"]) == ("cancelled", "SIGTERM")
    assert ended.report["reason"] == "Cancelled by SIGTERM."


def test_a_second_signal_ends_a_script_that_does_not_listen(start: Start) -> None:
    started = start("import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('ready')\ntime.sleep(60)\n")
    started.wait_for("ready")
    started.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert started.process.poll() is None
    started.process.send_signal(signal.SIGTERM)
    ended = started.end()
    assert (ended.code, ended.report["state"], ended.report["exit_code"]) == (-9, "KILLED", 137)


@pytest.mark.parametrize("listens", [True, False])
def test_a_time_limit_ends_the_script_and_says_so(start: Start, listens: bool) -> None:
    ignore = "" if listens else "import signal; signal.signal(15, signal.SIG_IGN)\n"
    limit = math.ceil(probes.patience(2))
    ended = start(f"{ignore}import time\ntime.sleep(60)\n", timeout=limit, grace=1).end()
    assert ended.report["state"] == "FAILED"
    assert f"time limit of {limit} s" in ended.report["reason"]
    assert ended.report["cause"] == "time_limit"
    assert ended.report["hint"] == "Raise training_timeout."
    assert ended.code == (-15 if listens else -9)


def test_a_script_that_does_not_listen_has_its_grace_and_no_more(start: Start) -> None:
    started = start("import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('ready')\ntime.sleep(60)\n", grace=2)
    started.wait_for("ready")
    signalled = time.monotonic()
    started.process.send_signal(signal.SIGTERM)
    ended = started.end()
    assert time.monotonic() - signalled >= 2
    assert (ended.code, ended.report["state"], ended.report["exit_code"]) == (-9, "KILLED", 137)
    assert ended.report["reason"] == "Cancelled by SIGTERM."


def test_a_log_that_nobody_reads_stops_no_script_and_is_whole_in_its_copy(start: Start, tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = (
        f"import sys\nfor n in range(100_000): print('line', n)\nsys.stdout.flush(); open({str(done)!r}, 'w').close()"
    )
    started = start(script)
    deadline = time.monotonic() + 40
    while not done.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert done.exists(), "the script waits for a reader"
    ended = started.end()
    whole = "".join(f"line {n}\n" for n in range(100_000))
    assert (tmp_path / "log.txt").read_text() == whole
    assert ended.report["log_bytes"] == len(whole)
    assert "bytes of the log are missing here" in ended.log or whole.startswith(ended.log)


DAEMON = (
    "import os, signal, sys, time\nif '{how}' == 'ignores':\n    signal.signal(15, signal.SIG_IGN)\n"
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        signal.signal(15, signal.SIG_IGN)\n"
    "        print('daemon', os.getpid(), flush=True)\n        time.sleep(60)\n    os._exit(0)\ntime.sleep(60)\n"
)


@pytest.mark.parametrize("how, signals", [("listens", 1), ("ignores", 2)])
def test_what_took_a_session_of_its_own_dies_at_a_cancel_too(start: Start, how: str, signals: int) -> None:
    started = start(DAEMON.format(how=how))
    daemon = psutil.Process(int(started.wait_for("daemon").split()[1]))
    for _again in range(signals):
        started.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    assert psutil.wait_procs([daemon], timeout=10)[1] == []
    assert started.end().report["state"] == "KILLED"


def test_what_outlived_a_shim_that_was_killed_alone_is_found_by_its_launch(start: Start) -> None:
    launch = f"killed-{time.time_ns()}"
    started = start(DAEMON.format(how="listens"), launch=launch)
    daemon = psutil.Process(int(started.wait_for("daemon").split()[1]))
    started.process.kill()
    started.process.wait()
    assert daemon.is_running()
    assert processes.kill(launch) >= 1
    assert psutil.wait_procs([daemon], timeout=5)[1] == []


def test_what_the_script_left_running_dies_with_it(start: Start) -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\nprint('child', child.pid)\n"
    )
    before = time.monotonic()
    ended = start(script).end()  # the child holds the log open: this returns once it is gone
    assert ended.code == 0
    assert time.monotonic() - before < 30


def test_also_what_took_a_session_of_its_own_and_lost_its_parent_dies(start: Start) -> None:
    script = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(60)\n    os._exit(0)\n"
        "time.sleep(0.5)\nprint('daemon', flush=True)\n"
    )
    before = time.monotonic()
    ended = start(script).end()  # as above
    assert (ended.code, ended.log) == (0, "daemon\n")
    assert time.monotonic() - before < 30


def test_the_script_dies_with_its_parent(start: Start) -> None:
    started = start("import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(60)\n")
    script = psutil.Process(int(started.wait_for("pid").split()[1]))
    started.process.kill()
    assert psutil.wait_procs([script], timeout=5)[1] == []


def test_secrets_are_masked_in_every_form_and_nothing_else_changes(start: Start, tmp_path: Path) -> None:
    script = (
        "import base64, json, os, sys, time, urllib.parse\n"
        "hidden = os.environ['HIDDEN']\n"
        "print(hidden, urllib.parse.quote(hidden), json.dumps(hidden))\n"
        "print(base64.b64encode(('user:' + hidden + ':x').encode()).decode())\n"
        "for part in hidden:\n    sys.stdout.write(part)\n    sys.stdout.flush()\n"
        "print()\nprint('can', flush=True)\nsys.stdout.buffer.write(bytes(range(256)))\n"
    )
    started = start(script, secret_names=["HIDDEN"])
    log = started.raw.read()
    assert SECRET.encode() not in log
    assert [form for form in masking.forms([SECRET]) if form in log] == []
    first, second, third, rest = log.split(b"\n", 3)
    assert first == b'******** ******** "********"'
    assert second.count(b"********") == 1
    assert third == b"********"
    assert rest == b"can\n" + bytes(range(256))
    assert (tmp_path / "log.txt").read_bytes() == log


def test_a_line_without_an_end_is_shown_at_once(start: Start) -> None:
    started = start("import time\nprint('can', end='', flush=True)\ntime.sleep(60)", secret_names=["HIDDEN"])
    before = time.monotonic()
    assert started.raw.read(3) == b"can"
    assert time.monotonic() - before < 10


def test_log_and_record_are_kept_with_the_first_run_and_all_are_tagged(start: Start, server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING"), trackers.run("b", "RUNNING", parent="a")]
    script = "import os\nos.makedirs('plots/deep')\nopen('plots/deep/x y.png', 'w').write('plot')\nprint('done')"
    ended = start(script, outputs=["plots", "*.absent"], keep_code=True).end()
    assert (ended.report["closed"], ended.report["kept"]) == (True, True)
    prefix = "/api/2.0/mlflow-artifacts/artifacts/1/a"
    kept = {path.removeprefix(f"{prefix}/"): content for path, content in server.artifacts.items()}
    assert set(kept) == {
        "samerun/log.txt", "samerun/record.json", "samerun/code.tar.gz", "outputs/plots/deep/x%20y.png",
    }  # fmt: skip
    assert kept["samerun/log.txt"] == b"done\n"
    assert kept["outputs/plots/deep/x%20y.png"] == b"plot"
    assert json.loads(kept["samerun/record.json"])["state"] == "FINISHED"
    tags = trackers.tagged(server)
    assert tags["a"] == tags["b"]
    assert {"samerun.launch", "samerun.state", "samerun.exit_code", "samerun.target", "samerun.seconds"} <= set(
        tags["a"]
    )


@pytest.mark.parametrize("record", [True, False])
def test_a_failure_without_a_run_gets_one_where_asked(start: Start, server: trackers.Tracker, record: bool) -> None:
    ended = start("raise SystemExit(3)", record_failures=record).end()
    assert ended.report["runs"] == ([{"run_id": "created", "status": "FAILED"}] if record else [])
    assert (b"".join(server.artifacts.values()) != b"") is record


def test_a_script_that_was_killed_is_started_again_in_a_fresh_folder_with_its_run(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    server.runs = [trackers.run("a", "RUNNING")]
    mark = tmp_path / "mark"
    script = (
        f"import os, pathlib\nmark = pathlib.Path({str(mark)!r})\n"
        "print(os.environ.get('MLFLOW_RUN_ID'), os.listdir(), flush=True)\n"
        "if not mark.exists():\n    mark.touch(); open('left', 'w').close(); os.kill(os.getpid(), 9)\n"
    )
    ended = start(script, retries=2, restarts=2).end()
    assert (ended.code, ended.report["state"], ended.report["attempts"]) == (0, "FINISHED", 2)
    assert ended.log.count("a ['train.py']\n") == 2, "a run that is there already is gone on with"
    assert "is started again; 1 more after that" in ended.log


def test_a_script_that_sets_another_experiment_than_its_run_has_begins_a_run_of_its_own(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    # What two launches get that create one experiment at the same moment: MLflow's client puts one into experiment 0.
    server.runs = [trackers.run("a", "RUNNING")]
    mark = tmp_path / "mark"
    script = (
        f"import os, pathlib, sys\nmark = pathlib.Path({str(mark)!r})\nrun = os.environ.get('MLFLOW_RUN_ID')\n"
        "print('with', run, os.listdir(), flush=True)\nopen('left', 'w').close()\n"
        f"if run:\n    sys.exit({mlflow_words.other_experiment('{}')!r}.format(run))\n"
        "if not mark.exists():\n    mark.touch(); os.kill(os.getpid(), 9)\n"
    )
    ended = start(script, retries=2, restarts=2).end()
    assert (ended.code, ended.report["state"], ended.report["attempts"]) == (0, "FINISHED", 2), ended.log
    assert [line for line in ended.log.splitlines() if line.startswith("with ")] == [
        "with a ['train.py']", "with None ['train.py']", "with None ['train.py']",
    ]  # fmt: skip
    assert "It does not: train.py sets another experiment now" in ended.log
    assert trackers.tagged(server)["a"][tracking.ASIDE_TAG]
    assert server.runs[0]["info"]["status"] == "KILLED"


def test_a_resumed_script_that_fails_by_itself_is_not_repeated(start: Start, server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING")]
    ended = start("print('ran')\nraise SystemExit(3)", retries=2, restarts=2).end()
    assert (ended.code, ended.log.count("ran\n")) == (3, 1)


def test_attempts_that_were_lost_with_a_shim_count_as_well(start: Start, tmp_path: Path) -> None:
    began = ["2026-01-02T03:04:05.678Z", "2026-01-02T04:04:05.678Z"]
    (tmp_path / "report.json.attempts").write_text("".join(f"{time}\n" for time in began))
    ended = start("import os\nos.kill(os.getpid(), 9)", retries=2, restarts=2).end()
    assert (ended.report["attempts"], ended.report["state"]) == (3, "KILLED"), "two before, and the last one"
    assert ended.report["started_at"] == began[0]
    assert (tmp_path / "report.json.attempts").read_text().split()[:2] == began


def test_another_attempt_waits_for_services_that_are_coming_back(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    (tmp_path / "report.json.attempts").write_text("2026-01-02T03:04:05.678Z\n")
    server.runs = [trackers.run("a", "RUNNING")]
    server.refusal = (503, "")
    started = start("import os\nprint(os.environ['MLFLOW_RUN_ID'])", retries=2, restarts=2)
    said = started.wait_for("samerun: ")
    server.refusal = None
    ended = started.end()
    assert "answers 503" in said
    assert "trying again for 200 s" in said
    assert (ended.code, ended.report["attempts"]) == (0, 2)
    assert ended.log.endswith("\na\n"), ended.log


def test_another_attempt_that_is_cancelled_while_it_waits_is_cancelled(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    (tmp_path / "report.json.attempts").write_text("2026-01-02T03:04:05.678Z\n")
    server.refusal = (503, "")
    started = start("print('started')", retries=2, restarts=2)
    started.wait_for("samerun: ")
    started.process.send_signal(signal.SIGTERM)
    ended = started.end()
    assert (ended.code, ended.report["state"], ended.report["reason"]) == (-15, "KILLED", "Cancelled by SIGTERM.")
    assert "started" not in ended.log


def test_services_that_stay_away_end_another_attempt_as_they_do_a_first(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    (tmp_path / "report.json.attempts").write_text("2026-01-02T03:04:05.678Z\n")
    server.refusal = (503, "")
    ended = start("print('started')", retries=2, restarts=2, patience=1).end()
    assert (ended.code, ended.report["state"], ended.report["exit_code"]) == (69, "FAILED", None)
    assert "answers 503" in ended.report["reason"]


def test_one_run_goes_on_also_if_mlflow_is_away_just_before_the_next_attempt(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    server.runs = [trackers.run("a", "RUNNING")]
    mark = tmp_path / "mark"
    script = (
        f"import os, pathlib, time\nmark = pathlib.Path({str(mark)!r})\n"
        "print(os.environ.get('MLFLOW_RUN_ID'), flush=True)\n"
        "if not mark.exists():\n    mark.touch(); print('ready', flush=True)\n"
        "    time.sleep(0.5); os.kill(os.getpid(), 9)\n"
    )
    started = start(script, retries=1, restarts=1)
    started.wait_for("ready")
    server.refusal = (503, "")
    started.wait_for("Failed to ask MLflow")
    server.refusal = None
    ended = started.end()
    assert (ended.code, ended.report["attempts"]) == (0, 2)
    assert ended.log.endswith("\na\n"), ended.log


def test_who_is_to_be_asked_for_a_foreign_mlflow_that_is_away_before_the_next_attempt(
    start: Start, server: trackers.Tracker
) -> None:
    started = start(
        "import os, time\nprint('ready', flush=True)\ntime.sleep(0.5)\nos.kill(os.getpid(), 9)",
        retries=1,
        restarts=1,
        patience=1,
    )
    started.wait_for("ready")
    server.refusal = (503, "")
    ended = started.end()
    assert ended.report["reason"].startswith("Failed to ask MLflow")
    assert ended.report["hint"] == "Ask who runs it, or name another: mlflow_endpoint."


@pytest.mark.parametrize("knows", ["the file beside the report", "MLflow"])
def test_the_time_limit_is_of_all_attempts_together(
    start: Start, server: trackers.Tracker, tmp_path: Path, knows: str
) -> None:
    ago = time.time() - 100
    if knows == "MLflow":
        server.runs = [trackers.run("a", "RUNNING", when=(int(ago * 1000), 0))]
    else:
        began = datetime.fromtimestamp(ago, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        (tmp_path / "report.json.attempts").write_text(f"{began}\n")
    restarts = 0 if knows == "MLflow" else 2
    script = "import time\nprint('started', flush=True)\ntime.sleep(60)\n"
    limit = 100 + math.ceil(probes.patience(2))
    ended = start(script, retries=2, restarts=restarts, timeout=limit, grace=1).end()
    assert "started" in ended.log
    assert (ended.report["state"], ended.report["exit_code"]) == ("FAILED", 143)
    assert f"time limit of {limit} s" in ended.report["reason"]


def test_an_attempt_that_has_no_time_left_is_not_started(
    start: Start, server: trackers.Tracker, tmp_path: Path
) -> None:
    server.runs = [trackers.run("a", "RUNNING", when=(int(time.time() * 1000) - 100_000, 0))]
    ended = start("print('started')", retries=2, timeout=100).end()
    assert "started" not in ended.log
    assert (ended.report["state"], ended.report["exit_code"]) == ("FAILED", 143)
    assert "time limit of 100 s" in ended.report["reason"]


def test_code_that_cannot_be_unpacked_is_one_line_and_a_report(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = start("print('started')", work=str(tmp_path / "file" / "work")).end()
    assert (ended.code, ended.report["state"], ended.report["exit_code"]) == (69, "FAILED", None)
    assert ended.log.startswith(f"samerun: Failed to unpack the code in {tmp_path}/file/work: Not a directory.")
    assert ended.log.count("\n") == 1


def test_what_nobody_foresaw_is_one_line_and_a_report(start: Start) -> None:
    ended = start("print('started')", imports={"names": 5, "sources": []}).end()
    assert (ended.code, ended.report["state"], ended.report["exit_code"]) == (70, "FAILED", None)
    assert ended.log.startswith("samerun: Failed to carry out the run: TypeError: ")
    assert "Traceback" not in ended.log


def test_the_room_of_the_report_is_taken_before_the_script_begins(start: Start, tmp_path: Path) -> None:
    script = "import os\nprint([os.path.getsize('../' + name) for name in os.listdir('..') if name.endswith('.part')])"
    ended = start(script).end()
    assert ended.log == "[4096]\n"
    assert not list(tmp_path.glob("*.part"))


def test_after_the_last_attempt_that_was_lost_with_its_shim_there_is_none(start: Start, tmp_path: Path) -> None:
    (tmp_path / "report.json.attempts").write_text("2026-01-02T03:04:05.678Z\n" * 2)
    ended = start("print('started')", retries=1, restarts=1).end()
    assert (ended.report["attempts"], ended.report["state"], ended.report["exit_code"]) == (2, "KILLED", 137)
    assert "started" not in ended.log


@pytest.mark.parametrize("asked, attempts", [(False, 1), (True, 3)])
def test_a_failure_of_the_script_itself_is_repeated_only_where_asked(start: Start, asked: bool, attempts: int) -> None:
    ended = start("raise SystemExit(3)", retries=2, restarts=2, retry_failures=asked).end()
    assert (ended.code, ended.report["attempts"]) == (3, attempts)


def test_a_line_of_ten_megabytes_and_torn_bytes_arrive_whole_in_little_memory(start: Start) -> None:
    script = (
        "import sys\nout = sys.stdout.buffer\nout.write(b'x' * 10_000_000 + b'\\n')\n"
        "out.write('ü'.encode()[:1]); out.flush(); out.write('ü'.encode()[1:] + b'\\r50%\\r100%\\n')\n"
        "out.flush()\nfor n in range(100_000): out.write(b'%d\\n' % n)\n"
    )
    started = start(script, secret_names=["HIDDEN"])
    peak, process = 0, psutil.Process(started.process.pid)
    log = b""
    while piece := started.raw.read1(1 << 20):
        log += piece
        with contextlib.suppress(psutil.Error):
            peak = max(peak, process.memory_info().rss)
    assert log == b"x" * 10_000_000 + "\nü\r50%\r100%\n".encode() + b"".join(b"%d\n" % n for n in range(100_000))
    assert peak < 100e6


@pytest.mark.parametrize("refusal", [(403, "Invalid Host header"), (500, "")])
def test_a_probe_that_fails_is_one_line_and_the_script_is_not_started(
    start: Start, server: trackers.Tracker, refusal: tuple[int, str]
) -> None:
    server.refusal = refusal
    ended = start("print('started')").end()
    assert ended.code == 69
    assert ended.log.count("\n") == 1
    assert ended.log.startswith("samerun: Failed to use MLflow from the host")
    assert (ended.report["stage"], ended.report["exit_code"], ended.report["state"]) == ("probe", None, "FAILED")
    assert ended.report["reason"] in ended.log


def test_an_mlflow_that_went_away_changes_no_exit_code(start: Start, server: trackers.Tracker) -> None:
    started = start("print('ready', flush=True)\nimport time; time.sleep(1)\nraise SystemExit(3)")
    started.wait_for("ready")
    server.refusal = (500, "")
    ended = started.end()
    assert (ended.code, ended.report["closed"]) == (3, False)
    assert "its runs are closed later" in ended.log


def test_the_archive_is_the_same_for_the_same_sources_and_needs_nothing_of_ours(tmp_path: Path) -> None:
    first = shim_archive.data()
    shim_archive.data.cache_clear()
    assert shim_archive.data() == first
    (tmp_path / "shim.pyz").write_bytes(first)
    # Isolated: no site-packages, no environment.
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "shim.pyz"), str(tmp_path / "absent.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "FileNotFoundError" in ended.stderr
    assert "ModuleNotFoundError" not in ended.stderr


def rewritten(archive: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """`archive` with the content of each file changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as known, zipfile.ZipFile(out, "w") as changed:
        for name in known.namelist():
            changed.writestr(name, change(name, known.read(name)))
    return out.getvalue()


def of_another_version(name: str, content: bytes) -> bytes:
    return b"\0\0" + content[2:] if name.endswith(".pyc") else content


def without_sources(name: str, content: bytes) -> bytes:
    return b"raise SystemExit(99)" if name.endswith(".py") and content and name != "__main__.py" else content


@pytest.mark.parametrize("change", [of_another_version, without_sources])
def test_byte_code_is_taken_where_it_fits_and_passed_by_elsewhere(
    tmp_path: Path, change: Callable[[str, bytes], bytes]
) -> None:
    plain, compiled = shim_archive.data(), shim_archive.data(compiled=True)
    assert not [name for name in zipfile.ZipFile(io.BytesIO(plain)).namelist() if name.endswith(".pyc")]
    (tmp_path / "shim.pyz").write_bytes(rewritten(compiled, change))
    argv = [sys.executable, "-I", "-S", str(tmp_path / "shim.pyz"), str(tmp_path / "absent.json")]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "FileNotFoundError" in ended.stderr


def test_a_cancel_that_was_noted_is_heard_before_the_script_starts(start: Start, tmp_path: Path) -> None:
    (tmp_path / "cancelled").write_text(str(int(signal.SIGINT)))
    ended = start("print('it runs')").end()
    assert (ended.code, ended.log) == (-signal.SIGINT, "")
    assert (ended.report["state"], ended.report["exit_code"]) == ("KILLED", None)
    assert ended.report["reason"] == "Cancelled by SIGINT before the script started."


def test_a_signal_that_comes_before_there_is_a_handler_is_kept(start: Start) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, script_process.SIGNALS)
    try:
        started = start("print('it runs')")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    started.process.send_signal(signal.SIGTERM)
    ended = started.end()
    assert (ended.code, ended.log) == (-signal.SIGTERM, "")
    assert ended.report["reason"] == "Cancelled by SIGTERM before the script started."


def test_a_signal_and_its_note_are_one_wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descendants, "adopt_orphans", lambda: None)  # these tests' own stay theirs
    (tmp_path / "note").write_text(str(int(signal.SIGTERM)))
    handlers = {number: signal.getsignal(number) for number in (*script_process.SIGNALS, signal.SIGALRM)}
    killed: list[bool] = []
    try:
        script = script_process.ScriptProcess(script_output.Output([], ""), 0, note=str(tmp_path / "note"))
        script._kill = lambda: killed.append(True)  # type: ignore[method-assign]
        signal.raise_signal(signal.SIGTERM)
        assert (script.cancelled, killed) == (signal.SIGTERM, [])
        signal.raise_signal(signal.SIGTERM)
        assert killed == [True]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("listens", [True, False])
def test_a_signal_that_comes_while_the_script_is_started_reaches_it_once_and_leaves_it_its_grace(
    tmp_path: Path, listens: bool
) -> None:
    # In a process of its own: it takes over signals and orphans.
    script = "print('got it', flush=True); sys.exit(7)" if listens else "print('got it', flush=True)"
    (tmp_path / "script.py").write_text(
        "import signal, sys, time\ndef got(*_):\n    " + script + "\nsignal.signal(15, got)\n"
        "open('ready', 'w').close()\nend = time.monotonic() + 60\nwhile time.monotonic() < end:\n    time.sleep(0.05)\n"
    )
    (tmp_path / "parent.py").write_text(
        "import os, signal, subprocess, sys, time\n"
        f"from {script_output.__name__} import Output\nfrom {script_process.__name__} import ScriptProcess\n"
        "started = subprocess.Popen\n"
        "def slowly(*args, **given):\n    found = started(*args, **given)\n"
        "    while not os.path.exists('ready'):\n        time.sleep(0.02)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n    return found\n"
        "subprocess.Popen = slowly\n"
        "script = ScriptProcess(Output([], ''), 0, 1)\n"
        "print('ended with', script.run([sys.executable, 'script.py'], '.', dict(os.environ)), flush=True)\n"
    )
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "parent.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stdout == f"got it\nended with {7 if listens else -9}\n", ended.stderr
    assert listens or time.monotonic() - began >= 1, "it had its grace"


def test_a_script_that_has_ended_before_it_is_waited_for_has_its_own_exit_code(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(
        "import os, subprocess, sys\n"
        f"from {script_output.__name__} import Output\nfrom {script_process.__name__} import ScriptProcess\n"
        "started = subprocess.Popen\n"
        "def slowly(*args, **given):\n    found = started(*args, **given)\n"
        "    os.waitid(os.P_PID, found.pid, os.WEXITED | os.WNOWAIT)\n    return found\n"
        "subprocess.Popen = slowly\n"
        "script = ScriptProcess(Output([], ''), 0, 1)\n"
        "print(script.run([sys.executable, '-c', 'raise SystemExit(3)'], '.', dict(os.environ)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "parent.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stdout == "3\n", ended.stderr
