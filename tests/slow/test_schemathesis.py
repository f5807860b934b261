"""The emulator answers generated requests as the specification says.

Errors of the specification are corrected first. Each entry of `CORRECTIONS` has its reason.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

EXAMPLES = 60
"""Generated requests per operation, besides the examples and the limits of the schemas."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
)
"""Without `positive_data_acceptance`: rules in prose (languages, RTMP addresses, WebVTT, existing
ids) refuse values that the schemas allow. Without `unsupported_method`: it requires an Allow
header, which is not documented."""

Spec = dict[str, Any]
CORRECTIONS: list[tuple[str, Callable[[Spec], object]]] = []


def correction(why: str) -> Callable[[Callable[[Spec], object]], Callable[[Spec], object]]:
    def keep(apply: Callable[[Spec], object]) -> Callable[[Spec], object]:
        CORRECTIONS.append((why, apply))
        return apply

    return keep


def operations(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for path, item in spec["paths"].items():
        for method in {"get", "post", "put", "patch", "delete"} & item.keys():
            yield path, item[method]


def schema(spec: Spec, name: str) -> Spec:
    return spec["components"]["schemas"][name]["properties"]


@correction(
    "every operation may answer 400, 401, 404 and 429, with the headers of the other responses "
    "(service.md#operations)"
)
def _errors(spec: Spec) -> None:
    problem = {
        "description": "a problem",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    for _, operation in operations(spec):
        for status in ("400", "401", "404", "405", "429"):
            operation["responses"].setdefault(status, problem)


@correction("links of pages are relative (service.md#page-links)")
def _links(spec: Spec) -> None:
    schema(spec, "pagination-link")["uri"]["format"] = "uri-reference"


@correction("discarded videos have no assets (service.md#faulty-examples)")
def _discarded_assets(spec: Spec) -> None:
    schema(spec, "video")["assets"] = {
        "nullable": True,
        "allOf": [{"$ref": "#/components/schemas/video-assets"}],
    }


@correction("the assets of a player without a logo are null (service.md#player-record)")
def _logos(spec: Spec) -> None:
    for value in schema(spec, "player-theme")["assets"]["properties"].values():
        value["nullable"] = True


@correction("an empty container has no ingest (service.md#empty-containers)")
def _ingest(spec: Spec) -> None:
    ingest = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/video-status-ingest"}]}
    schema(spec, "video-status")["ingest"] = ingest


@correction(
    "the contexts of analytics lack values that the operations take (service.md#analytics-records)"
)
def _contexts(spec: Spec) -> None:
    for kind in ("aggregated-metrics", "metrics-breakdown", "metrics-over-time"):
        context = schema(spec, f"analytics-{kind}-response")["context"]["properties"]
        context["metric"]["enum"] += [
            "play-total",
            "unique-ccv",
            "unique-ccv-peak",
            "unique-ccv-average",
        ]
        context.get("aggregation", {"enum": []})["enum"] += ["peak", "live"]
        context.get("breakdown", {"enum": []})["enum"] += ["referrer"]


@correction(
    "null is legal for the language of a video, although its enum does not list it "
    "(service.md#null-and-absent)"
)
def _languages(spec: Spec) -> None:
    for payload in ("video-creation-payload", "video-update-payload"):
        schema(spec, payload)["language"]["enum"].append(None)
    schema(spec, "video-update-payload")["playerId"]["nullable"] = True


@correction("any time code is taken, against the pattern (service.md#time-codes)")
def _timecodes(spec: Spec) -> None:
    del schema(spec, "video-thumbnail-pick-payload")["timecode"]["pattern"]


@correction(
    "captions are in one of 672 languages (service.md#caption-languages); a few of them suffice"
)
def _caption_languages(spec: Spec) -> None:
    for path, operation in operations(spec):
        for parameter in operation.get("parameters", []):
            if "captions" in path and parameter.get("name") == "language":
                parameter["schema"] = {"type": "string", "enum": ["en", "fr-BE", "zh-Hant"]}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(
        rate_limits=dict.fromkeys(("uploads", "writes", "reads"), 10**6), video_restore=True
    ).in_thread() as emu:
        yield emu


@pytest.fixture
def corrected(tmp_path: Path) -> Path:
    folder = os.environ.get("APIVIDEO_CONTRACT")
    if not folder or not (Path(folder) / "openapi.yaml").exists():
        pytest.skip("APIVIDEO_CONTRACT names no folder with an openapi.yaml")
    import yaml

    spec = yaml.safe_load((Path(folder) / "openapi.yaml").read_text())
    for _, apply in CORRECTIONS:
        apply(spec)
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(spec, default=str))
    return path


def test_generated_requests(emulator: Emulator, corrected: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = [
        "--phases",
        "examples,coverage,fuzzing",
        "-n",
        str(EXAMPLES),
        "--seed",
        "1",
        "--no-shrink",
    ]
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("st")),
            "run",
            str(corrected),
            *(
                "--url",
                emulator.url,
                "--auth",
                f"{emulator.api_key}:",
                "--checks",
                ",".join(CHECKS),
            ),
            *arguments,
            "--continue-on-failure",
            "--report",
            "json",
            "--report-json-path",
            str(report),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("schemathesis_hooks.py")),
        },
        capture_output=True,
        text=True,
        timeout=1_100,
    )
    told = json.loads(report.read_text())
    assert told["operations"]["tested"] == 59, done.stdout
    failures = [(failure["title"], failure["operations"]) for failure in told["failures"]]
    assert failures == [], done.stdout[-20_000:]
    assert all(record.status != 500 for record in emulator.requests)
