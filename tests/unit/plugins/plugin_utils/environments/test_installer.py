from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer
from ansible_collections.samerun.stack.plugins.plugin_utils.environments.pip_settings import NotForUv

TREE = """\
  \u00d7 No solution found when resolving dependencies:
  \u2570\u2500\u25b6 Because a was not found and you require a, we
      can conclude that your requirements are unsatisfiable.
"""
PLAIN = """\
warning: something
error: No solution found when resolving dependencies
  cause: Because a was not found and you require a, we can conclude that your requirements are unsatisfiable.
"""


@pytest.mark.parametrize("output", [TREE, PLAIN])
def test_what_uv_says_of_packages_is_one_line(output: str) -> None:
    with pytest.raises(installer.Failed) as failed:
        installer._explain(output)
    assert str(failed.value).startswith("No solution found when resolving dependencies: Because a was not found and ")
    assert str(failed.value).endswith("can conclude that your requirements are unsatisfiable")


@pytest.mark.parametrize(
    "output",
    [
        f"{PLAIN}\nhint: Pre-releases are available for `a`",
        "error: Failed to fetch: http://index.example/simple/a/\n  cause: Connection refused",
        "thread 'main' panicked",
    ],
)
def test_what_may_be_about_uv_is_left_to_pip(output: str) -> None:
    with pytest.raises(NotForUv, match=r"^it failed: "):
        installer._explain(output)


@pytest.mark.parametrize(
    "line, brief",
    [
        ("Downloading https://user:canary@index.example/a-1.whl (12 kB)", "Downloading a-1.whl (12 kB)"),
        ("Collecting a==1 (from -r https://user:canary@x)", "Collecting a==1"),
        ("Successfully installed a-1 b-2 c-3", "Successfully 4 packages"),
    ],
)
def test_what_pip_says_is_short_and_without_an_index(line: str, brief: str) -> None:
    assert installer.brief(line) == brief


@pytest.mark.parametrize("heeds", [True, False])
def test_a_program_that_nobody_waits_for_any_more_removes_its_files_or_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heeds: bool
) -> None:
    monkeypatch.setattr(installer, "_GRACE_SECONDS", 30 if heeds else 0.1)
    (tmp_path / "file").touch()
    handler = "signal.default_int_handler" if heeds else "signal.SIG_IGN"
    text = (
        f"import os, signal, time\nsignal.signal(signal.SIGINT, {handler})\n"
        "try:\n    print('Collecting x', flush=True)\n    time.sleep(60)\nfinally: os.remove('file')\n"
    )
    monkeypatch.chdir(tmp_path)

    def interrupted() -> None:
        with installer._running([sys.executable, "-c", text], os.environ, None) as process:
            next(installer._lines(process))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "file").exists() != heeds
