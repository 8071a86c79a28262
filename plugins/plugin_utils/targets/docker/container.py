# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes the container of a launch, as plain data in the form of the Docker Engine API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.training import Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.code import code_images, shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import quantities
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import log as docker_log
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.names import CANCELLED
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.instructions import MOUNT, shim_spec
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.overlay import overlaid
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.unsupported import refuse

_FOLDER = "/samerun"
_WORK = f"{_FOLDER}/work"
INSTRUCTIONS = f"{_FOLDER}/spec.json"
REPORT = f"{_FOLDER}/out/report.json"
LOG = f"{_FOLDER}/out/log.txt"
CANCELLED_NOTE = f"{_FOLDER}/out/{CANCELLED}"
_STOP_SECONDS = 45  # for `docker stop`: 30 s for the script, then time to close its MLflow runs


def container_name(launch: str) -> str:
    """The name of a launch's container."""
    return f"training-{launch}"


def described(world: World, spec: RunSpec, secrets: Mapping[str, str], viewpoint: str) -> dict[str, Any]:
    """Describe the container of a launch: its `name`, its `config` and the shim's `instructions`.

    Args:
        secrets: the secret variables, or masks in their place.
        viewpoint: the viewpoint of the run.

    Raises:
        SamerunError: `training_overlay` sets something that would break the launch.
    """
    asked, record = spec.training, spec.record()
    config: dict[str, Any] = {
        "Image": spec.environment.image,
        "Entrypoint": [spec.environment.python],
        "Cmd": [f"{_FOLDER}/{shim_archive.NAME}", INSTRUCTIONS],
        "Env": {**spec.plain, **secrets},
        "Labels": {**world.labels, LAUNCH_LABEL: spec.launch, RECORD_LABEL: record.as_json()},
        "StopTimeout": _STOP_SECONDS,
        "HostConfig": {
            "NetworkMode": asked.network or world.network,
            "LogConfig": docker_log.DRIVER,
            "Mounts": [_mount(volume) for volume in (*asked.volumes, *_project(spec))],
            **quantities.docker_limits(asked.resources),
        },
    }
    code = code_images.BUNDLE if asked.delivery == code_images.DELIVERY else f"{_FOLDER}/bundle.tar.gz"
    instructions = shim_spec(
        spec, viewpoint, work=_WORK, code=code, report=REPORT, log=LOG,
        restarts=asked.retries,
    )  # fmt: skip
    refuse({"Tty of training_overlay": asked.overlay.get("Tty")}, "a terminal would mix up its log", "Leave it out.")
    merged = overlaid(config, _mapped(asked.overlay))
    # The launch is found again by these labels.
    merged["Labels"] = {**(merged.get("Labels") or {}), **config["Labels"]}
    return {"name": container_name(spec.launch), "config": merged, "instructions": instructions}


def _mapped(overlay: Mapping[str, Any]) -> Mapping[str, Any]:
    """Turn the overlay's Env into a mapping, as in our request, if it is a list of NAME=VALUE, as in Docker's API."""
    env = overlay.get("Env")
    if not isinstance(env, list):
        return overlay
    return {**overlay, "Env": dict(entry.partition("=")[::2] for entry in env)}


def _project(spec: RunSpec) -> tuple[Volume, ...]:
    """The project as a mount if `training_delivery` is `mount`; read-only, as the container must not write into it."""
    return (Volume(spec.training.folder, _WORK, read_only=True),) if spec.training.delivery == MOUNT else ()


def _mount(volume: Volume) -> dict[str, Any]:
    kind = "volume" if volume.named else "bind"
    return {"Type": kind, "Source": volume.source, "Target": volume.path, "ReadOnly": volume.read_only}
