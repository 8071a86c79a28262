from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import supervisor as engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process.supervisor import Supervisor, program

DIFFICULT = 'a "quoted" \\ 100% value, with $HOME and %(ENV_HOME)s'


def section(text: str) -> configparser.SectionProxy:
    """The program as supervisord reads it: ini, with its own expansion of percent signs afterwards."""
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser["program:store"]


def test_a_program_is_what_its_file_says(tmp_path: Path) -> None:
    found = section(program("store", ["/bin/x", "-a"], {"B": "2", "A": "1"}, tmp_path, tmp_path / "log"))
    assert found["command"] == '"/bin/x" "-a"'
    assert found["environment"] == 'A="1",B="2"'
    assert found["directory"] == str(tmp_path)
    assert found["stdout_logfile"] == str(tmp_path / "log")
    assert found["autorestart"] == "true"
    assert found["stopasgroup"] == found["killasgroup"] == "true"


def test_what_supervisord_would_expand_is_quoted(tmp_path: Path) -> None:
    found = section(program("store", [DIFFICULT], {"A": DIFFICULT}, tmp_path, tmp_path))
    quoted = DIFFICULT.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    assert found["command"] == f'"{quoted}"'
    assert found["environment"] == f'A="{quoted}"'


def test_a_socket_has_a_path_that_binds_however_long_the_folder_is(tmp_path: Path) -> None:
    short, long = Supervisor(Path("/s")), Supervisor(tmp_path / ("x" * 120))
    assert short.socket == Path("/s/supervisor.sock")
    assert len(str(long.socket)) <= 90
    assert long.socket != Supervisor(tmp_path / ("y" * 120)).socket


def test_where_none_runs_nothing_is_said_to_run(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    assert supervisor.answers() is False
    assert supervisor.state("store") == ""
    assert supervisor.shutdown() is False
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mlflow", "store"])
def test_a_program_has_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    assert Supervisor(tmp_path).program_path(name) == tmp_path / f"{name}.conf.d"


def test_one_whose_folder_was_removed_is_ended_and_no_other(tmp_path: Path) -> None:
    waits = [sys.executable, "-c", "import time; time.sleep(60)", "-c"]
    with subprocess.Popen([*waits, f"{tmp_path}/a.conf"]) as stray, subprocess.Popen([*waits, "b.conf"]) as other:
        engine._end_those_of(tmp_path / "a.conf")
        ended = stray.poll() is not None, other.poll() is not None
        stray.kill()
        other.kill()
    assert ended == (True, False)
