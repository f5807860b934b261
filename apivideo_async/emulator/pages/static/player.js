// The player page: theme, URL fragments, controls, captions and chapters.
"use strict";

const byId = (id) => document.getElementById(id);
const video = byId("player");
const theme = JSON.parse(byId("settings").textContent);

// "#autoplay;t=10,1:20" has the names "autoplay" and "t".
const fragments = new Map(location.hash.slice(1).split(";").filter(Boolean).map((part) => {
  const at = part.search(/[=:]/);
  return at < 0 ? [part, ""] : [part.slice(0, at), decodeURIComponent(part.slice(at + 1))];
}));

function seconds(text) {
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

function clock(value) {
  const whole = Math.floor(value), hours = Math.floor(whole / 3600);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return hours ? `${hours}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
}

function showPosition() {
  const length = Number.isFinite(video.duration) ? video.duration : 0;
  const loaded = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0;
  const bar = byId("position");
  bar.max = length;
  bar.value = video.currentTime;
  bar.setAttribute("aria-valuetext", `${clock(video.currentTime)} of ${clock(length)}`);
  bar.style.setProperty("--played", `${length ? 100 * video.currentTime / length : 0}%`);
  bar.style.setProperty("--loaded", `${length ? 100 * loaded / length : 0}%`);
  byId("time").textContent = `${clock(video.currentTime)} / ${clock(length)}`;
  const started = [...byId("chapter").options].filter((option) => Number(option.value) <= video.currentTime);
  if (started.length) byId("chapter").value = started.at(-1).value;
}

function showState() {
  byId("play").textContent = video.paused ? "Play" : "Pause";
  byId("mute").textContent = video.muted ? "Unmute" : "Mute";
}

async function play() {
  try {
    await video.play();
  } catch (error) {
    // Browsers let a page start a video by itself only without sound.
    if (error.name !== "NotAllowedError" || video.muted) return;
    video.muted = true;
    await video.play().catch(() => {});
  }
}

function showCaptions(language) {
  for (const track of video.textTracks) {
    if (track.kind === "captions") track.mode = track.language === language ? "showing" : "disabled";
  }
  byId("caption").value = language;
}

function addTracks() {
  const captions = [...video.querySelectorAll("track[kind=captions]")];
  for (const track of captions) byId("caption").add(new Option(track.label, track.srclang));
  byId("caption-label").hidden = !captions.length;
  const first = captions.find((track) => "default" in track.dataset);
  const shown = first ?? (fragments.has("show-subtitles") ? captions[0] : undefined);
  showCaptions(shown?.srclang ?? "");
  const chapters = video.querySelector("track[kind=chapters]");
  if (chapters === null) return;
  chapters.addEventListener("load", () => {
    for (const cue of chapters.track.cues) byId("chapter").add(new Option(`${clock(cue.startTime)} ${cue.text}`, cue.startTime));
    byId("chapter-label").hidden = !byId("chapter").options.length;
  });
  chapters.track.mode = "hidden";  // The browser loads the file, and shows nothing.
}

function playRange() {
  const [from, to] = fragments.get("t").split(",").map(seconds);
  if (from) video.currentTime = from;
  if (!(to > 0)) return;
  const stop = () => {
    if (video.currentTime < to) return;
    video.removeEventListener("timeupdate", stop);
    video.pause();
  };
  video.addEventListener("timeupdate", stop);
}

for (const [name, value] of Object.entries(theme)) {
  if (typeof value === "string") document.documentElement.style.setProperty(`--${name}`, value);
}
video.controls = false;
video.loop = theme.forceLoop || fragments.has("loop");
byId("title").hidden = theme.hideTitle || fragments.has("hide-title");
byId("controls").hidden = !theme.enableControls || fragments.has("hide-controls");
for (const name of ["timeupdate", "durationchange", "progress", "seeked"]) video.addEventListener(name, showPosition);
for (const name of ["play", "pause", "volumechange"]) video.addEventListener(name, showState);
const toggle = () => video.paused ? play() : video.pause();
video.addEventListener("click", toggle);
byId("play").addEventListener("click", toggle);
byId("mute").addEventListener("click", () => { video.muted = !video.muted; });
byId("position").addEventListener("input", (event) => { video.currentTime = Number(event.target.value); });
byId("chapter").addEventListener("change", (event) => { video.currentTime = Number(event.target.value); });
byId("caption").addEventListener("change", (event) => showCaptions(event.target.value));
byId("fullscreen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("stage").requestFullscreen();
});
addTracks();
showState();
showPosition();
if (fragments.has("t")) playRange();
if (theme.forceAutoplay || fragments.has("autoplay")) play();
