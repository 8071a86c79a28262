# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a world that all its roles share."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import ROLES_ONLY, Role, Setting

_VARIABLES = (
    Setting(
        "samerun_world", "str", "{{ inventory_hostname }}",
        "What the world is called: labels of its objects and its state folder carry it.", option="world.name",
    ),
    Setting(
        "samerun_target", "str", "process", "Where its services run: `process`, `docker` or `kubernetes`.",
        choices=("process", "docker", "kubernetes"),
    ),
    Setting(
        "samerun_store", "str", "minio",
        "What speaks S3: `minio`, `seaweedfs`, or `external` for one that is not ours, which `object_store_endpoint` "
        "must name. One data file for each in `roles/object_store/vars/main`.",
        # Its choices are the data files in roles/object_store/vars/main.
        option=ROLES_ONLY,
    ),
    Setting(
        "samerun_state_dir", "str", "",
        "The folder of its state on this host. Empty: `<the user's state folder>/samerun/<samerun_world>`.",
    ),
    Setting("samerun_bind", "str", "127.0.0.1", "The address of this host that its services listen on."),
)  # fmt: skip

_DOCKER = (
    Setting(
        "samerun_docker_host", "str", "",
        "The Docker engine, such as `ssh://me@host` (`samerun_bind` must then be an address of that host). Empty: "
        "the one that the `docker` command would use, by `DOCKER_HOST` or its context.",
    ),
    Setting("samerun_network", "str", "samerun", "The Docker network of its services and trainings."),
    Setting(
        "samerun_registry", "str", "",
        "Where images that are built here are pushed to, such as `registry.example.com/team`. Kubernetes needs it, or "
        "ready images: `mlflow_image` and `training_image`.",
    ),
)  # fmt: skip

_KUBERNETES = (
    Setting("samerun_kubeconfig", "str", "", "The kubeconfig. Empty: what kubectl would use."),
    Setting(
        "samerun_context", "str", "", "The context of the kubeconfig. Empty: the current one, and only if it looks "
        "local.",
    ),
    Setting(
        "samerun_node_address", "str", "",
        "Where this host reaches NodePorts. Empty: the host of the API server, which is right for clusters on this "
        "machine.",
    ),
    Setting(
        "samerun_port_forward", "bool", False,
        "Whether this host reaches the services by a kept port-forward instead, on `mlflow_port` and "
        "`object_store_port` of its loopback: for clusters that publish no NodePorts, as kind does unless told to.",
    ),
    Setting("samerun_pull_secrets", "list", [], "Names of Secrets for pulling images.", elements="str"),
)  # fmt: skip

_TEARDOWN = (
    Setting(
        "samerun_purge", "bool", False, "Whether the teardown removes data, keys and records too.", option=ROLES_ONLY,
    ),
)  # fmt: skip

ROLE = Role(
    name="world",
    prefix="samerun_",
    option="world",
    about="The world, one inventory's services and what trains there.",
    sections={
        "Variables": _VARIABLES,
        "Docker": _DOCKER,
        "Kubernetes": _KUBERNETES,
        "Teardown": _TEARDOWN,
    },
)
