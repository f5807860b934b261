"""The unit of systemd is valid, and its command starts a worker that ends with 0."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from apivideo_async.emulator import Emulator

UNIT = Path(__file__).parents[2] / "examples" / "systemd" / "apivideo-worker.service"


def test_the_unit_is_valid(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze (Debian's package systemd) is not installed")
    # Only the program is not installed where the unit expects it.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/video/.venv/bin/apivideo", "/bin/true"))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stderr
    assert UNIT.name not in checked.stderr


def test_the_command_of_the_unit_runs_a_worker(
    postgres_dsn: str, emu: Emulator, tmp_path: Path
) -> None:
    pytest.importorskip("prometheus_client")
    found = re.search(r"^ExecStart=\S+ (.*)$", UNIT.read_text(), re.MULTILINE)
    assert found is not None
    # A free port, because several tests run at once.
    command = shlex.split(found[1].replace("127.0.0.1:9100", "127.0.0.1:0"))
    apivideo = [sys.executable, "-m", "apivideo_async.cli"]
    env = {
        "APIVIDEO_API_KEY": emu.api_key,
        "APIVIDEO_BASE_URL": emu.url,
        "APIVIDEO_DATABASE_URL": postgres_dsn,
        "XDG_STATE_HOME": str(tmp_path),
        "PYTHONPATH": str(UNIT.parents[2]),
    }
    subprocess.run([*apivideo, "distributed", "init"], env=env, check=True, capture_output=True)
    with subprocess.Popen([*apivideo, *command], env=env, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        address = re.search(r"http://[\d.:]+", run.stderr.readline())
        assert address is not None
        with urlopen(f"{address[0]}/readyz", timeout=30) as response:
            assert response.status == 200
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    assert run.returncode == 0
