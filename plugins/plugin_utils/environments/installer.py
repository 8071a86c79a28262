# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs packages into a Python environment: with uv, or with pip if uv cannot follow the user's pip settings.

Three places use it: the venvs of this host, image builds (as an archive, see `installer_archive`), and the Makefile,
before anything but Python is installed. So it uses only the standard library and runs on Python 3.8.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import pip_settings
from ansible_collections.samerun.stack.plugins.plugin_utils.environments.pip_settings import NotForUv

REQUIREMENT = "uv>=0.11"
# The first words of the lines that report the result.
BY_PIP, DONE = "Installing with pip, not with uv", "Installed"
TOLD = (BY_PIP, DONE)
_REQUIREMENTS = "--requirement"
_PROGRESS = ("Collecting", "Downloading", "Installing", "Successfully")
_TAIL = 4
_GRACE_SECONDS = 5
_STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# Errors of uv about the packages themselves: pip would fail too. If uv adds a hint, the cause may be uv itself, such as
# its rules for pre-releases, or a missing login.
_VERDICTS = ("No solution found", "Hash mismatch", "Hash-checking is required")
_HINT = re.compile(r"^\W*hint:", re.MULTILINE)
_ERROR = re.compile("^\\W*(error:|\u00d7)")  # older releases of uv print a tree that begins with a cross
_CAUSE = re.compile("[:\\s]*(\\bcause:|[\u2570\u251c]\u2500\u25b6)")


class Failed(Exception):  # noqa: N818 - the message of its caller begins with "Failed to"
    """The installation failed; the text is the error of uv or pip."""


def own_uv() -> str:
    """Return the path of uv if this interpreter has the package uv; else an empty string."""
    try:
        return str(importlib.import_module("uv").find_uv_bin())
    except (ImportError, AttributeError, FileNotFoundError):
        return ""


def install(
    python: str, arguments: Sequence[str], environ: Mapping[str, str], say: Callable[[str], None], uv: str,
    *options: str,
) -> None:  # fmt: skip
    """Install the packages in `arguments` (those of `pip install`) into the environment of the interpreter `python`.

    Args:
        uv: the path of uv, or empty.
        options: more options, for uv only.

    Raises:
        Failed: packages are missing or conflict, or no index answers.
    """
    started = time.monotonic()
    try:
        count = _by_uv(python, arguments, environ, say, uv, options)
    except NotForUv as reason:
        say(f"{BY_PIP}: {reason}")
        _by_pip(python, arguments, environ, say)
    else:
        say(f"{DONE} {count} package{'' if count == '1' else 's'} in {time.monotonic() - started:.1f} s")


def _by_uv(
    python: str, arguments: Sequence[str], environ: Mapping[str, str], say: Callable[[str], None], uv: str,
    options: Sequence[str],
) -> str:  # fmt: skip
    """Install with uv; return how many packages were installed."""
    if not uv:
        raise NotForUv("the package uv is not installed")
    told = pip_settings.told(pip_settings.listed(python, environ), environ)
    folder = None
    if arguments[0] == _REQUIREMENTS:
        pip_settings.heed_file(told, Path(arguments[1]))
        # Not in the current folder: a uv.toml or pyproject.toml there belongs to another project.
        folder = str(Path(arguments[1]).parent)
    kept = {name: value for name, value in environ.items() if name not in ("UV_SYSTEM_PYTHON", "UV_TARGET")}
    environment = {**kept, **told.environment, "UV_NO_WRAP": "1", "UV_PYTHON_DOWNLOADS": "never"}
    argv = [uv, "pip", "install", "--no-progress", "--python", python, *options, *told.arguments, *arguments]
    lines = []
    count = "0"
    with _running(argv, environment, folder) as process:
        for line in _lines(process):
            lines.append(line)
            if line.startswith("Resolved"):
                say(line)
            if line.startswith(DONE):
                count = line.split()[1]
    if -process.returncode in _STOPPING:
        raise Failed(f"uv was stopped by {signal.Signals(-process.returncode).name}")
    if process.returncode:
        _explain("\n".join(lines))
    return count


def _explain(output: str) -> None:
    """Raise the exception that fits the output of a failed uv."""
    lines = output.splitlines()
    first = next((number for number, line in enumerate(lines) if _ERROR.match(line)), 0)
    causes = _CAUSE.sub(": ", " ".join(line.strip() for line in lines[first:]))
    words = " ".join(_ERROR.sub("", causes).split())[:1000]
    if any(verdict in words for verdict in _VERDICTS) and not _HINT.search(output):
        raise Failed(words.rstrip("."))
    raise NotForUv(f"it failed: {words}")


def _by_pip(python: str, arguments: Sequence[str], environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    environment = {**environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = [python, "-m", "pip", "install"]
    # An old pip cannot read the metadata of newer packages, so update pip first. If that fails, try with the old pip.
    subprocess.run(
        [*pip, "--quiet", "--upgrade", "pip"], env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    last: list[str] = []
    with _running([*pip, "--progress-bar=off", *arguments], environment, None) as process:
        for line in _lines(process):
            last = [*last[1 - _TAIL :], line.strip()]
            if line.startswith(_PROGRESS):
                say(brief(line))
    if process.returncode:
        raise Failed(" | ".join(line for line in last if line))


def brief(line: str) -> str:
    """Shorten a line of pip's output. Only package names are kept, as an index URL may hold a password."""
    words = line.split()
    if words[0] == "Downloading":
        return " ".join(["Downloading", words[1].rsplit("/", 1)[-1], *words[2:]])
    if words[0] == "Collecting":
        return f"Collecting {words[1]}"
    return f"{words[0]} {len(words) - 1} packages" if len(words) > 3 else line.strip()


@contextlib.contextmanager
def _running(
    argv: Sequence[str], environment: Mapping[str, str], folder: str | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start uv or pip; end it when the block is left early, such as by Ctrl+C."""
    with subprocess.Popen(
        argv, env=dict(environment), cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield process
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End uv or pip so that it can remove its temporary files; kill it if it does not end."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    for line in process.stdout:
        yield line.decode(errors="replace").rstrip()


@contextlib.contextmanager
def _fetched_uv(python: str) -> Iterator[str]:
    """Fetch uv with pip into a temporary folder; yield the path of uv, or an empty string if that fails."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--target", folder, REQUIREMENT]
        fetched = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        program = Path(folder, "bin", "uv")
        yield str(program) if fetched.returncode == 0 and program.exists() else ""


def main(argv: Sequence[str]) -> int:
    """Install into the environment of the interpreter that runs this file.

    With `--image` as the first argument, the packages are compiled, and nothing else stays. A container with a
    read-only root, or with another user, could not save byte code itself.
    """
    for_image = argv[0] == "--image"
    try:
        if for_image:
            environ = {**os.environ, "PIP_NO_CACHE_DIR": "1"}
            with _fetched_uv(sys.executable) as uv:
                install(sys.executable, argv[1:], environ, _print, uv, "--compile-bytecode")
        else:
            install(sys.executable, argv, os.environ, _print, own_uv())
    except Failed as failed:
        _print(f"ERROR: {failed}")
        return 1
    return 0


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
