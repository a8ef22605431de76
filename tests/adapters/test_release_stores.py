"""Every store of releases keeps the same promises: memory, a folder, the database and S3."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from smart_redirect.adapters.memory import MemoryContents
from smart_redirect.adapters.postgres.contents import PostgresContents
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.release_folder import FolderContents
from smart_redirect.adapters.s3 import S3Contents
from smart_redirect.errors import StoreUnavailable
from smart_redirect.usecases.ports_dialplan import ReleaseStore

HASH = hashlib.sha256(b"text").hexdigest()
BUCKET = "releases-of-the-test"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture(params=["memory", "folder", "database", "s3"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, database_url: str, bucket: Any
) -> AsyncIterator[ReleaseStore]:
    if request.param == "database":
        pool = await open_pool(database_url, size=1)
        yield PostgresContents(pool)
        pool.terminate()
        return
    stores: dict[str, ReleaseStore] = {"memory": MemoryContents(), "folder": FolderContents(tmp_path / "releases")}
    yield stores.get(request.param) or S3Contents(BUCKET, bucket)


async def test_gives_back_what_it_was_given(store: ReleaseStore) -> None:
    packed = secrets.token_bytes(3_000_000)
    await store.put(HASH, packed)
    assert await store.get(HASH) == packed


async def test_has_nothing_that_it_was_not_given(store: ReleaseStore) -> None:
    assert await store.get(HASH) is None


async def test_a_second_time_changes_nothing(store: ReleaseStore) -> None:
    await store.put(HASH, b"packed")
    await store.put(HASH, b"packed")
    assert await store.get(HASH) == b"packed"


async def test_a_bucket_that_is_not_there_is_an_outage(bucket: Any) -> None:
    store = S3Contents("another-bucket", bucket)
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        await store.put(HASH, b"packed")
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        await store.get(HASH)


async def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FolderContents(tmp_path / "file" / "releases")
    with pytest.raises(StoreUnavailable):
        await store.put(HASH, b"packed")


async def test_a_folder_has_whole_files_only(tmp_path: Path) -> None:
    await FolderContents(tmp_path).put(HASH, b"packed")
    assert [path.name for path in tmp_path.iterdir()] == [f"{HASH}.conf.gz"]


async def test_only_hashes_name_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        await FolderContents(tmp_path).put("../../etc/passwd", b"packed")
