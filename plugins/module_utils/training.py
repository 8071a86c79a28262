# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user's options for a training: the `training_*` variables, read and checked, in one form for all targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Volume:
    """Files that the user mounts for the script.

    Attributes:
        source: an absolute path of a folder on the host, or the name of a volume (on Kubernetes: of a claim).
        path: the absolute path at which the script sees it.
    """

    source: str
    path: str
    read_only: bool = False

    @property
    def named(self) -> bool:
        return not self.source.startswith("/")


@dataclass(frozen=True)
class EnvironmentRequest:
    """The environment that the user wants for the script.

    Attributes:
        requirements: the text of the requirements file.
        python, image: an interpreter or image that the user named; then none is built.
        base_image: the base of a trainer image.
    """

    requirements: str
    python: str = ""
    image: str = ""
    base_image: str = ""


@dataclass(frozen=True)
class Scheduling:
    """Where a cluster may run a launch, in the terms of Kubernetes.

    Attributes:
        queue: the queue of Kueue.
        start_timeout: seconds to wait until a node takes the pod; 0 waits forever.
    """

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    priority_class: str = ""
    service_account: str = ""
    queue: str = ""
    start_timeout: int = 10


@dataclass(frozen=True)
class Keeping:
    """The user's options for what is kept with the MLflow runs of a launch.

    Attributes:
        outputs: patterns of files below the working folder.
        code: whether the bundle is kept.
        failures: whether a run is created for a launch that started none.
    """

    outputs: tuple[str, ...] = ()
    code: bool = False
    failures: bool = False


@dataclass(frozen=True)
class Training:
    """The user's options for a training; see the settings of the role `training`.

    Attributes:
        target: the name of the target; never empty.
        script: the script's path inside the project.
        project: the folder on this host that has the code.
        env, secret_env: the user's environment variables; the secret ones are never shown.
        resources: `cpu` in cores, `memory` and `shm` in bytes with a suffix, in Kubernetes' notation, and `gpu`.
        timeout: seconds, 0 for none.
        overlay: merged over the native request, see `overlaid` in targets/overlay.py.
        retries: how often a lost launch is started again; with `retry_failures`, a failed one too.
        delivery: how the code reaches the target: auto, bundle, mount or image.
    """

    target: str
    script: str
    args: tuple[str, ...] = ()
    project: str = ""
    name: str = ""
    environment: EnvironmentRequest = field(default_factory=lambda: EnvironmentRequest(""))
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: tuple[Volume, ...] = ()
    resources: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 0
    network: str = ""
    scheduling: Scheduling = field(default_factory=Scheduling)
    overlay: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    retry_failures: bool = False
    keeping: Keeping = field(default_factory=Keeping)
    delivery: str = "auto"

    @property
    def folder(self) -> str:
        """The project folder as an absolute path without links, as engines need it."""
        return str(Path(self.project).resolve())
