# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of the S3 store."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import ROLES_ONLY, Role, Setting

_YOURS = (
    Setting(
        "object_store_endpoint", "str", "",
        "The URL of an S3 store that is not ours, such as `https://ACCOUNT.r2.cloudflarestorage.com`. Nothing is set "
        "up then.", option=ROLES_ONLY,
    ),
)  # fmt: skip

_BUCKET = (
    Setting(
        "object_store_bucket", "str", "mlflow-artifacts",
        "The bucket of the artifacts; made if the store is ours.",
    ),
    Setting(
        "object_store_data_buckets", "list", [],
        "Buckets beside it that runs may use too, such as those of data sets; they are not made.",
        option=ROLES_ONLY, elements="str",
    ),
    Setting(
        "object_store_region", "str", "us-east-1",
        "The region that requests are signed for; `auto` for Cloudflare R2.",
    ),
    Setting(
        "object_store_access_key", "str", "",
        "The access key. Empty: the one that the world keeps, generated where it has none.", no_log=True,
    ),
    Setting(
        "object_store_secret_key", "str", "",
        "The secret key that belongs to it. Empty, as the access key then must be: the one that the world keeps.",
        no_log=True,
    ),
)  # fmt: skip

_WHERE = (
    Setting(
        "object_store_image", "str", "", "The image. Empty: the one in the store's data file.", option=ROLES_ONLY,
    ),
    Setting(
        "object_store_name", "str", "minio", "The name of container, or of Deployment and Service.",
        option=ROLES_ONLY,
    ),
    Setting("object_store_namespace", "str", "storage", "Its namespace.", option=ROLES_ONLY),
)  # fmt: skip

_PORTS = (
    Setting("object_store_port", "int", 9000, "The port of S3.", option=ROLES_ONLY),
    Setting("object_store_console_port", "int", 9001, "The port of its console, as MinIO has one.", option=ROLES_ONLY),
    Setting(
        "object_store_node_port", "int", 30900, "The NodePort by which this host reaches S3 in a cluster. 0: none.",
        option=ROLES_ONLY,
    ),
)  # fmt: skip

_DATA = (
    Setting(
        "object_store_data", "str", "{{ object_store_name }}-data",
        "Where its data is kept: a volume, a claim, or a folder (with a slash in it).", option=ROLES_ONLY,
    ),
    Setting("object_store_data_size", "str", "10Gi", "The size of the claim.", option=ROLES_ONLY),
    Setting(
        "object_store_data_class", "str", "", "The storage class of the claim. Empty: the cluster's default.",
        option=ROLES_ONLY,
    ),
    Setting(
        "object_store_resources", "dict", {},
        "Limits of container or pod: `cpu` and `memory`, such as `{cpu: 500m, memory: 1Gi}`. The process target "
        "takes none.",
        option=ROLES_ONLY,
    ),
)  # fmt: skip

ROLE = Role(
    name="object_store",
    prefix="object_store_",
    option="world.object_store",
    about="What is said of the S3 store alone.",
    sections={
        "A store that you have": _YOURS,
        "Bucket and keys": _BUCKET,
        "Which store, and where": _WHERE,
        "Ports": _PORTS,
        "Data": _DATA,
    },
)
