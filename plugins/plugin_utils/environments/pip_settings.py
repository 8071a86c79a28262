# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Translates the user's pip settings into settings for uv.

uv reads neither `PIP_*` nor pip's configuration files; `pip config list` shows both. For the differences see
https://docs.astral.sh/uv/pip/compatibility/.
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

# Sections that count for `pip install`; later ones override earlier ones.
_SECTIONS = ("global", "install", ":env:")
# These settings change pip's output or cache, not what is installed into a new environment.
_WITHOUT_EFFECT = (
    "cache-dir", "config-file", "disable-pip-version-check", "exists-action", "force-reinstall", "no-color",
    "no-compile", "no-input", "no-python-version-warning", "no-warn-conflicts", "no-warn-script-location",
    "progress-bar", "quiet", "require-virtualenv", "root-user-action", "upgrade", "upgrade-strategy", "verbose",
)  # fmt: skip
# Settings that hold addresses or files, with the separator of uv for several. They go into the environment, not into
# arguments, as an address may hold a password.
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
# Options that uv understands in a requirements file; it ignores some of the others without an error.
_IN_FILES = re.compile(
    r"-[cefir]|--(hash|requirement|constraint|editable|(extra-)?index-url|find-links|no-index|no-binary|only-binary"
    r"|require-hashes)\b"
)
_INDEX_IN_FILE = re.compile(r"^\s*(-i|--index-url)\b", re.MULTILINE)


class NotForUv(Exception):  # noqa: N818 - a reason, not an error
    """uv cannot do what pip would do; the text is the reason."""


@dataclass
class Told:
    """Settings for uv: environment variables, and arguments without secrets."""

    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)


def listed(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Ask the pip of the interpreter `python` for its settings of `pip install`.

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
    # pip treats an empty setting as not set.
    return {name: value for name, value in found.items() if value}


def told(settings: Mapping[str, str], environ: Mapping[str, str]) -> Told:
    """Translate pip's `settings` for uv; relative paths start from the current folder.

    Raises:
        NotForUv: uv has no equivalent of a setting.
    """
    # pip takes the best version of all indexes; the default of uv is the first index that has the name.
    uv = Told({"UV_INDEX_STRATEGY": "unsafe-best-match"})
    for name, value in settings.items():
        if name in _PLACES:
            variable, separator = _PLACES[name]
            places = [_place(one) for one in (value.split() if separator else [value])]
            # pip ignores a folder that does not exist; uv fails.
            there = [place for place in places if name != "find-links" or _is_there(place)]
            uv.environment[variable] = (separator or "").join(there)
        elif name in _VALUES:
            uv.environment.update({variable: " ".join(value.split()) for variable in _VALUES[name]})
        elif name in _LISTS:
            uv.arguments += [f"{_LISTS[name]}={one}" for one in value.replace(",", " ").split()]
        elif name in _SWITCHES:
            # pip reads any value of no-cache-dir as yes.
            uv.arguments += [_SWITCHES[name]] if _is_yes(value) or name == "no-cache-dir" else []
        elif name not in _WITHOUT_EFFECT and not (name == "keyring-provider" and value == "disabled"):
            raise NotForUv(f"uv has nothing like pip's setting {name}")
    _certificates(uv, environ)
    return uv


def heed_file(uv: Told, path: Path) -> None:
    """Add the pip options in the requirements file `path` to `uv`.

    Raises:
        NotForUv: the file has an option that uv would ignore.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        words = line.split()
        if words and words[0].startswith("-") and not _IN_FILES.match(words[0]):
            raise NotForUv(f"uv does not read the option {words[0].partition('=')[0]} of a requirements file")
        if len(words) == 2 and words[0] in ("-r", "--requirement") and (path.parent / words[1]).is_file():
            heed_file(uv, path.parent / words[1])
    if _INDEX_IN_FILE.search(text):
        uv.environment.pop("UV_DEFAULT_INDEX", None)  # uv would prefer it to the file's index; pip does not
    if "--hash=" in text and "--require-hashes" not in uv.arguments:
        uv.arguments.append("--require-hashes")  # if one requirement has a hash, pip requires hashes of all


def _certificates(uv: Told, environ: Mapping[str, str]) -> None:
    """Without a certificate setting of pip, trust what pip then trusts: the file set for requests, or the system's."""
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
