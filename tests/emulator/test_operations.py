"""The emulator serves the whole API: names, methods, paths, rate limits, access.

See service.md#request-classes, service.md#operations, service.md#legacy-operations.
"""

from apivideo_async.emulator.routes import OPERATIONS

TABLE = """
auth.authenticate POST /auth/api-key
auth.refresh POST /auth/refresh
videos.list GET /videos
videos.create POST /videos
videos.get GET /videos/{videoId}
videos.update PATCH /videos/{videoId}
videos.delete DELETE /videos/{videoId}
videos.upload POST /videos/{videoId}/source
videos.upload_with_token POST /upload
videos.get_status GET /videos/{videoId}/status
videos.upload_thumbnail POST /videos/{videoId}/thumbnail
videos.pick_thumbnail PATCH /videos/{videoId}/thumbnail
videos.list_discarded GET /discarded/videos
videos.get_discarded GET /discarded/videos/{videoId}
videos.restore PATCH /discarded/videos/{videoId}
upload_tokens.list GET /upload-tokens
upload_tokens.create POST /upload-tokens
upload_tokens.get GET /upload-tokens/{uploadToken}
upload_tokens.delete DELETE /upload-tokens/{uploadToken}
captions.list GET /videos/{videoId}/captions
captions.upload POST /videos/{videoId}/captions/{language}
captions.get GET /videos/{videoId}/captions/{language}
captions.update PATCH /videos/{videoId}/captions/{language}
captions.delete DELETE /videos/{videoId}/captions/{language}
chapters.list GET /videos/{videoId}/chapters
chapters.upload POST /videos/{videoId}/chapters/{language}
chapters.get GET /videos/{videoId}/chapters/{language}
chapters.delete DELETE /videos/{videoId}/chapters/{language}
live_streams.list GET /live-streams
live_streams.create POST /live-streams
live_streams.get GET /live-streams/{liveStreamId}
live_streams.update PATCH /live-streams/{liveStreamId}
live_streams.delete DELETE /live-streams/{liveStreamId}
live_streams.upload_thumbnail POST /live-streams/{liveStreamId}/thumbnail
live_streams.delete_thumbnail DELETE /live-streams/{liveStreamId}/thumbnail
live_streams.complete PUT /live-streams/{liveStreamId}/complete
players.list GET /players
players.create POST /players
players.get GET /players/{playerId}
players.update PATCH /players/{playerId}
players.delete DELETE /players/{playerId}
players.upload_logo POST /players/{playerId}/logo
players.delete_logo DELETE /players/{playerId}/logo
watermarks.list GET /watermarks
watermarks.upload POST /watermarks
watermarks.delete DELETE /watermarks/{watermarkId}
tags.list GET /tags
summaries.list GET /summaries
summaries.create POST /summaries
summaries.delete DELETE /summaries/{summaryId}
summaries.get_source GET /summaries/{summaryId}/source
summaries.update_source PATCH /summaries/{summaryId}/source
analytics.get_aggregated_metrics GET /data/metrics/{metric}/{aggregation}
analytics.get_metrics_breakdown GET /data/buckets/{metric}/{breakdown}
analytics.get_metrics_over_time GET /data/timeseries/{metric}
webhooks.list GET /webhooks
webhooks.create POST /webhooks
webhooks.get GET /webhooks/{webhookId}
webhooks.delete DELETE /webhooks/{webhookId}
account.get GET /account
analytics.list_video_sessions GET /analytics/videos/{videoId}
analytics.list_live_stream_sessions GET /analytics/live-streams/{liveStreamId}
analytics.list_session_events GET /analytics/sessions/{sessionId}/events
"""
API = [
    operation
    for operation in OPERATIONS
    if operation.access != "control" and not operation.name.startswith("assets.")
]
UPLOADS = {"videos.upload", "videos.upload_with_token"}


def test_every_documented_operation_is_served_and_no_other():
    """59 of the specification, 4 that it had before."""
    documented = {tuple(line.split()) for line in TABLE.strip().splitlines()}
    assert {(operation.name, operation.method, operation.path) for operation in API} == documented
    assert len(API) == len(documented) == 63


def test_each_operation_has_its_rate_limit():
    """Two are uploads, GET is a read, /auth/* has no limit (service.md#request-classes)."""
    for operation in API:
        expected = "reads" if operation.method == "GET" else "writes"
        if operation.name in UPLOADS:
            expected = "uploads"
        assert operation.rate == (None if operation.name.startswith("auth.") else expected), (
            operation.name
        )


def test_each_operation_except_three_needs_the_key():
    free = {operation.name: operation.access for operation in API if operation.access != "key"}
    assert free == {
        "auth.authenticate": "open",
        "auth.refresh": "open",
        "videos.upload_with_token": "upload-token",
    }


async def test_same_seed_same_ids_for_everything(start):
    """Secrets and keys too; plays do not change them (service.md#identifiers)."""
    made = []
    for _ in range(2):
        api = await start(seed=3)
        live = (await api.send("POST", "/live-streams", json={"name": "x"})).json
        hook = {"url": "https://a.test", "events": []}
        webhook = (await api.send("POST", "/webhooks", json=hook)).json
        player = (await api.send("POST", "/players", json={})).json
        summary = (await api.send("POST", "/summaries", json={"videoId": await api.create()})).json
        names = (
            "liveStreamId",
            "streamKey",
            "webhookId",
            "signatureSecret",
            "playerId",
            "summaryId",
            "videoId",
        )
        made.append([{**live, **webhook, **player, **summary}[name] for name in names])
    assert made[0] == made[1]
    assert len(set(made[0])) == 7


async def test_every_response_has_cors_headers(api):
    """Errors have the headers too, and pages may send PUT."""
    for method, path in (
        ("GET", "/players"),
        ("PUT", "/live-streams/li0/complete"),
        ("GET", "/data/x"),
        ("GET", "/tags"),
    ):
        for auth in (True, False):
            reply = await api.send(method, path, auth=auth)
            assert reply.headers["Access-Control-Allow-Origin"] == "*"
    preflight = await api.send("OPTIONS", "/live-streams/li0/complete", auth=False)
    assert preflight.status == 204
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
