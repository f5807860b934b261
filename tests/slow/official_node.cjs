// Runs in a folder where @api.video/nodejs-client is installed: node official_node.cjs BASE_URL API_KEY VIDEO_ID
// Uses every operation of the client once, and prints what it saw as JSON.
"use strict";
const fs = require("fs");
const path = require("path");
const ApiVideoClient = require(path.resolve("node_modules/@api.video/nodejs-client"));

const MIB = 1024 * 1024;
const [baseUri, apiKey, watchedId] = process.argv.slice(2);
const client = new ApiVideoClient({ apiKey, baseUri, chunkSize: 5 * MIB, applicationName: "test", applicationVersion: "1" });
const seen = {};

function file(name, size, fill) {
  fs.writeFileSync(name, Buffer.alloc(size, fill));
  return name;
}

async function failure(promise) {
  return promise.then(() => "no error", (error) => String(error.message ?? error));
}

async function videos() {
  const made = await client.videos.create({ title: "Maths", tags: ["a", "b c"], metadata: [{ key: "k", value: "v" }] });
  const { videoId } = made;
  seen.uploaded = (await client.videos.upload(videoId, file("small.mp4", 1000, "s"))).videoId === videoId;
  await client.videos.get(videoId);
  seen.title = (await client.videos.update(videoId, { title: "Maths 2" })).title;
  seen.playable = (await client.videos.getStatus(videoId)).encoding.playable;
  await client.videos.uploadThumbnail(videoId, file("thumbnail.png", 100, "p"));
  await client.videos.pickThumbnail(videoId, { timecode: "00:00:01.00" });
  const filters = { tags: ["a", "b c"], metadata: { k: "v" }, sortBy: "title", sortOrder: "asc" };
  seen.listed = (await client.videos.list(filters)).data.map((video) => video.videoId === videoId);
  seen.progress = [];
  const big = await client.videos.create({ title: "Chunked" });
  await client.videos.upload(big.videoId, file("big.mp4", 12 * MIB, "b"), (event) => seen.progress.push(event.currentChunk));
  seen.chunked = big.videoId;
  const streamed = await client.videos.create({ title: "Progressive" });
  const session = client.videos.createUploadProgressiveSession(streamed.videoId);
  await session.uploadPart(file("one.mp4", 6 * MIB, "1"));
  await session.uploadLastPart(file("two.mp4", MIB, "2"));
  seen.progressive = streamed.videoId;
  seen.empty = await failure(client.videos.upload(streamed.videoId, file("empty.mp4", 0, "")));
  return videoId;
}

async function uploadTokens() {
  const { token } = await client.uploadTokens.createToken({ ttl: 3600 });
  await client.uploadTokens.getToken(token);
  await client.uploadTokens.list({ sortBy: "ttl", sortOrder: "asc" });
  seen.delegated = (await client.videos.uploadWithUploadToken(token, "small.mp4")).videoId;
  const session = client.videos.createUploadWithUploadTokenProgressiveSession(token);
  await session.uploadPart("one.mp4");
  seen.delegatedProgressive = (await session.uploadLastPart("two.mp4")).videoId;
  await client.videos.uploadWithUploadToken(token, "big.mp4");
  await client.uploadTokens.deleteToken(token);
}

async function textTracks(videoId) {
  fs.writeFileSync("en.vtt", "WEBVTT\n");
  seen.caption = (await client.captions.upload(videoId, "en", "en.vtt")).languageName;
  seen.default = (await client.captions.update(videoId, "en", { _default: true }))._default;
  await client.captions.get(videoId, "en");
  seen.captions = (await client.captions.list({ videoId })).data.length;
  await client.captions.delete(videoId, "en");
  seen.chapter = (await client.chapters.upload(videoId, "fr", "en.vtt")).language;
  await client.chapters.get(videoId, "fr");
  seen.chapters = (await client.chapters.list({ videoId })).data.length;
  await client.chapters.delete(videoId, "fr");
}

async function liveStreams() {
  const restreams = [{ name: "r", serverUrl: "rtmp://example.test/app", streamKey: "k" }];
  const { liveStreamId, streamKey } = await client.liveStreams.create({ name: "Live", restreams });
  await client.liveStreams.get(liveStreamId);
  seen.restreams = (await client.liveStreams.update(liveStreamId, { restreams: [] })).restreams;
  seen.live = (await client.liveStreams.list({ streamKey, sortBy: "name" })).data.length;
  await client.liveStreams.uploadThumbnail(liveStreamId, "thumbnail.png");
  await client.liveStreams.deleteThumbnail(liveStreamId);
  await client.liveStreams.complete(liveStreamId);
  await client.liveStreams.delete(liveStreamId);
}

async function players() {
  const { playerId } = await client.playerThemes.create({ name: "Theme" });
  await client.playerThemes.get(playerId);
  seen.logo = (await client.playerThemes.uploadLogo(playerId, "thumbnail.png", "https://a.test")).assets.link;
  seen.loop = (await client.playerThemes.update(playerId, { forceLoop: true })).forceLoop;
  await client.playerThemes.list({ sortBy: "name" });
  await client.playerThemes.deleteLogo(playerId);
  await client.playerThemes.delete(playerId);
}

async function watermarksAndTags() {
  const { watermarkId } = await client.watermarks.upload("thumbnail.png");
  seen.watermarks = (await client.watermarks.list({ sortBy: "createdAt", sortOrder: "asc" })).data.length;
  await client.watermarks.delete(watermarkId);
  seen.tags = (await client.tags.list({ value: "B", sortBy: "videoCount" })).data.map((tag) => [tag.value, tag.videoCount]);
}

async function summaries(videoId) {
  const { summaryId } = await client.summaries.create({ videoId, origin: "auto" });
  seen.summaries = (await client.summaries.list({ videoId, sourceStatus: "completed" })).data.length;
  await client.summaries.getSummarySource(summaryId);
  seen.takeaways = (await client.summaries.update(summaryId, { takeaways: ["one"] })).takeaways;
  await client.summaries.delete(summaryId);
}

async function webhooks() {
  const events = ["video.encoding.quality.completed"];
  const { webhookId } = await client.webhooks.create({ events, url: "https://example.test/" });
  seen.secret = (await client.webhooks.get(webhookId)).signatureSecret.startsWith("sig_sec_");
  seen.webhooks = (await client.webhooks.list({ events: events[0] })).data.length;
  await client.webhooks.delete(webhookId);
}

async function analytics() {
  const to = new Date();
  const from = new Date(to.getTime() - 2 * 3600 * 1000);
  const filterBy = { mediaId: [watchedId], country: ["FR", "US"], mediaType: "video" };
  seen.plays = (await client.analytics.getAggregatedMetrics({ metric: "play", aggregation: "count", from, to, filterBy })).data;
  const buckets = await client.analytics.getMetricsBreakdown({ metric: "play", breakdown: "country", from, to, filterBy, sortBy: "dimensionValue" });
  seen.countries = buckets.data.map((each) => [each.dimensionValue, each.metricValue]);
  const series = await client.analytics.getMetricsOverTime({ metric: "play", interval: "hour", from, to });
  seen.series = series.data.map((each) => each.metricValue);
}

async function discarded(videoId) {
  await client.videos.delete(videoId);
  seen.discarded = (await client.videos.listDiscarded()).data.map((video) => video.videoId === videoId);
  await client.videos.getDiscarded(videoId);
  seen.restored = (await client.videos.updateDiscarded(videoId, { discarded: false })).discarded;
}

async function main() {
  await client.getAccessToken();
  const videoId = await videos();
  await uploadTokens();
  await textTracks(videoId);
  await liveStreams();
  await players();
  await watermarksAndTags();
  await summaries(videoId);
  await webhooks();
  await analytics();
  await discarded(videoId);
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
