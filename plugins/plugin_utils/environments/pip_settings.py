# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pip was told, translated into what uv is told.

uv reads neither `PIP_*` nor pip's configuration files. `pip config list` knows both; see
https://docs.astral.sh/uv/pip/compatibility/ for where the two differ.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Those of `pip install`, the weakest first.
_SECTIONS = ("global", "install", ":env:")
# They change what is shown or where pip caches, not what is installed into a new environment.
_WITHOUT_EFFECT = (
    "cache-dir", "config-file", "disable-pip-version-check", "exists-action", "force-reinstall", "no-color",
    "no-compile", "no-input", "no-python-version-warning", "no-warn-conflicts", "no-warn-script-location",
    "progress-bar", "quiet", "require-virtualenv", "root-user-action", "upgrade", "upgrade-strategy", "verbose",
)  # fmt: skip
# Addresses and files, and what uv splits several by. They go by environment, as an address may hold a password.
_PLACES = {
    "build-constraint": ("UV_BUILD_CONSTRAINT", " "),
    "cert": ("SSL_CERT_FILE", None),
    "client-cert": ("SSL_CLIENT_CERT", None),
    "constraint": ("UV_CONSTRAINT", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "index-url": ("UV_DEFAULT_INDEX", None),
}
_VALUES = {
    "default-timeout": ("UV_HTTP_TIMEOUT",),
    "proxy": ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
    "retries": ("UV_HTTP_RETRIES",),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "trusted-host": ("UV_INSECURE_HOST",),
}
_SWITCHES = {
    "no-build-isolation": "--no-build-isolation",
    "no-cache-dir": "--no-cache",
    "no-deps": "--no-deps",
    "no-index": "--no-index",
    "pre": "--prerelease=allow",
    "require-hashes": "--require-hashes",
}
_LISTS = {"no-binary": "--no-binary", "only-binary": "--only-binary"}
# What uv understands in a requirements file; of the rest it ignores some.
_IN_FILES = re.compile(
    r"-[cefir]|--(hash|requirement|constraint|editable|(extra-)?index-url|find-links|no-index|no-binary|only-binary"
    r"|require-hashes)\b"
)
_INDEX_IN_FILE = re.compile(r"^\s*(-i|--index-url)\b", re.MULTILINE)


class NotForUv(Exception):  # noqa: N818 - a reason, not an error
    """Why uv would not do what pip does."""


@dataclass
class Told:
    """What uv is told: by its environment, and by arguments that hold no secret."""

    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)


def listed(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """pip's settings for `pip install` by the pip of the interpreter `python`.

    Raises:
        NotForUv: pip cannot read them.
    """
    argv = [python, "-m", "pip", "config", "list"]
    asked = subprocess.run(argv, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if asked.returncode:
        raise NotForUv("pip cannot list its settings")
    lines = asked.stdout.decode(errors="replace").splitlines()
    found = {}
    for section in _SECTIONS:
        for name, _equals, value in (line.partition("=") for line in lines):
            if name.startswith(f"{section}."):
                found[name[len(section) + 1 :]] = str(ast.literal_eval(value))
    # An empty one counts as none with pip.
    return {name: value for name, value in found.items() if value}


def told(settings: Mapping[str, str], environ: Mapping[str, str]) -> Told:
    """What uv is told where pip has these `settings`; relative paths start from the current folder.

    Raises:
        NotForUv: uv has nothing like one of them.
    """
    # pip takes the best version of all indexes; uv alone would take the first index that knows the name.
    uv = Told({"UV_INDEX_STRATEGY": "unsafe-best-match"})
    for name, value in settings.items():
        if name in _PLACES:
            variable, separator = _PLACES[name]
            places = [_place(one) for one in (value.split() if separator else [value])]
            # pip passes over a folder that is not there, uv stops at it.
            there = [place for place in places if name != "find-links" or _is_there(place)]
            uv.environment[variable] = (separator or "").join(there)
        elif name in _VALUES:
            uv.environment.update({variable: " ".join(value.split()) for variable in _VALUES[name]})
        elif name in _LISTS:
            uv.arguments += [f"{_LISTS[name]}={one}" for one in value.replace(",", " ").split()]
        elif name in _SWITCHES:
            # pip takes any value of this one for yes.
            uv.arguments += [_SWITCHES[name]] if _is_yes(value) or name == "no-cache-dir" else []
        elif name not in _WITHOUT_EFFECT and not (name == "keyring-provider" and value == "disabled"):
            raise NotForUv(f"uv has nothing like pip's setting {name}")
    _certificates(uv, environ)
    return uv


def heed_file(uv: Told, path: Path) -> None:
    """Add to `uv` what the requirements file `path` says to pip.

    Raises:
        NotForUv: it has an option that uv would ignore.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        words = line.split()
        if words and words[0].startswith("-") and not _IN_FILES.match(words[0]):
            raise NotForUv(f"uv does not read the option {words[0].partition('=')[0]} of a requirements file")
        if len(words) == 2 and words[0] in ("-r", "--requirement") and (path.parent / words[1]).is_file():
            heed_file(uv, path.parent / words[1])
    if _INDEX_IN_FILE.search(text):
        uv.environment.pop("UV_DEFAULT_INDEX", None)  # which uv would prefer, and pip does not
    if "--hash=" in text and "--require-hashes" not in uv.arguments:
        uv.arguments.append("--require-hashes")  # one hash makes pip ask for all


def _certificates(uv: Told, environ: Mapping[str, str]) -> None:
    """Trust whom pip trusts where it was given no certificate: what requests was given, or what the system trusts."""
    named = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or environ.get("SSL_CERT_FILE")
    if named:
        uv.environment.setdefault("SSL_CERT_FILE", named)
    if "SSL_CERT_FILE" not in uv.environment:
        uv.environment["UV_SYSTEM_CERTS"] = "true"


def _place(value: str) -> str:
    return value if "://" in value else os.path.abspath(os.path.expanduser(value))


def _is_there(place: str) -> bool:
    url = urllib.parse.urlsplit(place)
    if url.scheme == "file":
        return os.path.exists(urllib.parse.unquote(url.path))
    return "://" in place or os.path.exists(place)


def _is_yes(value: str) -> bool:
    return value.lower() in ("1", "on", "t", "true", "y", "yes")
