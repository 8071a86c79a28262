"""The command on the process target, from an empty folder, as a newcomer types it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import difficult
import psutil
import pytest
import yaml
from engines import wait_until
from typed import Ended, Place, finish

from ansible_collections.samerun.stack.plugins.module_utils import callers, contract

pytestmark = pytest.mark.process

PORTS = "mlflow_port: 5441\nobject_store_port: 9442\n"
OPENS_A_RUN = """\
import mlflow
mlflow.set_experiment("cli")
mlflow.start_run()
mlflow.log_metric("loss", 0.5)
"""
OTHER_KEYS = ["-e", "object_store_access_key=another1", "-e", "object_store_secret_key=another-secret"]
HELLO = "print('hello')\n"
PATIENT = "import time\nprint('ready', flush=True)\ntime.sleep(100)\n"
# In hex: secrets are masked in what is shown.
ENVIRONMENT = "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]).encode().hex())\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An empty folder, and in it the first command that a newcomer types."""
    folder = tmp_path_factory.mktemp("newcomer")
    found = Place(folder, tmp_path_factory.mktemp("state"))
    found.write("samerun.yml", PORTS)
    try:
        found.must("up")
        yield found
    finally:
        found.must("down", "--purge", "--yes")


def failure(ended: Ended) -> str:
    """The one line that says what failed."""
    (line,) = [line for line in ended.err.splitlines() if line.startswith("samerun: Failed to ")]
    assert ended.err.splitlines()[-1] == line
    assert "Traceback" not in ended.err + ended.text
    return line


def newest(place: Place) -> dict[str, Any]:
    """The record of the newest launch."""
    record = json.loads(Path(place.status()["launches"][0]["record"]).read_text())
    assert isinstance(record, dict)
    return record


def seen_by(ended: Ended) -> Any:
    """Arguments and environment of a script that was ENVIRONMENT."""
    return json.loads(bytes.fromhex(ended.text))


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


# ---- up, and the ordinary run


@pytest.mark.walk
def test_up_ends_with_the_address_and_how_to_go_on(place: Place) -> None:
    ended = place.must("up")
    lines = ended.text.splitlines()
    url = lines[0].split()[-1]
    assert lines[0].startswith("MLflow ")
    with urllib.request.urlopen(f"{url}/health") as answer:
        assert answer.status == 200
    assert any(line.endswith("samerun train train.py") for line in lines)
    assert any(line.endswith("samerun down") for line in lines)


@pytest.mark.walk
def test_train_needs_no_arguments_and_shows_the_scripts_output_alone(place: Place) -> None:
    place.write("train.py", HELLO)
    ended = place.must("train")
    assert ended.out == b"hello\n"
    assert "FINISHED" in ended.err
    assert "0 MLflow runs recorded" in ended.err
    assert newest(place)["state"] == "FINISHED"


@pytest.mark.walk
def test_train_ends_with_the_runs_link_and_the_record(place: Place) -> None:
    ended = place.must("train", place.write("opens.py", OPENS_A_RUN))
    record = newest(place)
    (run,) = record["mlflow_runs"]
    assert run["metrics"] == {"loss": 0.5}
    assert run["url"] in ended.err
    assert place.status()["launches"][0]["record"] in ended.err
    base, _, fragment = run["url"].partition("/#/")
    assert fragment.endswith(run["run_id"])
    with urllib.request.urlopen(f"{base}/api/2.0/mlflow/runs/get?run_id={run['run_id']}") as answer:
        assert json.load(answer)["run"]["info"]["status"] == "FINISHED"


def test_output_is_byte_for_byte_the_scripts(place: Place) -> None:
    data = b"no newline yet\rbar 10%\rbar 100%\r\n\xff\xfe\x00 \x1b[1mbold\x1b[0m\n  two spaces\nsamerun: not ours\nend"
    script = place.write("bytes.py", f"import sys\nsys.stdout.buffer.write({data!r})\n")
    assert place.must("train", script).out == data


def test_output_comes_while_the_script_runs(place: Place) -> None:
    process = place.start("train", place.write("patient.py", PATIENT))
    assert first_line(process) == b"ready\n"
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    finish(process)


def test_a_reader_that_has_enough_ends_nothing(place: Place) -> None:
    script = place.write("many.py", "for n in range(20000): print(n)\n")
    command = f"{shlex.join(place.argv('train', script))} | head -n 1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", command], cwd=place.folder, env=place.environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["0", "0"]
    assert newest(place)["state"] == "FINISHED"


def test_arguments_and_variables_arrive_as_they_are(place: Place) -> None:
    arguments = ["--epochs", "3", "{{ 1 + 1 }}", "007", "", "yes", "-i", "--", "é $HOME 'x' \"y\" \\", "a\nb"]
    given = {"A": "{{ lookup('env', 'HOME') }}", "B": "0x10", "C": "a=b", **numbered("T", difficult.values())}
    options = [part for name, value in given.items() for part in ("--env", f"{name}={value}")]
    seen = seen_by(place.must("train", place.write("seen.py", ENVIRONMENT), *options, "--", *arguments))
    assert seen[0] == arguments
    assert {name: seen[1][name] for name in given} == given


def test_names_that_are_commands_elsewhere_are_data(place: Place) -> None:
    inside = place.folder / "; touch pwned ;" / "$(touch pwned) {{ lookup('pipe', 'touch pwned') }}"
    inside.mkdir(parents=True)
    (inside / "samerun.yml").write_text(PORTS)
    (inside / "`touch pwned`; {{ 1 + 1 }} '\".py").write_text(ENVIRONMENT)
    script = f"{inside.relative_to(place.folder)}/../{inside.name}/`touch pwned`; {{{{ 1 + 1 }}}} '\".py"
    value = "; touch pwned; $(touch pwned) {{ lookup('pipe', 'touch pwned') }} `touch pwned`"
    ended = place.must("train", script, "--env", f"ABUSE={value}", "--", value, "../../etc/passwd", "--", "; rm -rf ~")
    seen = seen_by(ended)
    assert seen[0] == [value, "../../etc/passwd", "--", "; rm -rf ~"]
    assert seen[1]["ABUSE"] == value
    record = newest(place)
    assert record["name"] == "`touch pwned`; {{ 1 + 1 }} '\""
    assert re.fullmatch(r"[a-z0-9-]+", record["launch"])
    assert list(place.folder.rglob("pwned")) == list(place.state.rglob("pwned")) == []
    for verb in ("status", "check"):
        place.must(verb)
    assert not list(place.folder.rglob("pwned"))


def test_script_sees_the_callers_environment_and_the_contract(place: Place) -> None:
    # Nothing answers there: whoever asks this proxy for a service of the world gets nowhere.
    more = {
        "http_proxy": "http://127.0.0.1:1",
        "MINE": "x",
        "AWS_PROFILE": "other",
        "MLFLOW_EXPERIMENT_NAME": "other",
        "ANSIBLE_FORKS": "7",
    }
    there = Place(place.folder, place.state, more=more)
    seen = seen_by(there.must("train", there.write("seen.py", ENVIRONMENT)))[1]
    names = {name for name in there.environment if not name.startswith(callers.FOREIGN_PREFIXES)}
    names -= {*callers.FOREIGN_NAMES, "_"}
    assert {name: seen.get(name) for name in names} == {name: there.environment[name] for name in names}
    ours = {row.name for row in contract.TABLE}
    # What the shim adds, and what a C library sets for an interpreter.
    others = {"DO_NOT_TRACK", "LC_CTYPE", "MLFLOW_RUN_CONTEXT", "PYTHONUNBUFFERED", "SAMERUN_LAUNCH", "_"}
    assert set(seen) - names - ours <= others | {"NO_PROXY", "no_proxy"}
    assert {"localhost", "127.0.0.1"} <= set(seen["no_proxy"].split(","))


def test_settings_of_the_projects_file_count_for_its_scripts(place: Place) -> None:
    project = place.folder / "project"
    project.mkdir()
    plain, secret = (numbered(letter, difficult.values()) for letter in "PS")
    written = f"{PORTS}training_args: [a]\n"
    for variable, values in (("training_env", {"FROM_FILE": "1", **plain}), ("training_secret_env", secret)):
        written += f"{variable}:\n" + "".join(f"  {n}: {written_as(v)}\n" for n, v in values.items())
    (project / "samerun.yml").write_text(written)
    (project / "seen.py").write_text(ENVIRONMENT)
    seen = seen_by(place.must("train", "project/seen.py", "--env", "TYPED=2"))
    assert seen[0] == ["a"]
    assert (seen[1]["FROM_FILE"], seen[1]["TYPED"]) == ("1", "2")
    assert {name: seen[1].get(name) for name in (*plain, *secret)} == {**plain, **secret}


def numbered(letter: str, values: dict[str, str]) -> dict[str, str]:
    return {f"{letter}_{number}": value for number, value in enumerate(values.values())}


def written_as(value: str) -> str:
    """`value` in YAML; what looks like a template is one there, unless it is tagged as data."""
    text = yaml.safe_dump(value, default_style='"', width=len(value) * 10 + 100).strip()
    return f"!unsafe {text}" if "{{" in value else text


def test_json_prints_the_record_alone_and_the_output_beside_it(place: Place) -> None:
    ended = place.run("train", "--json", place.write("five.py", "print('hello')\nraise SystemExit(5)\n"))
    record = json.loads(ended.out)
    assert (ended.code, record["state"], record["exit_code"]) == (5, "FAILED", 5)
    assert record == newest(place)
    assert "hello\n" in ended.err
    ended = place.run("train", "--json", "nothere.py")
    refused = json.loads(ended.out)["failure"]
    assert (ended.code, refused["code"]) == (66, 66)
    assert f"samerun: {refused['message']} {refused['hint']}" == failure(ended)


# ---- ends


@pytest.mark.parametrize("code", [3, 77, 255])
def test_train_ends_with_the_scripts_own_code(place: Place, code: int) -> None:
    ended = place.run("train", place.write(f"ends{code}.py", f"import sys\nprint('x')\nsys.exit({code})\n"))
    assert ended.code == code
    assert ended.out == b"x\n"
    assert f"exit code {code}" in failure(ended)
    assert (newest(place)["state"], newest(place)["exit_code"]) == ("FAILED", code)


def test_a_run_whose_watchers_were_killed_is_found_and_settled(place: Place) -> None:
    go_on = place.folder / "go-on"
    script = (
        f"import os, time\nprint('ready', flush=True)\nwhile not os.path.exists({str(go_on)!r}): time.sleep(0.05)\n"
    )
    process = place.start("train", place.write("unwatched.py", f"{script}raise SystemExit(5)\n"))
    first_line(process)
    for watcher in (*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)):
        if "playbook" in " ".join(watcher.cmdline()) or watcher.pid == process.pid:
            with contextlib.suppress(psutil.Error):
                watcher.kill()
    finish(process)
    assert place.status()["launches"][0]["state"] == "RUNNING"
    go_on.touch()

    def settled() -> Ended | None:
        ended = place.must("status")
        return ended if "ended unwatched: FAILED" in ended.err else None

    ended = wait_until(settled, "the launch is settled")
    assert "unwatched-" in ended.text
    assert newest(place)["exit_code"] == 5
    assert "ended unwatched" not in place.must("status").err


def test_detach_returns_before_the_end_and_the_world_stays_until_then(place: Place) -> None:
    go_on = place.folder / "detached"
    script = f"import os, time\nwhile not os.path.exists({str(go_on)!r}): time.sleep(0.05)\n"
    ended = place.must("train", "--detach", place.write("later.py", script))
    assert "RUNNING" in ended.err
    found = place.status()
    assert found["launches"][0]["state"] == "RUNNING"
    refused = place.run("down")
    assert refused.code == os.EX_TEMPFAIL
    assert found["launches"][0]["launch"] in failure(refused)
    assert place.status() == found, "and nothing was stopped"
    go_on.touch()
    wait_until(lambda: place.status()["launches"][0]["state"] == "FINISHED", "the launch ends")


# ---- refusals


@pytest.mark.parametrize(
    "typed, code, words",
    [
        (["train", "nothere.py"], 66, ["nothere.py", "no such file"]),
        (["train", "."], 66, ["it is a folder"]),
        (["train", "broken.py"], 65, ["broken.py", "line 2"]),
        (["train", "empty.py"], 65, ["empty.py", "empty"]),
        (["train", "leans.py"], 65, ["broken.py", "line 2"]),
        (["check", "leans.py"], 65, ["broken.py", "line 2"]),
        (["train", "hello.py", "--on", "dcoker"], 78, ["dcoker", "docker"]),
        (["train", "hello.py", "--on", "docker"], 78, ["container", "training_target"]),
        (["train", "hello.py", "--env", "X"], 64, ["--env X", "NAME=VALUE"]),
        (["train", "hello.py", "-e", "training_imge=x"], 78, ["training_image"]),
        (["up", "-e", "mlflow_port=many"], 78, ["mlflow_port", "int"]),
        (["up", "-i", "proces"], 66, ["proces", "Did you mean process?"]),
        (["up", "-i", "hello.py"], 66, ["hello.py", "group samerun"]),
        (["status", "-i", "hello.py"], 66, ["hello.py", "group samerun"]),
        (["status", "-e", "mlflow_prt=1"], 78, ["Did you mean mlflow_port?"]),
        (["train", "hello.py", *OTHER_KEYS], 78, ["object_store_access_key and object_store_secret_key are not what"]),
        (["check", *OTHER_KEYS], 78, ["are not what the store of world process was set up with", "Leave both unset"]),
        (["down", "--purge"], 64, ["for ever", "--purge --yes"]),
        (["logs", "nobody"], 66, ["nobody", "no id begins so"]),
        (["wait", "../.."], 66, ["no id begins so"]),
        (["cancel", "$(id)"], 66, ["$(id)"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line_and_starts_nothing(
    place: Place, typed: list[str], code: int, words: list[str]
) -> None:
    texts = {"hello.py": HELLO, "broken.py": "x = 1\ndef f(:\n", "leans.py": "import broken\n", "empty.py": ""}
    for name, text in texts.items():
        place.write(name, text)
    runs = place.state / "samerun" / "process" / "runs"
    before = set(runs.glob("*"))
    ended = place.run(*typed)
    assert ended.code == code
    assert [word for word in words if word not in failure(ended)] == []
    assert ended.out == b""
    assert set(runs.glob("*")) == before


def test_an_override_of_the_contract_is_told_once_and_runs_all_the_same(place: Place) -> None:
    place.write("addresses.py", "import os\nos.environ['MLFLOW_TRACKING_URI'] = 'http://elsewhere:5000'\n")
    script = place.write("overrides.py", "import addresses\nprint(addresses.os.environ['MLFLOW_TRACKING_URI'])\n")
    for ended in (place.must("check", script), trained := place.must("train", script)):
        told = [line for line in ended.err.splitlines() if "overridden" in line]
        assert told == [
            "samerun: The contract is overridden: addresses.py, line 2: the script itself sets MLFLOW_TRACKING_URI."
        ]
    assert trained.out == b"http://elsewhere:5000\n"


def test_a_module_that_is_not_installed_is_told_before_the_script_starts(place: Place) -> None:
    place.write("helpers.py", "import no_such_module_anywhere\n")
    ended = place.run("train", place.write("wants.py", "print('started')\nimport helpers\n"))
    assert ended.code == 69
    assert "Failed to import no_such_module_anywhere in " in failure(ended)
    assert "ModuleNotFoundError" in failure(ended)
    assert "training_requirements" in failure(ended)
    assert ended.out == b"", "its log, which is printed here, says the same line as the failure"
    assert ended.err.count("no_such_module_anywhere in ") == 1
    assert failure(ended).endswith("Add it to the requirements (training_requirements).")
    assert b"Failed to import no_such_module_anywhere in " in place.must("logs").out
    assert newest(place)["exit_code"] is None


def test_a_broken_projects_file_is_named(tmp_path: Path) -> None:
    there = Place(tmp_path, tmp_path / "state")
    there.write("samerun.yml", "mlflow_port: [\n")
    for verb in ("up", "status", "env", "down"):
        ended = there.run(verb)
        assert ended.code == 65
        assert "samerun.yml: line 2" in failure(ended)
    assert not (tmp_path / "state").exists()


def test_prediction_on_an_empty_machine_starts_nothing(tmp_path: Path) -> None:
    there = Place(tmp_path, tmp_path / "state")
    ended = there.must("up", "--check", "--diff")
    assert "changed=" in ended.text
    assert "nothing was started" in ended.err
    assert [service["state"] for service in there.status()["services"]] == ["absent", "absent"]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, int, Ended]]:
    """A world that came up while somebody else had its port: the place, the port, and what `up` said."""
    there = Place(tmp_path_factory.mktemp("crowded"), tmp_path_factory.mktemp("state"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        there.write("samerun.yml", f"mlflow_port: {port}\nobject_store_port: 9462\n")
        try:
            yield there, port, there.must("up")
        finally:
            there.must("down", "--purge", "--yes")


def test_a_taken_port_is_said_and_the_next_one_kept(crowded: tuple[Place, int, Ended]) -> None:
    there, port, ended = crowded
    moved = int(ended.text.split()[1].rpartition(":")[2])
    assert moved != port
    assert f"mlflow_port: the port asked for is taken, {moved} is used and kept" in ended.err
    assert there.status()["services"][0]["url"].endswith(f":{moved}")


def test_purge_asks_on_a_terminal(crowded: tuple[Place, int, Ended]) -> None:
    there, _port, _ended = crowded
    ended = there.on_terminal("down", "--purge", answer=b"no\n")
    assert ended.code == 64
    assert [service["state"] for service in there.status()["services"]] == ["running", "running"]
    assert there.on_terminal("down", "--purge", answer=b"yes\n").code == 0
    assert list((there.state / "samerun").iterdir()) == []


# ---- status, env, check, down


@pytest.mark.walk
def test_status_tells_services_and_launches_newest_first(place: Place) -> None:
    place.must("train", place.write("one.py", HELLO))
    place.must("train", place.write("two.py", HELLO))
    found = place.status()
    assert found["target"] == "process"
    assert [service["state"] for service in found["services"]] == ["running", "running"]
    assert [launch["launch"].split("-")[0] for launch in found["launches"][:2]] == ["two", "one"]
    shown = place.must("status").text
    assert [s["url"] for s in found["services"] if s["url"] not in shown] == []


def test_env_gives_a_shell_what_a_run_gets(place: Place) -> None:
    seen = seen_by(place.must("train", place.write("seen.py", ENVIRONMENT)))[1]
    names = {*(row.name for row in contract.TABLE), "DO_NOT_TRACK"} & seen.keys()
    command = f'eval "$({shlex.join(place.argv("env"))})"; exec env -0'
    printed = subprocess.run(
        ["sh", "-c", command], cwd=place.folder, env=place.environment, capture_output=True, check=True
    ).stdout
    found = dict(entry.split("=", 1) for entry in printed.decode().split("\0") if entry)
    assert {name: found[name] for name in names} == {name: seen[name] for name in names}
    assert json.loads(place.must("env", "--json").out) == {name: seen[name] for name in names}


def test_env_masks_secrets_on_a_terminal_unless_told_not_to(place: Place) -> None:
    values = json.loads(place.must("env", "--json").out)
    secrets = [values[name] for name in contract.keys(secret=True) if name in values]
    assert secrets
    masked, shown = place.on_terminal("env").text, place.on_terminal("env", "--show").text
    assert [secret for secret in secrets if secret in masked] == []
    assert [secret for secret in secrets if secret not in shown] == []
    assert values[contract.name_of("tracking_uri")] in masked


def test_check_names_the_contract_and_no_secret(place: Place) -> None:
    values = json.loads(place.must("env", "--json").out)
    shown = place.must("check").text
    names = [row.name for row in contract.TABLE if row.name in values]
    assert [name for name in names if name not in shown] == []
    assert [name for name in contract.keys(secret=True) if name in values and values[name] in shown] == []


def test_a_world_that_was_never_up_is_told_apart(tmp_path: Path) -> None:
    there = Place(tmp_path, tmp_path / "state")
    ended = there.run("env")
    assert ended.code == 78
    assert "never up" in failure(ended)
    assert "samerun up" in failure(ended)
    there.write("train.py", HELLO)
    ended = there.run("train")
    assert ended.code != 0
    assert "samerun up" in failure(ended)
    assert there.status()["launches"] == []


@pytest.mark.walk
def test_down_stops_all_and_keeps_all(place: Place) -> None:
    place.must("train", place.write("opens.py", OPENS_A_RUN))
    record = newest(place)
    try:
        assert "Removed" in place.must("down").text
        assert [service["state"] for service in place.status()["services"]] == ["absent", "absent"]
        ended = place.must("env")
        assert "does not answer" in ended.err
        ended = place.run("check")
        assert ended.code == 69
        failure(ended)
    finally:
        place.must("up")
    (run,) = record["mlflow_runs"]
    base = run["url"].partition("/#/")[0]
    with urllib.request.urlopen(f"{base}/api/2.0/mlflow/runs/get?run_id={run['run_id']}") as answer:
        assert json.load(answer)["run"]["data"]["metrics"][0]["value"] == 0.5
    assert newest(place) == record


def test_v_shows_what_ansible_says_apart_from_the_output(place: Place) -> None:
    ended = place.must("up", "-v")
    assert "PLAY RECAP" in ended.err
    assert "PLAY RECAP" not in ended.text
    assert ended.text.startswith("MLflow ")


def test_v_shows_what_the_target_is_asked_for_apart_from_the_output(place: Place) -> None:
    values = json.loads(place.must("env", "--json").out)
    ended = place.must("train", "-v", place.write("hello.py", HELLO))
    assert ended.out == b"hello\n"
    assert '"argv": [' in ended.err
    assert [name for name in contract.keys(secret=True) if name in values and values[name] in ended.err] == []


def test_a_prediction_shows_what_would_be_asked_for_and_trains_nothing(place: Place) -> None:
    before = place.status()["launches"]
    ended = place.must("train", "--check", "--diff", place.write("hello.py", HELLO))
    assert json.loads(ended.out)["argv"][-1].endswith("spec.json")
    assert "nothing was started" in ended.err
    assert place.status()["launches"] == before


def test_train_starts_no_play(place: Place, tmp_path: Path) -> None:
    there = Place(place.folder, place.state, more={"TMPDIR": str(tmp_path)})
    process = there.start("train", there.write("patient.py", PATIENT))
    assert first_line(process) == b"ready\n"
    started = [child.cmdline() for child in psutil.Process(process.pid).children(recursive=True)]
    assert [argv for argv in started if any("ansible" in word for word in argv[:2])] == []
    assert [name for name in os.listdir(tmp_path) if name.startswith("samerun")] == []
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == 143


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_environment_is_made_ends_it_and_starts_nothing(
    place: Place, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    # An index that takes the connection and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as index:
        silent = {"PIP_INDEX_URL": f"http://127.0.0.1:{index.getsockname()[1]}/simple", "PIP_FIND_LINKS": ""}
        there = Place(place.folder, place.state, more={"XDG_CACHE_HOME": str(tmp_path), **silent})
        before = there.status()["launches"]
        script = there.write("hello.py", HELLO)
        process = there.start("train", script, "-e", f"training_requirements={requirements(tmp_path)}")
        index.settimeout(60)
        connection, _address = index.accept()
        with connection:
            process.send_signal(number)
            ended = finish(process)
    assert ended.code == code
    assert ended.err.splitlines()[-1] == "samerun: Cancelled."
    assert there.status()["launches"] == before


def requirements(folder: Path) -> Path:
    path = folder / "requirements.txt"
    path.write_text("no-such-package-of-samerun\n")
    return path


def test_nothing_of_a_play_stays_in_temporary_folders(place: Place, tmp_path: Path) -> None:
    there = Place(place.folder, place.state, more={"TMPDIR": str(tmp_path)})
    there.must("train", there.write("hello.py", HELLO))
    there.run("train", there.write("ends.py", "raise SystemExit(1)\n"))
    assert [name for name in os.listdir(tmp_path) if name.startswith("samerun")] == []
