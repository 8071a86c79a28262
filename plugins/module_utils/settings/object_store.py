# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of the S3 store."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import ROLES_ONLY, Role, Setting

_YOURS = (
    Setting(
        "object_store_endpoint", "str", "",
        "The URL of an S3 store of your own, such as `https://ACCOUNT.r2.cloudflarestorage.com`. Then none is set up.",
    ),
)  # fmt: skip

_BUCKET = (
    Setting(
        "object_store_bucket", "str", "mlflow-artifacts",
        "The bucket for artifacts. It is created if samerun sets up the store.",
    ),
    Setting(
        "object_store_data_buckets", "list", [],
        "More buckets that runs may use, such as those of data sets. They are not created.",
        option=ROLES_ONLY, elements="str",
    ),
    Setting(
        "object_store_region", "str", "us-east-1",
        "The region that requests are signed for; `auto` for Cloudflare R2.",
    ),
    Setting(
        "object_store_access_key", "str", "",
        "The access key. Empty: the world's own key, which is generated once and kept.", no_log=True,
    ),
    Setting(
        "object_store_secret_key", "str", "",
        "The secret key for it. Empty: the world's own key; then `object_store_access_key` must be empty too.",
        no_log=True,
    ),
)  # fmt: skip

_WHERE = (
    Setting(
        "object_store_image", "str", "", "The image. Empty: the one in the data file of the store.", option=ROLES_ONLY,
    ),
    Setting("object_store_name", "str", "minio", "The name of its container, or of its Deployment and Service."),
    Setting("object_store_namespace", "str", "storage", "Its namespace."),
)  # fmt: skip

_PORTS = (
    Setting("object_store_port", "int", 9000, "The port of S3."),
    Setting(
        "object_store_console_port", "int", 9001, "The port of the store's console, if it has one (MinIO does).",
        option=ROLES_ONLY,
    ),
    Setting(
        "object_store_node_port", "int", 30900, "The NodePort at which this host reaches S3 in a cluster. 0: none.",
    ),
)  # fmt: skip

_DATA = (
    Setting(
        "object_store_data", "str", "{{ object_store_name }}-data",
        "Where its data is kept: a volume, a claim, or a folder (a path with a slash).", option=ROLES_ONLY,
    ),
    Setting("object_store_data_size", "str", "10Gi", "The size of the claim.", option=ROLES_ONLY),
    Setting(
        "object_store_data_class", "str", "", "The storage class of the claim. Empty: the cluster's default.",
        option=ROLES_ONLY,
    ),
    Setting(
        "object_store_resources", "dict", {},
        "Limits of its container or pod: `cpu` and `memory`, such as `{cpu: 500m, memory: 1Gi}`. The process target "
        "has no limits.",
        option=ROLES_ONLY,
    ),
)  # fmt: skip

ROLE = Role(
    name="object_store",
    prefix="object_store_",
    option="world.object_store",
    about="Where the S3 store is.",
    sections={
        "A store that you have": _YOURS,
        "Bucket and keys": _BUCKET,
        "Which store, and where": _WHERE,
        "Ports": _PORTS,
        "Data": _DATA,
    },
)
