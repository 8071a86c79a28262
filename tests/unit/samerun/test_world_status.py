"""Lines of `samerun env` mean to a shell exactly what the contract says."""

from __future__ import annotations

import socket
import subprocess

import pytest

from samerun import world_status


@pytest.mark.parametrize("value", ["plain", "it's", "a b", "$HOME `id` $(id) \\", '"', "a\nb", "*", ""])
def test_a_shell_reads_an_export_line_exactly(value: str) -> None:
    line = world_status._export("NAME", value)
    assert line.startswith("export NAME='")
    printed = subprocess.run(["sh", "-c", f'{line}\nprintf %s "$NAME"'], capture_output=True, text=True, check=True)
    assert printed.stdout == value


def test_a_service_answers_where_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert world_status._answers(f"http://127.0.0.1:{port}")
    assert not world_status._answers(f"http://127.0.0.1:{port}")
