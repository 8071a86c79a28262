# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetches the code of a launch, and unpacks it into a new folder, where the script runs."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zlib
from typing import Any, Mapping

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes, s3
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking


class DeliveredCode:
    """The bundle of a launch: a file, or an object in the store.

    Args:
        spec: the shim's instructions, see `shim_spec`.
        env: the environment of the launch.
        server: fetches the bundle if the run reaches the store through MLflow.
        client: fetches the bundle from the store; None if the run has no keys of the store.
    """

    def __init__(
        self, spec: Mapping[str, Any], env: Mapping[str, str], server: Tracking, client: S3Client | None
    ) -> None:
        self.spec = spec
        self.env = env
        self.server = server
        self.client = client

    def unpack(self) -> None:
        """Fill the working folder with the code.

        Raises:
            ProbeError: the code cannot be fetched, or does not fit on the disk.
        """
        if self.spec.get("mounted"):  # the working folder is the project itself
            return
        try:
            self._unpack()
        except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
            cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise probes.ProbeError(
                f"Failed to unpack the code in {self.spec['work']}: {cause.rstrip('.')}.",
                "Is there room on that disk, and may the run write there?",
            ) from error

    def _unpack(self) -> None:
        shutil.rmtree(self.spec["work"], ignore_errors=True)  # left by a lost attempt
        os.makedirs(self.spec["work"], exist_ok=True)
        code = self.read()
        probes.probe_disk(self.spec["work"], code)
        with tarfile.open(fileobj=io.BytesIO(code)) as archive:
            if hasattr(tarfile, "data_filter"):
                # samerun made the archive from the project folder. Its links may point outside, as the project's do.
                archive.extraction_filter = tarfile.tar_filter
            archive.extractall(self.spec["work"])  # noqa: S202 - samerun made it

    def read(self) -> bytes:
        """Return the bundle's bytes.

        Raises:
            ProbeError: it cannot be fetched.
        """
        if self.spec.get("bundle_key"):
            return self._fetch(self.client)
        with open(self.spec["bundle"], "rb") as packed:
            return packed.read()

    def _fetch(self, client: S3Client | None) -> bytes:
        bucket, key = self.spec["bucket"], self.spec["bundle_key"]
        if self.spec.get("artifacts") == contract.PROXIED:
            try:
                return keeping.Artifacts(keeping.PROXY, self.server, None).get(key)
            except keeping.KeepingError as error:
                raise probes.ProbeError(
                    f"Failed to fetch the code through MLflow: {error}.", "Does it reach its store? Its log says."
                ) from error
        if client is None:
            raise probes.ProbeError(
                "Failed to fetch the code: the run has no keys of the S3 store.",
                "Set object_store_access_key and object_store_secret_key.",
            )
        try:
            with client.get(bucket, key) as answer:
                return answer.read()
        except S3Error as error:
            raise s3.s3_problem(error, bucket, self.env[probes.S3_ENDPOINT], self.spec["viewpoint"]) from error
