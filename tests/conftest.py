"""Fixtures for all tests, and the rules for which tests may run side by side."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that would run tests side by side which must not."""
    if config.getoption("numprocesses", None) and config.getoption("dist") != "loadgroup":
        raise pytest.UsageError("Several processes share engines: add --dist loadgroup, as make test does.")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with its target, even if it names the world itself, and with its group for pytest-xdist.

    Tests of one group do not run side by side. One worker runs the cluster's tests, another those of the Docker engine.
    So each world is set up once; both workers mostly wait. Unit tests, and tests of process worlds that need neither an
    engine nor default ports, go to any free worker.
    """
    target = item.callspec.params.get("real") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ""
    if target and not item.get_closest_marker(target):
        item.add_marker(target)
    if ROOT / "tests" / "unit" not in item.path.parents:
        item.add_marker(pytest.mark.xdist_group(_group(item, target)))


def _group(item: pytest.Item, target: str) -> str:
    if item.get_closest_marker("kubernetes"):
        return "cluster"
    return "processes" if target == "process" else "machine"


@pytest.fixture(scope="session", autouse=True)
def signals_of_a_terminal() -> Iterator[None]:
    """Have signals do here what they do in a program on a terminal: `&` in a script and nohup hand down ignored ones.

    SIGINT raises KeyboardInterrupt. The others go on to be ignored here, by a handler that does nothing: a handler is
    not handed down, so that what tests start does not ignore them.
    """
    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGINT: signal.default_int_handler}
    handlers |= dict.fromkeys((signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM), lambda _number, _frame: None)
    ignored = [number for number in handlers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, handlers[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def sources(root: Path) -> list[str]:
    """Return the repository's files that git knows or would add: paths relative to its folder, with `/`."""
    if not shutil.which("git") or not (root / ".git").exists():
        pytest.skip("needs git and a clone: only git knows which files belong to the repository")
    listed = subprocess.run(
        # The clone may belong to another user, for example in a container; git would refuse to read it.
        ["git", "-c", f"safe.directory={root}", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    # git lists a deleted file until the deletion is committed.
    return sorted({name for name in listed.stdout.split("\0") if name and (root / name).exists()})
