"""Every kind of store, over the same folder; Redis as a real server, where one can be started."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from policy.revocation import Store, open_store


class RedisServer:
    """A server of its own, over a socket in a folder, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, f"unix://{folder}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.folder / "redis.sock"), "--dir",
                   str(self.folder), "--save", "", "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        with redis.Redis.from_url(self.address) as client:
            while time.monotonic() < until:
                with suppress(redis.RedisError):
                    client.ping()
                    return
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose_everything(self) -> None:
        with redis.Redis.from_url(self.address) as client:
            client.flushall()


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server here: install the package of that name")
    server = RedisServer(tmp_path_factory.mktemp("r"))
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.lose_everything()
        made = open_store(server.address)
    else:
        made = open_store(tmp_path / "revocations.sqlite3")
    made.create()
    return made
