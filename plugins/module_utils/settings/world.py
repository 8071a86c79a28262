# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a world that all its roles share."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import ROLES_ONLY, Role, Setting

_VARIABLES = (
    Setting(
        "samerun_world", "str", "{{ inventory_hostname }}",
        "The name of the world. It is in the labels of its objects and in the path of its state folder.",
        option="world.name",
    ),
    Setting(
        "samerun_target", "str", "process", "Where its services run: `process`, `docker` or `kubernetes`.",
        choices=("process", "docker", "kubernetes"),
    ),
    Setting(
        "samerun_store", "str", "minio",
        "The S3 store: `minio`, `seaweedfs`, or `external` for a store of your own, whose URL is "
        "`object_store_endpoint`. `roles/object_store/vars/main` has a data file for each.",
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
        "The registry to which images that are built here are pushed, such as `registry.example.com/team`. Kubernetes "
        "needs it, or images that exist already: `mlflow_image` and `training_image`.",
    ),
)  # fmt: skip

_KUBERNETES = (
    Setting("samerun_kubeconfig", "str", "", "The kubeconfig. Empty: the one that kubectl would use."),
    Setting(
        "samerun_context", "str", "", "The context of the kubeconfig. Empty: the current one, but only if its cluster "
        "seems to be local.",
    ),
    Setting(
        "samerun_node_address", "str", "",
        "The address at which this host reaches NodePorts. Empty: the host of the API server, which is right for "
        "clusters on this machine.",
    ),
    Setting(
        "samerun_port_forward", "bool", False,
        "Whether this host reaches the services through a port-forward instead of NodePorts, at `mlflow_port` and "
        "`object_store_port` of its loopback. Clusters that do not publish NodePorts need it, such as kind by default.",
    ),
    Setting("samerun_pull_secrets", "list", [], "Names of Secrets with the login for pulling images.", elements="str"),
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
    about="The world: the services of one inventory, and the launches there.",
    sections={
        "Variables": _VARIABLES,
        "Docker": _DOCKER,
        "Kubernetes": _KUBERNETES,
        "Teardown": _TEARDOWN,
    },
)
