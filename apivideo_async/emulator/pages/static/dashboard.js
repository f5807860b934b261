// The dashboard of the emulator: receives what has changed (emulator.dashboard.updates), shows it,
// and sends what the user orders. Text from outside is only ever set as text, never as HTML.
"use strict";

const SHOWN = 200; // Lines and cards on the page. Further ones are found with the filters.
const MANY = 400; // Cells of a chunk map above which they are drawn smaller.
const POLL = 1000; // Milliseconds between requests where events do not work.

const byId = (id) => document.getElementById(id);
const videos = new Map();
const requests = new Map();
const maps = new Map(); // Chunk maps by video: {unit, total, cells: Map of "from-to" to cell}.
const speeds = new Map(); // Latest sizes of uploads: {size, at, speed}.
let latest = {};

// -- Text

const number = new Intl.NumberFormat("en-US");
const two = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

function bytes(value) {
  if (value === null || value === undefined) return "";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = value, unit = 0;
  while (size >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
  return unit ? `${two.format(size)} ${units[unit]}` : `${number.format(size)} bytes`;
}

function seconds(value) {
  if (value === null || value === undefined) return "in progress";
  return value < 1 ? `${number.format(Math.round(value * 1000))} ms` : `${two.format(value)} s`;
}

function clock(moment) {
  return new Date(moment * 1000).toLocaleTimeString();
}

function plural(count, one) {
  return `${number.format(count)} ${one}${count === 1 ? "" : "s"}`;
}

// -- Elements

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Replaces the children of a list by those of `wanted`. Elements whose key and content are unchanged
// stay, so that the focus stays where it is.
function show(parent, wanted) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let position = parent.firstElementChild;
  for (const { key, content, make } of wanted) {
    let child = old.get(key);
    const text = JSON.stringify(content);
    if (child === undefined || child.dataset.content !== text) {
      const made = make();
      made.dataset.key = key;
      made.dataset.content = text;
      if (child !== undefined) {
        const focused = child.contains(document.activeElement) && document.activeElement.dataset.focus;
        if (position === child) position = made;
        child.replaceWith(made);
        if (focused) made.querySelector(`[data-focus="${focused}"]`)?.focus();
      }
      child = made;
    }
    old.delete(key);
    if (child === position) position = position.nextElementSibling;
    else parent.insertBefore(child, position);
  }
  for (const child of old.values()) child.remove();
}

async function order(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.ok) return null;
  const problem = await response.json().catch(() => ({}));
  return problem.detail || problem.title || `the emulator answered ${response.status}`;
}

// -- Rate limits

function showLimits() {
  show(byId("limits"), latest.limits.map((row) => ({
    key: row.class,
    content: row,
    make: () => {
      const limited = row.limit !== null && row.limit !== undefined;
      const used = limited ? row.limit - (row.remaining ?? row.limit) : 0;
      const text = limited ? `${used} of ${row.limit} used` : "no limit";
      const ends = limited && row.resets_in !== null ? `, window ends in ${row.resets_in} s` : "";
      const meter = limited
        ? element("meter", { max: row.limit, value: used, low: row.limit * 0.7, high: row.limit * 0.9,
          optimum: 0, "aria-label": `${row.class} used` })
        : null;
      return element("li", {}, element("strong", {}, row.class), ` ${text}${ends}`, meter,
        element("span", { class: "note" }, ` ${plural(row.refused, "answer")} 429`));
    },
  })));
}

// -- Videos and chunk maps

function videoState(row) {
  return row.state === "encoding" ? `encoding, ${Math.round(row.encoded * 100)} %` : row.state;
}

function showVideos() {
  const text = byId("video-search").value.toLowerCase(), state = byId("video-state").value;
  const found = [...videos.values()].reverse().filter((row) =>
    (!state || row.state === state) &&
    (!text || `${row.id} ${row.title} ${row.tags.join(" ")}`.toLowerCase().includes(text)));
  show(byId("video-list"), found.slice(0, SHOWN).map((row) => ({
    key: row.id, content: row, make: () => videoCard(row),
  })));
  byId("video-more").textContent = found.length > SHOWN
    ? `${number.format(SHOWN)} of ${number.format(found.length)} videos. Use the search for others.`
    : found.length ? "" : "No videos. Upload one, or add samples.";
}

function videoCard(row) {
  const more = [
    row.total === null ? bytes(row.size) : `${bytes(row.size)} of ${bytes(row.total)}`,
    row.public ? null : "private",
    row.captions.length ? `captions: ${row.captions.join(", ")}` : null,
    row.chapters.length ? `chapters: ${row.chapters.join(", ")}` : null,
    row.tags.length ? `tags: ${row.tags.join(", ")}` : null,
  ].filter((each) => each);
  const base = `/_emulator/videos/${row.id}`;
  const title = row.state === "ready"
    ? element("a", { href: `${base}/player`, "data-focus": "player" }, row.title)
    : row.title;
  return element("li", { class: "video" },
    element("img", { src: `${base}/thumbnail`, alt: "", loading: "lazy" }),
    element("h3", {}, title),
    element("p", {}, element("code", {}, row.id), " ",
      element("span", { class: `state state-${row.state}` }, videoState(row))),
    element("p", { class: "note" }, more.join(" · "), " ",
      element("button", { type: "button", "data-focus": "chunks", onclick: () => openChunks(row) }, "Chunks")));
}

function learnChunks(shown) {
  let map = maps.get(shown.video);
  if (map === undefined) {
    map = { cells: new Map() };
    maps.set(shown.video, map);
  }
  map.unit = shown.unit;
  map.total = shown.total;
  for (const cell of shown.cells) map.cells.set(`${cell.from}-${cell.to}`, cell);
}

// All cells in order, with one for each chunk that is missing in between.
function allCells(map) {
  const known = [...map.cells.values()].sort((one, other) => one.from - other.from);
  const usual = Math.max(1, ...known.map((cell) => cell.to - cell.from));
  const cells = [];
  let position = 0;
  const fill = (end) => {
    while (position < end) {
      const to = Math.min(end, position + usual);
      cells.push({ from: position, to, state: "missing", fill: 0, attempts: [] });
      position = to;
    }
  };
  for (const cell of known) {
    fill(cell.from);
    cells.push(cell);
    position = Math.max(position, cell.to);
  }
  if (map.total !== null) fill(map.total);
  return cells;
}

function range(cell, unit) {
  if (unit === "parts") return `part ${number.format(cell.to)}`;
  if (unit === "file") return "the whole file";
  return `bytes ${number.format(cell.from)} to ${number.format(cell.to - 1)}`;
}

function describeChunk(cell, unit) {
  const last = cell.attempts.at(-1);
  const parts = [range(cell, unit), cell.state];
  if (last !== undefined) {
    parts.push(`attempt ${cell.attempts.length}`, bytes(last.bytes), seconds(last.seconds), `request ${last.number}`);
    for (const earlier of cell.attempts.slice(0, -1)) {
      const why = earlier.fault || earlier.quirk || (earlier.status ?? "no answer");
      parts.push(`before: ${earlier.state} (${why}) after ${bytes(earlier.bytes)}`);
    }
  }
  return parts.join(", ");
}

// A map is drawn into elements that stay, so that the focus stays on its cell.
function drawMap(holder, map, line) {
  const cells = allCells(map);
  holder.classList.toggle("fine", cells.length > MANY);
  while (holder.children.length > cells.length) holder.lastElementChild.remove();
  cells.forEach((cell, index) => {
    let made = holder.children[index];
    if (made === undefined) {
      made = element("button", { type: "button", role: "listitem" });
      holder.append(made);
    }
    const text = describeChunk(cell, map.unit);
    if (made.dataset.text === text && made.dataset.fill === String(cell.fill)) return;
    made.dataset.text = text;
    made.dataset.fill = cell.fill;
    made.className = `cell ${cell.state}${cells.length > MANY ? " many" : ""}`;
    made.tabIndex = index ? -1 : 0;
    made.setAttribute("aria-label", text);
    made.title = text;
    made.style.setProperty("--fill", `${Math.round(cell.fill * 100)}%`);
    made.onfocus = made.onmouseenter = () => { line.textContent = made.dataset.text; };
    made.onclick = () => {
      const last = cell.attempts.at(-1);
      if (last !== undefined) openRequest(last.number);
    };
  });
  holder.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = [...holder.children];
    const next = all.indexOf(document.activeElement) + step;
    all[Math.max(0, Math.min(all.length - 1, next))].focus();
  };
}

function legend() {
  const kinds = [["received", "received"], ["arriving", "arriving"], ["missing", "missing"], ["refused", "refused or lost"]];
  return element("p", { class: "legend" }, ...kinds.map(([kind, text]) => {
    const mark = element("i", { class: `cell ${kind}`, "aria-hidden": "true" });
    mark.style.setProperty("--fill", "50%");
    return element("span", {}, mark, text);
  }));
}

function speedOf(row) {
  const now = performance.now(), known = speeds.get(row.id);
  let arriving = 0;
  for (const cell of maps.get(row.id)?.cells.values() ?? []) {
    if (cell.state === "arriving") arriving += cell.attempts.at(-1).bytes;
  }
  const size = row.size + arriving;
  if (known === undefined) { speeds.set(row.id, { size, at: now, speed: 0 }); return 0; }
  if (now - known.at > 900) {
    const speed = Math.max(0, (size - known.size) / (now - known.at) * 1000);
    speeds.set(row.id, { size, at: now, speed });
    return speed;
  }
  return known.speed;
}

function showUploads() {
  const holder = byId("uploads"), shown = new Set();
  for (const [id, map] of maps) {
    const row = videos.get(id);
    if (row === undefined) { maps.delete(id); continue; }
    shown.add(id);
    let box = holder.querySelector(`[data-video="${id}"]`);
    if (box === null) {
      box = element("section", { class: "upload card", "data-video": id, "aria-label": `Upload of ${row.title}` },
        element("h3"), element("p", { class: "note" }),
        element("div", { class: "map", role: "list", "aria-label": "Chunks" }), legend(),
        element("p", { class: "chunk" }));
      holder.prepend(box);
    }
    const [title, about, cells, , line] = box.children;
    title.textContent = `${row.title} (${id})`;
    const flying = [...map.cells.values()].filter((cell) => cell.state === "arriving").length;
    const size = row.total === null ? bytes(row.size) : `${bytes(row.size)} of ${bytes(row.total)}`;
    const speed = row.state === "uploading" ? ` · ${bytes(speedOf(row))}/s · ${flying} in flight` : "";
    about.textContent = `${videoState(row)} · ${size}${speed}`;
    drawMap(cells, map, line);
  }
  for (const box of [...holder.children]) if (!shown.has(box.dataset.video)) box.remove();
  // The maps of the last finished uploads stay for comparison.
  const finished = [...maps.keys()].filter((id) => videos.get(id)?.state !== "uploading");
  for (const id of finished.slice(0, -3)) maps.delete(id);
}

async function openChunks(row) {
  const response = await fetch(`/_emulator/videos/${row.id}/chunks`);
  if (!response.ok) return;
  const shown = await response.json();
  const map = { unit: shown.unit, total: shown.total, cells: new Map(shown.cells.map((cell) => [`${cell.from}-${cell.to}`, cell])) };
  const holder = element("div", { class: "map", role: "list", "aria-label": "Chunks" });
  const line = element("p", { class: "chunk" }, "Move to a chunk to see its attempts.");
  drawMap(holder, map, line);
  openDialog(`Chunks of ${row.title}`, holder.children.length ? [holder, legend(), line] : ["Nothing was uploaded."]);
}

// -- Requests

function requestStatus(row) {
  if (row.seconds === null) return "in progress";
  return row.status === null ? "dropped" : String(row.status);
}

function showRequests() {
  const text = byId("request-search").value.toLowerCase(), status = byId("request-status").value;
  const odd = byId("request-odd").checked;
  const found = [];
  let count = 0;
  for (const row of [...requests.values()].reverse()) {
    const answer = requestStatus(row);
    const fits = !status || (status === "open" ? row.seconds === null : answer.startsWith(status));
    if (!fits || (odd && !row.fault && !row.quirk)) continue;
    if (text && !`${row.method} ${row.path} ${row.operation} ${row.video} ${row.range}`.toLowerCase().includes(text)) continue;
    count += 1;
    if (found.length < SHOWN) found.push(row);
  }
  show(byId("request-list"), found.map((row) => ({
    key: String(row.number), content: row, make: () => requestLine(row),
  })));
  byId("request-more").textContent = count > SHOWN
    ? `The latest ${number.format(SHOWN)} of ${number.format(count)} requests. Use the filters for others.`
    : count ? "" : "No requests.";
}

function requestLine(row) {
  const status = requestStatus(row);
  const why = [row.fault && `fault ${row.fault}`, row.quirk && `quirk ${row.quirk}`].filter((each) => each);
  const bad = row.status === null ? row.seconds !== null : row.status >= 400;
  return element("tr", { class: bad ? "bad" : null },
    element("td", {}, element("button", { type: "button", "data-focus": "request", onclick: () => openRequest(row.number),
      "aria-label": `Details of request ${row.number}` }, String(row.number))),
    element("td", { class: "time", title: new Date(row.started * 1000).toISOString() }, clock(row.started)),
    element("td", { class: "code" }, `${row.method} ${row.path}`),
    element("td", {}, row.operation ?? ""),
    element("td", {}, row.range ?? ""),
    element("td", { class: "number" }, row.bytes ? bytes(row.bytes) : ""),
    element("td", { class: "number" }, seconds(row.seconds)),
    element("td", {}, [status, ...why].join(", ")));
}

function headerLines(headers) {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n");
}

async function openRequest(id) {
  const response = await fetch(`/_emulator/requests/${id}`);
  if (!response.ok) { openDialog(`Request ${id}`, ["It is no longer in the log."]); return; }
  const row = await response.json();
  const parts = [element("p", {}, `${clock(row.started)}, ${seconds(row.seconds)}, ${bytes(row.bytes)} received, ${requestStatus(row)}`)];
  if (row.fault || row.quirk) parts.push(element("p", {}, [row.fault && `Fault: ${row.fault}.`, row.quirk && `Quirk: ${row.quirk}.`].filter((each) => each).join(" ")));
  if (row.token_id) parts.push(element("p", {}, `Credentials: ${row.token_id}`));
  const add = (title, text) => {
    if (text) parts.push(element("h3", {}, title), element("pre", {}, text));
  };
  if (row.headers === undefined) parts.push(element("p", { class: "note" }, "Headers and bodies of the latest 1,000 requests are kept. These are gone, or the request is in progress."));
  else {
    add("Request headers", headerLines(row.headers));
    add("Request body", row.body);
    add("Response headers", headerLines(row.response_headers));
    add("Response body", row.response_body);
    add("The same with curl", row.curl);
  }
  openDialog(`${row.method} ${row.path}`, parts);
}

function openDialog(title, parts) {
  byId("details-title").textContent = title;
  byId("details-body").replaceChildren(...parts);
  if (!byId("details").open) byId("details").showModal();
}

// -- Webhooks, plays, live streams

function showDeliveries() {
  const rows = [...latest.deliveries].reverse();
  show(byId("delivery-list"), rows.map((row) => ({
    key: String(row.number), content: row, make: () => element("li", {},
      element("p", {}, element("strong", {}, `${row.number}. ${row.event.type} `),
        element("span", { class: `state state-${row.state}` }, row.state)),
      element("p", {}, `to ${row.url}`),
      element("p", { class: "note" }, row.answers.length
        ? `Attempts: ${row.answers.map((answer) => answer ?? "no answer").join(", ")}`
        : "No attempt yet."),
      element("details", {}, element("summary", { "data-focus": "event" }, "Headers with signature, and body"),
        element("pre", {}, headerLines(row.headers)), element("pre", {}, row.body)),
      element("p", {}, element("button", { type: "button", "data-focus": "again",
        onclick: () => order("POST", `/_emulator/deliveries/${row.number}`) }, "Deliver again"))),
  })));
  if (!rows.length) byId("delivery-list").replaceChildren(element("li", { "data-key": "none" }, "No deliveries. A webhook that a client creates gets the next events."));
}

function showPlays() {
  show(byId("play-list"), [...latest.plays].reverse().slice(0, SHOWN).map((row, index) => ({
    key: String(index), content: row, make: () => element("tr", {},
      element("td", { class: "code" }, row.media), element("td", { class: "time" }, new Date(row.at).toLocaleString()),
      element("td", { class: "number" }, seconds(row.watched))),
  })));
  show(byId("live-list"), latest.live.map((row) => ({
    key: row.id, content: row, make: () => element("li", {},
      element("p", {}, element("strong", {}, row.name), " ", element("code", {}, row.id)),
      element("p", { class: "note" }, row.broadcasting ? "broadcasting" : row.recorded === null ? "no broadcast yet" : `last recording: ${bytes(row.recorded)}`),
      element("p", {}, element("button", { type: "button", "data-focus": "start",
        onclick: () => order("POST", `/_emulator/live-streams/${row.id}/broadcast`) }, "Start a broadcast"))),
  })));
}

// -- Faults and quirks

const literal = (value) => value === true ? "True" : value === false ? "False" : value === null ? "None" : JSON.stringify(value);
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const origin = location.origin;

function faultOf(form) {
  const given = new FormData(form), fault = { operation: given.get("operation"), action: given.get("action") };
  const used = form.elements.action.selectedOptions[0].dataset.parameters.split(" ");
  for (const name of ["nth", "probability"]) if (given.get(name)) fault[name] = Number(given.get(name));
  if (given.get("times") !== "1") fault.times = given.get("times") ? Number(given.get("times")) : null;
  for (const name of ["status", "after_bytes", "seconds", "retry_after"]) {
    if (used.includes(name) && given.get(name) !== "") fault[name] = Number(given.get(name));
  }
  for (const name of ["body", "content_type"]) {
    if (used.includes(name) && given.get("body")) fault[name] = given.get(name);
  }
  if (used.includes("resets") && given.get("resets")) fault.resets = true;
  return fault;
}

function showFaultForm() {
  const form = byId("fault-form");
  const used = form.elements.action.selectedOptions[0].dataset.parameters.split(" ");
  for (const label of form.querySelectorAll("[data-parameter]")) label.hidden = !used.includes(label.dataset.parameter);
  const fault = faultOf(form);
  byId("fault-python").textContent = faultPython(fault);
  byId("fault-curl").textContent = `curl -X POST ${origin}/_emulator/faults -d ${shell(JSON.stringify([fault]))}`;
}

function faultPython(fault) {
  const { operation, action, ...rest } = fault;
  const words = [literal(operation), literal(action), ...Object.entries(rest).map(([name, value]) => `${name}=${literal(value)}`)];
  return `emu.faults.add(Fault(${words.join(", ")}))`;
}

function showFaults() {
  show(byId("fault-list"), latest.faults.map((row, index) => ({
    key: String(index), content: row, make: () => {
      const left = row.times === null ? "until removed" : `${plural(Math.max(0, row.times - row.fired), "time")} more`;
      return element("li", {}, element("p", {}, element("strong", {}, row.action), ` for ${row.operation}, ${left}`),
        element("p", { class: "note" }, `${plural(row.seen, "request")} seen, fired ${plural(row.fired, "time")}`));
    },
  })));
  const on = latest.faults.filter((row) => row.times === null || row.fired < row.times).length;
  byId("fault-count").textContent = on ? plural(on, "fault") : "no faults";
}

function quirkValue(item) {
  const field = item.querySelector("select, input[type=number]");
  return field === null ? true : field.tagName === "SELECT" ? field.value : Number(field.value);
}

function showQuirk(item) {
  const name = item.dataset.name, value = quirkValue(item);
  const text = value === true ? name : `${name}=${value}`;
  item.querySelector("pre").textContent = `emu.quirks[${literal(name)}] = ${literal(value)}\napivideo emulator --quirk ${text}`;
}

function showQuirks() {
  const set = latest.quirks;
  for (const item of document.querySelectorAll(".quirk")) {
    const box = item.querySelector("input[type=checkbox]"), value = set[item.dataset.name];
    box.checked = value !== undefined;
    const field = item.querySelector("select, input[type=number]");
    if (value !== undefined && field !== null && field !== document.activeElement) field.value = value;
    showQuirk(item);
  }
  const count = Object.keys(set).length;
  byId("quirk-count").textContent = count ? plural(count, "quirk") : "no quirks";
}

async function switchQuirk(item) {
  const name = item.dataset.name;
  const problem = item.querySelector("input[type=checkbox]").checked
    ? await order("POST", "/_emulator/quirks", { [name]: quirkValue(item) })
    : await order("DELETE", `/_emulator/quirks/${name}`);
  byId("quirk-problem").textContent = problem ?? "";
  if (problem) showQuirks();
}

// -- Sections, updates

function showSection() {
  const wanted = location.hash.slice(1) || "videos";
  const sections = [...document.querySelectorAll("main > section")];
  const shown = sections.find((section) => section.id === wanted) ?? sections[0];
  for (const section of sections) section.hidden = section !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  render();
}

const RENDERERS = { videos: () => { showUploads(); showVideos(); }, requests: showRequests, webhooks: showDeliveries, plays: showPlays };

function render() {
  if (latest.counts === undefined) return;
  for (const name of ["videos", "requests", "deliveries", "plays"]) byId(`count-${name}`).textContent = number.format(latest.counts[name]);
  showLimits();
  showFaults();
  showQuirks();
  const shown = document.querySelector("main > section:not([hidden])");
  RENDERERS[shown.id]?.();
}

let waiting = false;

function learn(change) {
  const { videos: rows, gone, requests: lines, chunks, ...whole } = change;
  Object.assign(latest, whole);
  for (const row of rows ?? []) videos.set(row.id, row);
  for (const id of gone ?? []) { videos.delete(id); maps.delete(id); speeds.delete(id); }
  for (const row of lines ?? []) requests.set(row.number, row);
  if (whole.first_request !== undefined) {
    for (const id of requests.keys()) { if (id < whole.first_request) requests.delete(id); else break; }
  }
  for (const shown of chunks ?? []) learnChunks(shown);
  if (!waiting) {
    waiting = true;
    requestAnimationFrame(() => { waiting = false; render(); });
  }
}

function forget() {
  videos.clear();
  requests.clear();
  maps.clear();
  latest = {};
}

function connect() {
  const source = new EventSource("/_emulator/updates");
  source.onopen = () => { forget(); byId("connection").textContent = "live"; };
  source.onmessage = (event) => learn(JSON.parse(event.data));
  source.onerror = () => {
    byId("connection").textContent = "not connected";
    if (source.readyState === EventSource.CLOSED) setTimeout(poll, POLL);
  };
}

async function poll() {
  try {
    const response = await fetch("/_emulator/state");
    forget();
    learn(await response.json());
    byId("connection").textContent = "polling";
  } catch {
    byId("connection").textContent = "not connected";
  }
  setTimeout(poll, POLL);
}

function listen(id, event, act) {
  byId(id).addEventListener(event, act);
}

listen("seed", "click", () => order("POST", "/_emulator/seed"));
listen("reset", "click", () => {
  if (confirm("Delete all videos, logs, faults and quirks of this emulator?")) order("POST", "/_emulator/reset");
});
listen("clear-requests", "click", () => order("DELETE", "/_emulator/requests"));
listen("clear-faults", "click", () => order("DELETE", "/_emulator/faults"));
listen("clear-quirks", "click", () => order("DELETE", "/_emulator/quirks"));
listen("close-details", "click", () => byId("details").close());
for (const id of ["video-search", "video-state", "request-search", "request-status", "request-odd"]) listen(id, "input", render);
listen("fault-form", "input", showFaultForm);
listen("fault-form", "submit", async (event) => {
  event.preventDefault();
  byId("fault-problem").textContent = await order("POST", "/_emulator/faults", [faultOf(byId("fault-form"))]) ?? "";
});
for (const item of document.querySelectorAll(".quirk")) {
  showQuirk(item);
  item.addEventListener("change", () => switchQuirk(item));
}
addEventListener("hashchange", showSection);
showFaultForm();
showSection();
connect();
