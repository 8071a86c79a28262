"""The key of runs is made known to a store once, and only where the store does not read it from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import fakes
import fakes_s3
import minio
import pytest
import samples
from minio.error import MinioAdminException

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.world import identities, store

POLICY = {
    "Statement": [{"Resource": ["arn:aws:s3:::mlflow-artifacts/*"]}, {"Resource": ["arn:aws:s3:::mlflow-artifacts"]}]
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path)


@pytest.fixture(autouse=True)
def keys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.host(monkeypatch, world).keep_credentials(samples.PAIR)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> fakes_s3.FakeS3:
    """The store as runs see it: it does not know their key yet."""
    found = fakes_s3.FakeS3("mlflow-artifacts")
    found.refuses = "InvalidAccessKeyId"
    monkeypatch.setattr(store, "client", lambda _world, _keys=None: found)
    return found


class FakeAdmin(minio.MinioAdmin):
    """MinIO's own interface: whoever it is told of can use the store from then on."""

    told: ClassVar[list[dict[str, Any]]] = []
    problem: ClassVar[Exception | None] = None
    store: ClassVar[fakes_s3.FakeS3]

    def delete_service_account(self, access_key: str) -> str:
        raise MinioAdminException("404", "XMinioInvalidIAMCredentials")  # nobody has it

    def add_service_account(self, **given: Any) -> str:
        if self.problem:
            raise self.problem
        self.told.append(given)
        self.store.refuses = ""
        return ""


@pytest.fixture
def admin(s3: fakes_s3.FakeS3, monkeypatch: pytest.MonkeyPatch) -> type[FakeAdmin]:
    FakeAdmin.told.clear()
    monkeypatch.setattr(FakeAdmin, "store", s3, raising=False)
    monkeypatch.setattr(minio, "MinioAdmin", FakeAdmin)
    return FakeAdmin


def test_a_key_that_the_store_does_not_know_is_made_known_once_with_its_policy(
    world: World, admin: type[FakeAdmin]
) -> None:
    assert [identities.ensure(world, "minio", POLICY) for _ in range(2)] == [True, False]
    (told,) = admin.told
    assert (told["access_key"], told["secret_key"]) == ("access key of runs", "secret key of runs")
    assert told["policy"] == POLICY
    assert list(world.state.glob(".*")) == [], "the lock goes with who held it"


def test_check_mode_only_finds_that_it_is_unknown(world: World, admin: type[FakeAdmin]) -> None:
    assert identities.ensure(world, "minio", POLICY, change=False)
    assert admin.told == []


@pytest.mark.parametrize("how", ["", "file"])
def test_a_store_that_reads_keys_from_a_file_is_told_nothing(world: World, admin: type[FakeAdmin], how: str) -> None:
    assert not identities.ensure(world, how, POLICY)
    assert admin.told == []


def test_runs_that_use_the_worlds_own_key_need_no_other(
    world: World, admin: type[FakeAdmin], monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.host(monkeypatch, world).keep_credentials(samples.KEYS)
    assert not identities.ensure(world, "minio", POLICY)


def test_a_key_may_use_a_bucket_that_is_still_to_be_made(world: World, s3: fakes_s3.FakeS3) -> None:
    s3.refuses = "NoSuchBucket"
    assert not identities.ensure(world, "minio", POLICY)


def test_a_store_that_refuses_is_told_in_one_line(
    world: World, admin: type[FakeAdmin], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "problem", MinioAdminException("403", "AccessDenied\n  for you"))
    with pytest.raises(SamerunError, match=r"a key for runs at http://localhost:9000: .*AccessDenied") as caught:
        identities.ensure(world, "minio", POLICY)
    assert caught.value.code == UNAVAILABLE
    assert "\n" not in caught.value.message
