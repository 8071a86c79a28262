# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remembers which modules import in an environment, so that an unchanged launch does not try them again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import Environment
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources.checks import Sources
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import versions

_MLFLOW = ("mlflow", "mlflow-skinny")
_SHARES = re.compile(r"^include-system-site-packages\s*=\s*true", re.MULTILINE | re.IGNORECASE)
_LINE = re.compile(r"^([^#\s][^#]*?)\s*(?:#.*|--hash.*|\\)?$")


def wanted(world: World, environment: Environment, sources: Sources) -> dict[str, Any]:
    """Return the imports that the shim must try in `environment`: those that were not tried there before."""
    known = _known(world, environment)
    tried = set(known.get("names", ()))
    new = [name for name in sources.imports if name not in tried]
    found: dict[str, Any] = {"names": new, "where": environment.image or environment.python}
    if new:
        found["hints"] = {first: hint for first, hint in sources.hints.items() if _needs(new, first)}
        found |= {"lenient": sources.lenient, "stirs": sources.stirs}
    if sources.unread:
        found["sources"] = list(sources.unread)
    if sources.log_model:
        found["log_model"] = sources.log_model
    return {**found, **({"mlflow": known["mlflow"]} if "mlflow" in known else {"ask": True})}


def expect(world: World, launch: str, environment: Environment, sources: Sources) -> None:
    """Note the imports that the launch tries in `environment`, for `settle`; write nothing if none is new."""
    path, known = _path(world, environment), _known(world, environment)
    if path is not None and not ("mlflow" in known and set(sources.imports) <= set(known["names"])):
        found = {"path": str(path), "digest": environment.digest, "names": list(sources.imports)}
        files.write_json(world.folder(launch).imports, found)


def settle(world: World, launch: str, report: Mapping[str, Any]) -> None:
    """Remember the names that a launch imported: the report says so, or the script that uses them succeeded."""
    pending = files.read_json(world.folder(launch).imports)
    world.folder(launch).imports.unlink(missing_ok=True)
    told = report.get("imports", {})
    if not pending or not (told.get("imported") or report.get("exit_code") == 0):
        return
    path = Path(pending["path"])
    known = files.read_json(path)
    known = known if known.get("digest") == pending["digest"] else {}
    names = sorted({*known.get("names", ()), *pending["names"]})
    version = told.get("mlflow") or known.get("mlflow", "")
    files.write_json(path, {"digest": pending["digest"], "names": names, "mlflow": version})


def refuse_model(world: World, environment: Environment, sources: Sources, requirements: str) -> None:
    """Raise a SamerunError if the script logs a model that the environment's MLflow certainly refuses.

    Args:
        requirements: the requirements that the environment is made from; empty if the user named an environment.
    """
    if not sources.log_model:
        return
    version = _known(world, environment).get("mlflow", "") or certain_version(requirements)
    if problem := versions.example_problem(sources.log_model, version):
        raise SamerunError(problem.message, problem.hint, DATA)


def certain_version(requirements: str) -> str:
    """Return the oldest MLflow version that `requirements` admit; empty if they do not limit it."""
    # Imported late: an unchanged launch knows the version already.
    from packaging.requirements import InvalidRequirement, Requirement

    for line in requirements.splitlines():
        try:
            requirement = Requirement(match[1] if (match := _LINE.match(line)) else "")
        except InvalidRequirement:
            continue
        if requirement.name.lower().replace("_", "-") in _MLFLOW and requirement.specifier:
            return _least(requirement.specifier)
    return ""


def _least(specifier: Any) -> str:
    named = [one.version.removesuffix(".*") for one in specifier]
    releases = [f"{major}.{minor}.0" for major in range(1, 5) for minor in range(41)]
    admitted = [version for version in [*named, *releases] if specifier.contains(version, prereleases=True)]
    return min(admitted, key=versions.parsed, default="")


def _needs(names: list[str], first: str) -> bool:
    return any(name.partition(":")[0].partition(".")[0] == first for name in names)


def _known(world: World, environment: Environment) -> dict[str, Any]:
    path = _path(world, environment)
    known = files.read_json(path) if path else {}
    # The image may have been rebuilt under the same name.
    moved = environment.digest and known.get("digest") != environment.digest
    return {} if moved else known


def _path(world: World, environment: Environment) -> Path | None:
    """Return the file of this environment; None for an environment that can change unnoticed."""
    identity = _image(environment) if environment.image else _interpreter(Path(environment.python))
    if not identity:
        return None
    key = hashlib.sha256(f"{identity}\0{environment.python}".encode()).hexdigest()[:24]
    return world.cache / "imports" / f"{key}.json"


def _image(environment: Environment) -> str:
    """Return the image's name; empty if the name may move to another image and no digest would show that."""
    name = environment.image.rpartition("/")[2]
    moves = "@" not in name and name.partition(":")[2] in ("", "latest")
    return "" if moves and not environment.digest else environment.image


def _interpreter(python: Path) -> str:
    """Identify a venv or conda environment by its path and the times of its last installations and removals."""
    prefix = python.parent.parent
    config = prefix / "pyvenv.cfg"
    if config.is_file():
        if _SHARES.search(config.read_text(errors="replace")):
            return ""
    elif not (prefix / "conda-meta").is_dir():
        return ""
    places = sorted(prefix.glob("lib*/python*/site-packages"))
    return "\0".join(f"{place}={place.stat().st_mtime_ns}" for place in [*places, python.resolve()])
