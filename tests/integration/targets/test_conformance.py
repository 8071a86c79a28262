"""What holds for every file in plugin_utils/targets: one suite, real engines, a real world for each.

A new target is held against it by its line in TARGETS and a world in tests/support/worlds.py.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import addresses
import difficult
import engines
import hunting
import launches
import links
import psutil
import pytest
import world_options
import worlds

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach, collector
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, store

# A line of 10 MB, progress bars, torn characters, binary noise, and 200,000 lines as quickly as they can be written.
LOUD = """
import sys, time
out = sys.stdout.buffer
out.write(b"x" * 10_000_000 + b"\\n")
for percent in range(100):
    out.write(b"\\r%d%%" % percent)
out.write(b"\\n" + "\\u00fc".encode()[:1])
out.flush()
out.write("\\u00fc".encode()[1:] + bytes(range(256)) * 100 + b"\\n")
started = time.monotonic()
for number in range(200_000):
    out.write(b"line %d\\n" % number)
out.flush()
out.write(b"seconds %f\\n" % (time.monotonic() - started))
"""
LOUD_SECONDS = 2.0  # for its 200,000 lines
KEPT = {"log.txt", "record.json", "work"}  # of a collected launch, in its folder of the state
# The keys that the documentation promises; a record may hold more.
RECORD_KEYS = {
    "launch", "name", "target", "state", "exit_code", "reason", "hint", "script_sha256", "bundle_sha256",
    "fingerprint", "contract", "image", "tracking_uri", "mlflow_runs", "started_at", "ended_at", "durations",
}  # fmt: skip
Launch = Callable[..., launches.Launched]


def test_every_target_has_a_world_here() -> None:
    assert set(worlds.VARIABLES) == set(worlds.INVENTORIES) == set(engines.ENGINES) == set(TARGETS)


# ---- what reaches the script -------------------------------------------------------------


def test_arguments_are_byte_exact(probed: Any, exact: dict[str, str]) -> None:
    assert probed.dump["args"] == list(exact.values())


@pytest.mark.parametrize("prefix", ["EXACT", "SECRET"])
def test_variables_are_byte_exact(probed: Any, exact: dict[str, str], prefix: str) -> None:
    got = {name: probed.dump["environ"].get(f"{prefix}_{number}") for number, name in enumerate(exact)}
    assert got == exact


@pytest.mark.parametrize("option", ["env", "secret_env", "args"])
def test_nul_is_refused_before_anything_starts(world: World, launch: Launch, option: str) -> None:
    given = {"args": ["a\0b"]} if option == "args" else {option: {"NUL": "a\0b"}}
    with pytest.raises(SamerunError, match=rf"training_{option}: .* holds a NUL byte"):
        launch(**given)


def test_contract_reaches_the_script(world: World, probed: Any) -> None:
    got = probed.dump["environ"]
    resolved = world.contract(TARGETS[world.target].VIEWPOINT, credentials.for_runs(world))
    assert {name: got.get(name) for name in resolved.names} == resolved.values


def test_services_of_the_world_are_asked_without_a_proxy(world: World, probed: Any) -> None:
    got = probed.dump["environ"]
    (own,) = {urlsplit(e.url(TARGETS[world.target].VIEWPOINT)).hostname for e in (world.mlflow,)}
    assert probed.launched.record.state is RunState.FINISHED
    assert got["HTTP_PROXY"] == "http://127.0.0.1:1"
    assert got["NO_PROXY"] == got["no_proxy"]
    assert {own, "of-the-user.example"} <= set(got["NO_PROXY"].split(","))


def test_no_key_of_the_world_itself_reaches_the_script(world: World, probed: Any) -> None:
    own = credentials.require(world)
    assert own.values == keys(world)
    assert own.trainer
    assert set(own.values) & set(probed.dump["environ"].values()) == set()


def test_nothing_of_the_caller_reaches_the_script(probed: Any) -> None:
    got = probed.dump["environ"]
    ours = {row.name for row in contract.TABLE}
    assert {name: got[name] for name in difficult.FOREIGN if got.get(name) == difficult.FOREIGN[name]} == {}
    assert [name for name in got if name.startswith(("AWS_", "MLFLOW_")) and name not in ours] == ["MLFLOW_RUN_CONTEXT"]


def test_the_same_tree_is_delivered(probed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(probed.project)
    here = probe_module().tree()
    assert probed.dump["tree"] == {name: here[name] for name in difficult.DELIVERED}


def test_working_folder_is_fresh_and_writable(world: World, launch: Launch, engine: engines.Engine) -> None:
    seen = [launch(outputs=["made*"]) for _again in range(2)]
    assert [one.dump["new_file"] for one in seen] == ["written", "written"]
    assert [sorted(one.dump["tree"]) for one in seen] == [["probe.py"], ["probe.py"]]
    # Files that are asked for come back without an MLflow run, too, where something is left of the launch.
    back = [(world.folder(one.record.launch).outputs / "made by the script").exists() for one in seen]
    assert back == [engine.KEEPS_LOGS, engine.KEEPS_LOGS]


def test_code_beyond_a_config_map_is_delivered(launch: Launch, project: Path) -> None:
    data = os.urandom(2_000_000)
    (project / "weights.bin").write_bytes(data)
    assert launch().dump["tree"]["weights.bin"] == f"file {hashlib.sha256(data).hexdigest()}"


def test_volumes_reach_the_script(launch: Launch, engine: engines.Engine, tmp_path: Path) -> None:
    for kind in engine.VOLUMES:
        folder = tmp_path / kind
        folder.mkdir()
        with engine.volume(kind, f"conf-{kind}", folder) as source:
            wrote = launch({"write": {"/data/kept": kind}}, volumes=[f"{source}:/data"])
            again = launch({"read": ["/data/kept"], "write": {"/data/new": ""}}, volumes=[f"{source}:/data:ro"])
        assert wrote.dump["wrote"] == {"/data/kept": "written"}
        assert again.dump["read"] == {"/data/kept": kind}
        assert again.dump["wrote"]["/data/new"] in ("OSError", "PermissionError"), "read-only"
        if kind == "folder":
            assert (folder / "kept").read_text() == kind


def test_a_folder_of_the_host_is_delivered_or_refused(launch: Launch, engine: engines.Engine, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "file").write_text("of the host")
    volume = f"{tmp_path}/data:/data:ro"
    if "folder" in engine.VOLUMES:
        assert launch({"read": ["/data/file"]}, volumes=[volume]).dump["read"] == {"/data/file": "of the host"}
    else:
        with pytest.raises(SamerunError, match=r"on this host, not on the nodes.*claim"):
            launch(volumes=[volume])


def test_resources_limit_the_script_or_are_refused(launch: Launch, engine: engines.Engine) -> None:
    limits = {"memory": "256Mi", "cpu": "500m"}
    if engine.LIMITS:
        dump = launch(resources=limits).dump
        assert dump["memory_limit"] == 256 * 1024 * 1024
        assert dump["cpu_limit"] == 0.5
    else:
        with pytest.raises(SamerunError, match="training_resources"):
            launch(resources=limits)


# ---- how it ends -------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 2, 77, 137, 139, 255])
def test_exit_code_is_kept(launch: Launch, world: World, code: int) -> None:
    record = launch({"exit": code}).record
    assert record.exit_code == code
    assert record.state is (RunState.FAILED if code else RunState.FINISHED)
    assert (f"exit code {code}" in record.reason) is bool(code)
    assert record.mlflow_runs == []
    assert launches.record_on_disk(world, record.launch) == json.loads(json.dumps(record.as_dict()))


@pytest.mark.parametrize("number, state", [(signal.SIGKILL, "KILLED"), (signal.SIGSEGV, "FAILED")])
def test_a_script_that_a_signal_ends_is_told_by_the_signals_name(
    launch: Launch, number: signal.Signals, state: str
) -> None:
    record = launch({"signal": number}).record
    assert (record.state, record.exit_code) == (state, 128 + number)
    assert record.reason == f"probe.py was ended by {number.name}."


def test_exception_on_import_is_a_failure_with_its_traceback(launch: Launch) -> None:
    ended = launch({"import": ["no_such_module"]})
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, 1)
    assert b"ModuleNotFoundError: No module named 'no_such_module'" in ended.log


def test_text_given_to_exit_is_shown_and_means_1(launch: Launch) -> None:
    ended = launch({"exit": "no data there"})
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, 1)
    assert b"no data there" in ended.log


def test_an_interpreter_that_dies_before_the_run_began_is_a_failure_and_not_tried_again(launch: Launch) -> None:
    record = launch(python="/bin/false", requirements=None, retries=1).record
    assert (record.state, record.exit_code, record.attempts) == (RunState.FAILED, None, 1)
    assert record.reason
    assert record.hint


def test_a_time_limit_is_told_apart(launch: Launch) -> None:
    ended = launch({"wait": 60}, timeout=2)
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, 128 + signal.SIGTERM)
    assert "time limit of 2 s" in ended.record.reason
    assert "training_timeout" in ended.record.hint


def test_a_loud_log_arrives_byte_for_byte_in_little_memory(launch: Launch, world: World, project: Path) -> None:
    (project / "loud.py").write_text(LOUD)
    before = psutil.Process().memory_info().rss
    ended = launch(script=str(project / "loud.py"))
    patience = probes.patience(LOUD_SECONDS)
    assert ended.record.exit_code == 0
    kept, took = without_seconds(world.folder(ended.record.launch).log.read_bytes())
    written, _took = without_seconds(loud())
    assert hashlib.sha256(kept).hexdigest() == hashlib.sha256(written).hexdigest(), f"{len(kept)} of {len(written)}"
    assert took < patience, "the script was held up by its log"
    shown = sum(len(piece) for _when, piece in ended.arrivals)
    assert shown <= len(kept) + 100
    # This test itself keeps what was shown.
    assert psutil.Process().memory_info().rss - before - shown < 100e6


def test_a_line_is_visible_before_the_script_ends(launch: Launch) -> None:
    ended = launch({"sleep": 3})
    printed = dict(line.split(b" at ") for line in ended.log.splitlines() if b" at " in line)
    seen = ended.shown_at(b"first line at")
    assert seen < float(printed[b"last line"]), "shown only once the script had ended"
    assert seen - float(printed[b"first line"]) < 1.5


def test_record_has_the_same_keys_everywhere(probed: Any, world: World) -> None:
    record = launches.record_on_disk(world, probed.launched.record.launch)
    assert set(record) == {field.name for field in dataclasses.fields(RunRecord)}
    assert set(record) >= RECORD_KEYS
    assert set(record["durations"]) == {"prepare", "first_output", "run"}
    assert record["contract"]["names"] == world.contract("host", credentials.for_runs(world)).names
    assert record["tracking_uri"] == probed.dump["environ"][contract.name_of("tracking_uri")]
    assert (record["name"], record["target"], record["world"]) == ("Exact_Values ü", world.target, world.name)
    assert record["started_at"] < record["ended_at"]


def test_no_secret_is_in_the_record(probed: Any, world: World) -> None:
    record = world.folder(probed.launched.record.launch).record.read_text()
    assert [value for value in keys(world) if value in record] == []


def test_log_is_kept_byte_for_byte(probed: Any, world: World) -> None:
    assert world.folder(probed.launched.record.launch).log.read_bytes() == probed.launched.log


@pytest.mark.parametrize("how, code, state", [("exit", 3, "FAILED"), ("leave", 0, "FINISHED")])
def test_mlflow_says_what_the_exit_code_says(launch: Launch, world: World, how: str, code: int, state: str) -> None:
    record = launch(script=str(difficult.DATA / "opens_a_run.py"), args=[how]).record
    assert (record.exit_code, record.state) == (code, state)
    (run,) = record.mlflow_runs
    assert (run.status, run.params, run.metrics) == (state, {"how": how}, {"loss": 0.25})
    assert (run.experiment, run.name) == ("conformance", "left open")
    assert run.url.startswith(world.mlflow.url("host"))


def test_a_signal_reaches_the_script_and_ends_all_that_it_started(
    world: World, launch: Launch, engine: engines.Engine
) -> None:
    submitted = launch({"wait": 60, "daemon": True}, detach=True).record
    assert submitted.state is RunState.RUNNING
    target = TARGETS[world.target](world)
    log = b""
    for piece in target.follow(submitted.launch):
        log += piece
        if b"waiting" in piece:
            engine.pause(submitted.launch)
            target.cancel(submitted.launch, signal.SIGTERM)
    record = launches.collect_until_settled(world, submitted.launch)
    assert (record.state, record.exit_code) == (RunState.KILLED, 128 + signal.SIGTERM)
    assert b"got signal 15" in log
    # A cluster's own word of a pod comes a moment later.
    engines.wait_until(lambda: not engine.alive(submitted.launch), "all that it started has ended", 20)


# ---- who watches -------------------------------------------------------------------------


@pytest.fixture
def submitter(real: worlds.RealWorld, project: Path, trainer: dict[str, Any], tmp_path: Path) -> Any:
    """Start a child process that submits a launch and follows it; killed in any case."""
    started: list[subprocess.Popen[bytes]] = []

    def start(plan: dict[str, Any], *, wait: bool = True) -> tuple[subprocess.Popen[bytes], str]:
        given = {"script": str(project / "probe.py"), "env": {"PROBE": json.dumps(plan)}, **trainer}
        child = launches.submitter(real.options, given, tmp_path / "submit.json")
        started.append(child)
        assert child.stdout is not None
        launched = child.stdout.readline().split()[1].decode()
        if wait:
            assert any(b"first line at" in line for line in child.stdout), "the script never said a thing"
        return child, launched

    yield start
    for child in started:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_a_signal_in_the_first_moment_is_heard(
    real: worlds.RealWorld, submitter: Any, engine: engines.Engine, tmp_path: Path, temporary: Path
) -> None:
    started = time.monotonic()
    child, launched = submitter({"wait": 60}, wait=False)
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 0, (tmp_path / "submit.err").read_text()
    assert time.monotonic() - started < 20, "far less than the script would have waited"
    record = launches.record_on_disk(real.world, launched)
    assert (record["state"], record["exit_code"]) == ("KILLED", None)
    assert record["reason"].startswith(
        "Cancelled by SIGINT"
    )  # an interpreter that starts may end by it, without a word
    assert_nothing_left(real.world, engine, launched, temporary)


def test_a_launch_outlives_its_killed_submitter(
    real: worlds.RealWorld, submitter: Any, engine: engines.Engine, tmp_path: Path, temporary: Path
) -> None:
    child, launched = submitter({"sleep": 3, "exit": 3})
    child.kill()
    child.wait()
    _settled, alive = collector.collect(real.world)
    assert launched in [record.launch for record in alive]

    if engine.SHARED:
        # A second machine knows only what the engine knows; it settles, and leaves the rest to who may still watch.
        elsewhere = World.from_options({**real.options, "state_dir": str(tmp_path / "elsewhere")})
        record = launches.collect_until_settled(elsewhere, launched)
        assert (record.state, record.exit_code) == (RunState.FAILED, 3)
        assert b"last line at" in elsewhere.folder(launched).log.read_bytes()

    record = launches.collect_until_settled(real.world, launched)
    assert (record.state, record.exit_code) == (RunState.FAILED, 3)
    assert launches.dumped(real.world.folder(launched).log.read_bytes())["args"] == []
    assert b"last line at" in real.world.folder(launched).log.read_bytes()
    assert_nothing_left(real.world, engine, launched, temporary)


def test_a_launch_whose_shim_was_killed_is_settled(real: worlds.RealWorld, launch: Launch) -> None:
    engine = engines.engine_of(real.world)
    submitted = launch(
        script=str(difficult.DATA / "opens_a_run.py"), args=["wait"], detach=True, outputs=["*.txt"], keep_code=True
    ).record
    target = TARGETS[real.target](real.world)
    for piece in target.follow(submitted.launch):
        if b"run is open" in piece:
            engine.kill_run(submitted.launch)
    record = launches.collect_until_settled(real.world, submitted.launch)
    # A pod that is deleted with no grace at all still lets the shim tell how the script ended.
    assert record.state is RunState.KILLED
    assert record.exit_code in (None, 128 + signal.SIGTERM)
    assert record.reason
    assert [run.status for run in record.mlflow_runs] == ["KILLED"]
    engines.wait_until(lambda: not engine.leftovers(submitted.launch), "nothing is left")
    # All that the shim would have kept is with the run.
    client = tracking.Tracking(real.world.mlflow.url("host"))
    (run,) = client.launch_runs(submitted.launch)
    by_itself = tracking.tag(run, "samerun.exit_code") == "143"  # a shim that could still tell MLflow, if nobody else
    assert by_itself or not tracking.tag(run, "samerun.exit_code")
    tags = {"state": "KILLED", "attempts": "1"}
    assert {name: tracking.tag(run, f"samerun.{name}") for name in tags} == tags
    reason = tracking.tag(run, "samerun.reason")
    assert reason == record.reason or (by_itself and reason == "Cancelled by SIGTERM.")
    kept = keeping.Artifacts(run["info"]["artifact_uri"], client, store.objects(real.world))
    log = real.world.folder(submitted.launch).log.read_bytes()
    assert b"run is open" in log or not engine.KEEPS_LOGS
    assert kept.get(keeping.LOG) == log or (by_itself and b"run is open" in kept.get(keeping.LOG))
    kept_reason = json.loads(kept.get(keeping.RECORD))["reason"]
    assert kept_reason == reason or (by_itself and kept_reason == "Cancelled by SIGTERM.")
    if engine.KEEPS_LOGS:  # and all else
        assert kept.get("outputs/left.txt") == b"wait"
        assert len(kept.get(keeping.CODE)) > 100
        assert (real.world.folder(submitted.launch).outputs / "left.txt").read_bytes() == b"wait"


def test_what_mlflow_could_not_be_told_is_told_by_the_next_command(real: worlds.RealWorld, launch: Launch) -> None:
    engine = engines.engine_of(real.world)
    submitted = launch(script=str(difficult.DATA / "opens_a_run.py"), args=["wait"], detach=True).record
    for piece in TARGETS[real.target](real.world).follow(submitted.launch):
        if b"and a daemon" in piece:
            engine.kill_shim(submitted.launch)
    away = world_options.elsewhere(real.world, mlflow="http://127.0.0.1:1")
    record = launches.collect_until_settled(away, submitted.launch)
    assert (record.state, bool(record.reason)) == (RunState.KILLED, True)
    engines.wait_until(lambda: not engine.alive(submitted.launch), "what the script had started dies with it")
    client = tracking.Tracking(real.world.mlflow.url("host"))

    def told() -> bool:
        collector.collect(real.world)  # which finds nothing more to do where the shim could still tell
        return [run["info"]["status"] for run in client.launch_runs(submitted.launch)] == ["KILLED"]

    engines.wait_until(told, "MLflow says how it ended")
    engines.wait_until(lambda: not engine.leftovers(submitted.launch), "nothing is left")


def test_nothing_is_left_once_a_launch_is_collected(
    world: World, launch: Launch, engine: engines.Engine, temporary: Path
) -> None:
    canary = {"CANARY": "a canary/in a cage=ü"}
    record = launch({"exit": 1}, secret_env=canary, retries=1).record
    assert_nothing_left(world, engine, record.launch, temporary)
    cancelled = attach.Attached(
        world, launch({"wait": 60}, secret_env=canary, retries=1, detach=True).record, TARGETS[world.target](world)
    )
    assert "Cancelled by SIGTERM" in cancelled.cancel().reason
    assert_nothing_left(world, engine, cancelled.launch, temporary)
    for launched in (record.launch, cancelled.launch):
        assert hunting.in_files(world.runs / launched, canary.values()) == {}


def assert_nothing_left(world: World, engine: engines.Engine, launched: str, temporary: Path) -> None:
    engines.wait_until(lambda: not engine.leftovers(launched), f"nothing of {launched} is left in the engine")
    assert {path.name for path in (world.runs / launched).iterdir()} <= KEPT
    assert list(temporary.iterdir()) == []


# ---- what cannot work --------------------------------------------------------------------


def broken(world: World, how: str, unknown: links.Link) -> World:
    """`world` with one thing that is wrong; `unknown` leads to its MLflow by a name that it was not told."""
    viewpoint = TARGETS[world.target].VIEWPOINT

    def closed(endpoint: Endpoint) -> str:
        scheme, host, _port = endpoint.url(viewpoint).rsplit(":", 2)
        return f"{scheme}:{host}:1"

    def encrypted(endpoint: Endpoint) -> str:
        return endpoint.url(viewpoint).replace("http:", "https:")

    nowhere, store = "http://nowhere.invalid:5000", world.object_store.url(viewpoint)
    elsewhere, replace = functools.partial(world_options.elsewhere, world), dataclasses.replace
    # Keys of a store that is not ours are used as they are given.
    theirs = elsewhere(object_store=store)
    changes: dict[str, Callable[[], World]] = {
        "mlflow port": lambda: elsewhere(mlflow=closed(world.mlflow)),
        "mlflow name": lambda: elsewhere(mlflow=nowhere),
        "store port": lambda: elsewhere(object_store=closed(world.object_store)),
        "store name": lambda: elsewhere(object_store=nowhere),
        "store as mlflow": lambda: elsewhere(mlflow=store),
        "access key": lambda: replace(theirs, access_key="nobody0123456789"),
        "secret key": lambda: replace(theirs, secret_key="0123456789abcdef0123456789abcdef"),
        "bucket": lambda: replace(world, bucket="no-such-bucket"),
        "bucket of all keys": lambda: replace(theirs, bucket="no-such-bucket"),
        "mlflow TLS": lambda: elsewhere(mlflow=encrypted(world.mlflow)),
        "store TLS": lambda: elsewhere(object_store=encrypted(world.object_store)),
        "mlflow host": lambda: elsewhere(mlflow=f"http://{unknown.address}:{unknown.port}"),
    }
    return changes[how]()


BROKEN = {
    "mlflow port": r"reach MLflow from the {viewpoint}: nothing answers at .*:1 of MLFLOW_TRACKING_URI",
    "mlflow name": r"reach MLflow from the {viewpoint}: the name nowhere.invalid of MLFLOW_TRACKING_URI",
    "store port": r"reach the S3 store from the {viewpoint}: nothing answers at .*:1 of MLFLOW_S3_ENDPOINT_URL",
    "store name": r"reach the S3 store from the {viewpoint}: the name nowhere.invalid of MLFLOW_S3_ENDPOINT_URL",
    "store as mlflow": r"use MLflow from the {viewpoint}: MLFLOW_TRACKING_URI=.* answers \d+",
    "access key": r"use bucket .* from the {viewpoint} .*: it does not know the access key",
    "secret key": r"use bucket .* from the {viewpoint} .*: the secret key is wrong",
    "bucket": r"use bucket no-such-bucket from the {viewpoint} .*: the key may not write and read there",
    "bucket of all keys": r"use bucket no-such-bucket from the {viewpoint} .*: the bucket does not exist",
    "mlflow TLS": r"use MLflow from the {viewpoint}: MLFLOW_TRACKING_URI=https://.* http or https as it speaks",
    "store TLS": r"use bucket .* from the {viewpoint} .*: TLS does not fit",
    "mlflow host": r"answers 403, it does not accept this Host header. Add {unknown} to mlflow_allowed_hosts",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_hop_that_fails_is_one_line_and_the_script_is_not_started(
    world: World, launch: Launch, engine: engines.Engine, temporary: Path, how: str
) -> None:
    with links.link(links.tcp(world.mlflow.url("host")), addresses.of_this_machine(world)) as unknown:
        started = time.monotonic()
        ended = launch(on=broken(world, how, unknown))
        assert time.monotonic() - started < 20
    line = BROKEN[how].format(viewpoint=TARGETS[world.target].VIEWPOINT, unknown=f"{unknown.address}:{unknown.port}")
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, None)
    (only,) = ended.log.decode().splitlines()
    assert only.startswith("samerun: Failed to ")
    assert_matches(line, only)
    assert_matches(line, f"{ended.record.reason} {ended.record.hint}")
    assert ended.record.hint
    if how.endswith(" name"):  # one at a host of ours may be meant to be ours
        assert "Ask who runs it, or name another: " in ended.record.hint
    assert [value for value in keys(world) if value in only] == []
    assert_nothing_left(world, engine, ended.record.launch, temporary)


def loud() -> bytes:
    """What LOUD writes."""
    return subprocess.run([sys.executable, "-c", LOUD], stdout=subprocess.PIPE, check=True).stdout


def without_seconds(log: bytes) -> tuple[bytes, float]:
    """What LOUD wrote, and the seconds that its lines took by its last one."""
    lines, _, seconds = log.rpartition(b"seconds ")
    return lines, float(seconds)


def keys(world: World) -> tuple[str, str]:
    given = world.given_credentials
    assert given is not None
    return given.values


def assert_matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text), text


def probe_module() -> Any:
    """The probe as a module: it looks at a tree here as it does there."""
    spec = importlib.util.spec_from_file_location("probe", difficult.PROBE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
