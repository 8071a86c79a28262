# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registers the runs' S3 key, which `credentials` makes, in a store that does not read it from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, store

_SECONDS = 20


def ensure(world: World, how: str, policy: Mapping[str, Any], *, change: bool = True) -> bool:
    """Register the runs' key in the store with the rights of `policy`, unless it works already.

    Args:
        how: from the store's data file: `file` if the store reads the key itself, `minio` for MinIO's own interface.
        policy: an S3 policy document.

    Returns:
        Whether the key was registered or, without `change`, would be.
    """
    keys = credentials.require(world)
    if how != "minio" or keys.trainer is None or keys.trainer.access_key == keys.access_key:
        return False
    if _is_known(world, keys.trainer, policy):
        return False
    if change:
        # If two commands set up one world at once, the second finds the key that the first registered.
        with files.locked(lock := world.state / ".identities.lock"):
            try:
                if _is_known(world, keys.trainer, policy):
                    return False
                _make_known(world, keys, keys.trainer, policy)
            finally:
                lock.unlink(missing_ok=True)
    return True


def _is_known(world: World, trainer: Credentials, policy: Mapping[str, Any]) -> bool:
    return all(_works(world, trainer, bucket) for bucket in _buckets(policy))


def _buckets(policy: Mapping[str, Any]) -> list[str]:
    named = [resource for statement in policy["Statement"] for resource in statement["Resource"]]
    return sorted(resource.rpartition(":")[2] for resource in named if not resource.endswith("/*"))


def _works(world: World, trainer: Credentials, bucket: str) -> bool:
    """Whether the key may use a bucket. MinIO's own interface would say it too, but takes a second a call."""
    from botocore.exceptions import ClientError

    try:
        store.client(world, trainer).head_bucket(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("404", "NoSuchBucket")  # allowed; the bucket does not exist yet
    except Exception as error:  # whatever boto3 raises becomes one line
        raise store.problem(world, error) from error
    return True


def _is_absent(words: str) -> bool:
    """Whether MinIO answers that it does not know the key."""
    return "XMinioInvalidIAMCredentials" in words


def _make_known(world: World, keys: Credentials, trainer: Credentials, policy: Mapping[str, Any]) -> None:
    try:
        import urllib3
        from minio import MinioAdmin
        from minio.credentials.providers import StaticProvider
        from minio.error import MinioAdminException
    except ImportError as error:
        raise SamerunError(
            "Failed to make a key for runs: the Python package minio is missing.", "pip install minio", UNAVAILABLE
        ) from error
    parts = urlsplit(world.object_store.url("host"))
    admin = MinioAdmin(
        endpoint=parts.netloc, secure=parts.scheme == "https", credentials=StaticProvider(*keys.values),
        http_client=urllib3.PoolManager(timeout=_SECONDS, retries=2),
    )  # fmt: skip
    try:
        try:
            admin.delete_service_account(trainer.access_key)  # it may have another bucket or another owner
        except MinioAdminException as error:
            if not _is_absent(str(error)):
                raise
        admin.add_service_account(
            access_key=trainer.access_key, secret_key=trainer.secret_key, name="samerun-trainer", policy=dict(policy)
        )
    except (MinioAdminException, urllib3.exceptions.HTTPError, OSError) as error:
        raise SamerunError(
            f"Failed to make a key for runs at {world.object_store.url('host')}: {' '.join(str(error).split())[:300]}",
            "Is it MinIO, and do object_store_access_key and object_store_secret_key belong to its root user?",
            UNAVAILABLE,
        ) from error
