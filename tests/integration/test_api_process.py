"""samerun from Python, on the process target."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import samerun
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.process.target import ProcessTarget
from samerun import RunState, SamerunError

pytestmark = pytest.mark.process

VARIABLES = {"samerun_world": "api", "mlflow_port": 5445, "object_store_port": 9502}
SEES = "import os, sys\nprint(os.environ['A'], sys.argv[1:])\n"
CANARY = "canary-e7c1b0d9f2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of scripts of a program whose world is up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        urls = samerun.up(variables=VARIABLES)
        assert sorted(urls) == ["mlflow", "object_store"]
        yield tmp_path_factory.mktemp("scripts")
        assert samerun.down(purge=True, variables=VARIABLES) != []


def script(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text)
    return path


def test_run_returns_the_record_and_hands_the_log_on(folder: Path) -> None:
    log: list[bytes] = []
    record = samerun.run(
        script(folder, SEES), args=["{{ x }}", "007"], env={"A": "{{ y }}"}, variables=VARIABLES, log=log.append
    )
    assert isinstance(record, samerun.RunRecord)
    assert (record.state, record.exit_code, record.target) == (RunState.FINISHED, 0, "process")
    assert b"".join(log) == b"{{ y }} ['{{ x }}', '007']\n"


def test_a_failed_script_is_a_record_and_no_exception(folder: Path) -> None:
    record = samerun.run(script(folder, "raise SystemExit(9)\n"), variables=VARIABLES)
    assert (record.state, record.exit_code) == (RunState.FAILED, 9)
    assert "exit code 9" in record.reason


def test_the_callers_process_is_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    samerun.run(script(folder, "print()\n").name, variables=VARIABLES)
    after = os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert after == before


def test_run_works_in_a_thread(folder: Path) -> None:
    found: list[samerun.RunRecord] = []
    path = script(folder, "print()\n")
    thread = threading.Thread(target=lambda: found.append(samerun.run(path, variables=VARIABLES)))
    thread.start()
    thread.join()
    assert [record.state for record in found] == [RunState.FINISHED]


def test_a_secret_variable_lies_in_no_temporary_file_while_the_script_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[str] = []

    def look(_log: bytes) -> None:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        seen.extend(str(path) for path in files if CANARY.encode() in path.read_bytes())
        seen.append(f"{len(files)} files")

    text = "import os\nprint(len(os.environ['TOKEN']))\n"
    variables = {**VARIABLES, "training_secret_env": {"TOKEN": CANARY}}
    samerun.run(script(folder, text), variables=variables, log=look)
    assert [found for found in seen if not found.endswith(" files")] == []
    assert seen != []


def test_ctrl_c_raises_once_the_script_has_ended(folder: Path) -> None:
    text = "import time\nprint('ready', flush=True)\ntime.sleep(100)\n"
    with pytest.raises(KeyboardInterrupt):
        samerun.run(script(folder, text), variables=VARIABLES, log=lambda _log: signal.raise_signal(signal.SIGINT))


PATIENT = "import time\nprint('ready', flush=True)\ntime.sleep(100)\n"


def test_a_launch_whose_submitter_died_before_it_started_is_settled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_given: object) -> None:
        raise KeyboardInterrupt

    path = script(folder, PATIENT).rename(folder / "unborn.py")
    with monkeypatch.context() as patch:
        patch.setattr(ProcessTarget, "_start", dies)
        with pytest.raises(KeyboardInterrupt):
            samerun.submit(path, variables=VARIABLES)
    launch = samerun.attach("unborn", variables=VARIABLES)  # another one may be of the same second
    record = launch.wait()
    assert (record.state, record.exit_code) == (RunState.FAILED, None)
    assert "never started" in record.reason
    assert launch.logs() == b""
    assert record in samerun.runs(variables=VARIABLES)


@pytest.mark.parametrize("method", ["wait", "follow"])
def test_ctrl_c_while_a_program_watches_leaves_the_launch_running(
    folder: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.chdir(folder)
    launch = samerun.submit(script(folder, PATIENT), variables=VARIABLES)
    before = signal.getsignal(signal.SIGINT), dict(os.environ), os.getcwd()
    timer = threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        list(getattr(launch, method)() or [])
    timer.join()
    assert launch.state is RunState.RUNNING
    assert (signal.getsignal(signal.SIGINT), dict(os.environ), os.getcwd()) == before
    assert launch.cancel().reason.startswith("Cancelled by SIGTERM")


@pytest.mark.parametrize(
    "more, words",
    [
        ({"training_target": "docker"}, "container"),
        ({"training_image": "x"}, "training_image"),
        ({"mlflow_prt": 1}, "Did you mean mlflow_port?"),
        ({"training_resources": {"memory": "1Gi"}}, "training_resources"),
        ({"samerun_world": "never-up", "mlflow_port": 5989, "object_store_port": 9989}, "samerun up"),
    ],
)
def test_what_cannot_be_is_the_same_exception_from_run_and_submit(
    folder: Path, more: dict[str, object], words: str
) -> None:
    path = script(folder, "print()\n")
    before = samerun.runs(variables=VARIABLES)
    with pytest.raises(SamerunError) as refused:
        samerun.submit(path, variables={**VARIABLES, **more})
    assert words in str(refused.value)
    assert refused.value.hint
    with pytest.raises(SamerunError) as by_play:
        samerun.run(path, variables={**VARIABLES, **more})
    assert (by_play.value.message, by_play.value.code) == (refused.value.message, refused.value.code)
    assert samerun.runs(variables=VARIABLES) == before


def test_a_changed_file_counts_for_the_next_launch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    path, said = script(folder, "import os\nprint(os.environ['SAID'])\n"), folder / "samerun.yml"
    try:
        logs = []
        for word in ("one", "two"):
            said.write_text(f"training_env: {{SAID: {word}}}\n")
            launch = samerun.submit(path, variables=VARIABLES)
            launch.wait()
            logs.append(launch.logs())
        assert logs == [b"one\n", b"two\n"]
    finally:
        said.unlink()
