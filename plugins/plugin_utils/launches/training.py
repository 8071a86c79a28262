# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the option `training` into a `Training`, and the script's sources into facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.training import (
    EnvironmentRequest,
    Keeping,
    Scheduling,
    Training,
)
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import checks
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images


def training_of(options: Mapping[str, Any], world: World) -> Training:
    """Read the option `training` of training_run.

    Raises:
        SamerunError: a value is invalid; the message names its variable.
    """
    script = scripts.located(options["script"], options["project"])
    requirements = scripts.requirements(options["requirements"], script.project)
    return Training(
        target=options["target"] or world.target,
        script=script.relative, project=str(script.project),
        name=options["name"] or Path(script.relative).stem,
        args=scripts.arguments("training_args", options["args"]),
        environment=EnvironmentRequest(requirements, options["python"], options["image"], options["base_image"]),
        env=scripts.variables("training_env", options["env"], world.artifact_mode),
        secret_env=scripts.variables("training_secret_env", options["secret_env"], world.artifact_mode),
        volumes=tuple(scripts.volume(given) for given in options["volumes"]),
        resources={key: str(value) for key, value in options["resources"].items() if value},
        timeout=int(options["timeout"]), network=options["network"], overlay=options["overlay"],
        scheduling=Scheduling(
            node_selector=options["node_selector"], tolerations=tuple(options["tolerations"]),
            priority_class=options["priority_class"], service_account=options["service_account"],
            queue=options["queue"], start_timeout=int(options["start_timeout"]),
        ),
        retries=int(options["retries"]), retry_failures=options["retry_failures"],
        keeping=Keeping(tuple(options["outputs"]), options["keep_code"], options["record_failures"]),
        delivery=options["delivery"],
    )  # fmt: skip


def sources_of(training: Training) -> checks.Sources:
    """Scan the script and the modules beside it; raises as `checks.scan` does."""
    given = training.environment
    ours = not given.python and not given.image and given.base_image in ("", images.BASE_IMAGE)
    script = scripts.Script(Path(training.project), training.script)
    return checks.scan(script, ours=ours, travels=training.delivery != "mount")
