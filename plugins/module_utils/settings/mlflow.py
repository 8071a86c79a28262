# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of MLflow."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.contract import DIRECT, MODES
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import ROLES_ONLY, Role, Setting

_YOURS = (
    Setting("mlflow_endpoint", "str", "", "The URL of an MLflow server of your own. Then none is set up."),
    Setting(
        "mlflow_username", "str", "",
        "The user name for a server of your own. A server that samerun sets up needs no login.", no_log=True,
    ),
    Setting("mlflow_password", "str", "", "The password of that user.", no_log=True),
    Setting("mlflow_token", "str", "", "A token for a server of your own, instead of user and password.", no_log=True),
)  # fmt: skip

_ARTIFACTS = (
    Setting(
        "mlflow_artifact_mode", "str", DIRECT,
        "How artifacts get to the store: `direct` (the run writes them and has the keys) or `proxied` (MLflow writes "
        "them; runs have no keys).",
        choices=MODES,
    ),
)  # fmt: skip

_SERVER = (
    Setting("mlflow_version", "str", "3.17.2", "The version of the server.", option=ROLES_ONLY),
    Setting(
        "mlflow_image", "str", "", "The image. Empty: built with `files/Dockerfile` from `mlflow_base_image`.",
        option=ROLES_ONLY,
    ),
    Setting(
        "mlflow_base_image", "str", "python:3.11-slim-bookworm", "The base image of that build.", option=ROLES_ONLY,
    ),
    Setting("mlflow_name", "str", "mlflow", "The name of its container, or of its Deployment and Service."),
    Setting("mlflow_namespace", "str", "monitoring", "Its namespace."),
)  # fmt: skip

_PORTS = (
    Setting("mlflow_port", "int", 5000, "Its port."),
    Setting(
        "mlflow_node_port", "int", 30500, "The NodePort at which this host reaches it in a cluster. 0: none.",
    ),
    Setting(
        "mlflow_allowed_hosts", "list", [],
        "Host headers that it accepts in addition to those of samerun, such as `mlflow.example.com:443`.",
        option=ROLES_ONLY, elements="str",
    ),
)  # fmt: skip

_DATA = (
    Setting(
        "mlflow_data", "str", "{{ mlflow_name }}-data",
        "Where its data is kept: a volume, a claim, or a folder (a path with a slash), mounted at `/mlflow`.",
        option=ROLES_ONLY,
    ),
    Setting("mlflow_data_size", "str", "5Gi", "The size of the claim.", option=ROLES_ONLY),
    Setting(
        "mlflow_data_class", "str", "",
        "The storage class of the claim. Empty: the cluster's default.", option=ROLES_ONLY,
    ),
    Setting(
        "mlflow_resources", "dict", {},
        "Limits of its container or pod: `cpu` and `memory`, such as `{cpu: 500m, memory: 1Gi}`. The process target "
        "has no limits.",
        option=ROLES_ONLY,
    ),
)  # fmt: skip

ROLE = Role(
    name="mlflow",
    prefix="mlflow_",
    option="world.mlflow",
    about="Where MLflow is.",
    sections={
        "A server that you have": _YOURS,
        "Artifacts": _ARTIFACTS,
        "Server and image": _SERVER,
        "Ports and hosts": _PORTS,
        "Data": _DATA,
    },
)
