"""A real nginx with the repository's configuration, before a server that answers what a test says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.nginx import Proxy, Upstream, running_nginx


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def proxy(upstream: Upstream, tmp_path: Path) -> Iterator[Proxy]:
    with running_nginx(tmp_path, upstream.port) as proxy:
        yield proxy
