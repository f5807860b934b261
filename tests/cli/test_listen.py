"""``apivideo webhooks``: subscriptions, and a server that accepts only signed deliveries."""

import contextlib
import json
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator
from apivideo_async.webhooks import sign

from .conftest import Cli, Process

Make = Callable[..., Path]
SECRET = "sig_sec_of_this_test"
BODY = (
    b'{"type":"video.encoding.quality.completed",'
    b'"emittedAt":"2026-01-02T03:04:05+00:00","videoId":"vi1"}'
)


@contextlib.contextmanager
def listening(cli: Cli, *arguments: str) -> Iterator[tuple[Process, str]]:
    """The running command and its address."""
    with cli.start("webhooks", "listen", "--port", "0", *arguments) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+/) \(Ctrl-C stops it\)\n", line)
        assert match is not None, line
        yield process, match[1]


def deliver(url: str, body: bytes, signature: str | None) -> int:
    """Send a delivery; returns the status of the answer."""
    headers = {} if signature is None else {"X-Api-Video-Signature": signature}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers), timeout=60
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_subscriptions_are_created_listed_shown_and_deleted(online: Cli) -> None:
    """The secret is printed by create and show, and by nothing else."""
    made = online(
        "webhooks", "create", "https://a.test/x", "--event", "video.source.recorded", "--json"
    ).json
    webhook_id, secret = made["webhookId"], made["signatureSecret"]
    assert made["events"] == ["video.source.recorded"]
    for options in ((), ("--json",), ("--jsonl",), ("--event", "video.source.recorded")):
        listed = online("webhooks", "list", *options)
        assert webhook_id in listed.out
        assert secret not in listed.out
    assert online("webhooks", "list", "--event", "video.summary.generated").out == ""
    assert f"signature secret {secret}" in online("webhooks", "show", webhook_id).out
    assert online("webhooks", "delete", webhook_id, "--yes").out == f"deleted {webhook_id}\n"


def test_without_a_type_all_events_are_delivered(online: Cli) -> None:
    assert len(online("webhooks", "create", "https://a.test/x", "--json").json["events"]) == 6


def test_signed_deliveries_are_printed_and_others_are_refused(cli: Cli) -> None:
    with listening(cli, "--secret", "sig_sec_another", "--secret", SECRET) as (process, url):
        assert deliver(f"{url}any/path", BODY, sign(BODY, SECRET)) == 204
        assert deliver(url, BODY, None) == 400
        assert deliver(url, BODY, sign(BODY, "sig_sec_wrong")) == 400
        assert deliver(url, BODY + b" ", sign(BODY, SECRET)) == 400
        assert deliver(url, b"[1]", sign(b"[1]", SECRET)) == 400
        assert deliver(url, BODY, "caf\xe9") == 400
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\tvideo\.encoding\.quality\.completed\tvideoId=vi1\n", out
    )
    refused = err.splitlines()
    assert len(refused) == 5
    assert all(line.startswith("refused a delivery from 127.0.0.1: ") for line in refused)
    assert SECRET not in out + err


def test_the_emulator_delivers_to_it(online: Cli, make_file: Make) -> None:
    """Subscribe, listen with the secret, upload, and read the events."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = online("webhooks", "create", f"http://127.0.0.1:{port}/hook", "--json").json
    online.env["APIVIDEO_WEBHOOK_SECRET"] = made["signatureSecret"]
    with listening(online, "--port", str(port), "--jsonl") as (process, _):
        assert process.stdout is not None
        video_id = online("upload", make_file()).out.split()[0]
        events = [json.loads(process.stdout.readline()) for _ in range(5)]
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[1] == ""
    assert {event["videoId"] for event in events} == {video_id}
    assert {event["quality"] for event in events} == {"240p", "360p", "480p", "720p"}


@pytest.mark.slow
def test_deliveries_cannot_control_the_terminal(cli: Cli) -> None:
    body = json.dumps({"type": "new\x1b[2J", "emittedAt": "soon", "title": "\x1b]0;x\x07"}).encode()
    with listening(cli, "--secret", SECRET) as (process, url):
        assert deliver(url, body, sign(body, SECRET)) == 204
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert out.startswith("-\tnew?[2J\t")
    assert "\x1b" not in out


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_is_no_secret(cli: Cli, secret: str) -> None:
    """An empty variable must not be used as a secret, because anyone can sign with it."""
    cli.env["APIVIDEO_WEBHOOK_SECRET"] = secret.strip()
    result = cli("webhooks", "listen", "--secret", secret)
    assert result.code == 2
    assert "no webhook secret" in result.error_line


@pytest.mark.parametrize("options", [(), ("--jsonl",)])
def test_odd_events_are_printed(cli: Cli, options: tuple[str, ...]) -> None:
    bodies = [
        b'{"type":"a","x":"\\ud800"}',
        b'{"type":5,"emittedAt":"0001-01-01T00:00:00+23:59","x":{"a":[1]}}',
        b"{}",
    ]
    with listening(cli, "--secret", f"{SECRET}\n", *options) as (process, url):
        assert [deliver(url, body, sign(body, SECRET)) for body in bodies] == [204] * 3
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert len(out.splitlines()) == 3


def test_a_port_in_use_is_one_line(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = cli("webhooks", "listen", "--secret", SECRET, "--port", str(port))
    assert result.code == 1
    line = f"apivideo: port {port} of 127.0.0.1 is in use: give another --port, or 0"
    assert result.error_line == line


@pytest.mark.slow
def test_the_secret_of_a_subscription_verifies_only_its_deliveries(
    online: Cli, emu: Emulator
) -> None:
    """And that of another subscription does not."""
    secrets = [
        online("webhooks", "create", "https://a.test", "--json").json["signatureSecret"]
        for _ in range(2)
    ]
    with listening(online, "--secret", secrets[0]) as (process, url):
        assert [deliver(url, BODY, sign(BODY, secret)) for secret in secrets] == [204, 400]
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.slow
def test_a_closed_output_ends_the_command(cli: Cli) -> None:
    """As in ``apivideo webhooks listen | head -1``."""
    with listening(cli, "--secret", SECRET) as (process, url):
        assert process.stdout is not None
        process.stdout.close()
        assert deliver(url, BODY, sign(BODY, SECRET)) == 503
        assert process.wait(timeout=60) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_refused_delivery_names_its_subscription_unless_that_is_forged(cli: Cli) -> None:
    with listening(cli, "--secret", f"other {SECRET}") as (process, url):
        assert process.stderr is not None
        assert deliver(url, BODY, sign(BODY, SECRET)) == 204
        for name, shown in (("webhook_1", "of webhook_1 from"), ("a; b", "a delivery from")):
            headers = {"X-Api-Video-Signature": "wrong", "X-Api-Video-WebhookID": name}
            request = urllib.request.Request(url, BODY, headers)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=60)
            refused.value.close()
            line = process.stderr.readline()
            assert shown in line
            assert ("`apivideo webhooks show webhook_1`" in line) == (name == "webhook_1")
        process.terminate()
