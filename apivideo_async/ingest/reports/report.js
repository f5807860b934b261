// The list of all items in a report. Text is only ever set as text, never as HTML.
"use strict";

const SHOWN = 200; // Lines on the page. Others are found with the filters.
const byId = (id) => document.getElementById(id);
const { columns, player, rows } = JSON.parse(byId("items").textContent);
const at = Object.fromEntries(columns.map((name, index) => [name, index]));
const number = new Intl.NumberFormat("en-US");
const two = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

function bytes(value) {
  if (value === null) return "";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = value, unit = 0;
  while (size >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
  return `${two.format(size)} ${units[unit]}`;
}

function cell(text, kind) {
  const made = document.createElement("td");
  if (kind) made.className = kind;
  made.append(text);
  return made;
}

function video(id) {
  if (id === null || player === null) return id ?? "";
  const link = document.createElement("a");
  link.href = player + encodeURIComponent(id);
  link.textContent = id;
  return link;
}

function line(row) {
  const made = document.createElement("tr");
  const failed = row[at.state] === "failed" || row[at.state] === "quarantined";
  made.append(
    cell(row[at.uri]), cell(row[at.state]), cell(video(row[at.video])), cell(bytes(row[at.size]), "number"),
    cell(row[at.seconds] === null ? "" : `${two.format(row[at.seconds])} s`, "number"),
    cell(number.format(row[at.attempts]), "number"),
    cell([failed && row[at.cause], row[at.message]].filter(Boolean).join(": ")),
  );
  return made;
}

function show() {
  const text = byId("search").value.toLowerCase(), state = byId("state").value, cause = byId("cause").value;
  const found = [];
  let count = 0;
  for (const row of rows) {
    if (state && row[at.state] !== state) continue;
    if (cause && (row[at.cause] !== cause || !["failed", "quarantined"].includes(row[at.state]))) continue;
    if (text && !`${row[at.uri]} ${row[at.video]} ${row[at.message]}`.toLowerCase().includes(text)) continue;
    count += 1;
    if (found.length < SHOWN) found.push(line(row));
  }
  byId("item-list").replaceChildren(...found);
  byId("count").textContent = count > SHOWN
    ? `The first ${number.format(SHOWN)} of ${number.format(count)} items. Use the filters for others.`
    : `${number.format(count)} item${count === 1 ? "" : "s"}`;
}

function choices(select, values) {
  for (const value of [...new Set(values)].filter(Boolean).sort()) select.add(new Option(value));
}

choices(byId("state"), rows.map((row) => row[at.state]));
choices(byId("cause"), rows.map((row) => ["failed", "quarantined"].includes(row[at.state]) ? row[at.cause] : null));
for (const id of ["search", "state", "cause"]) byId(id).addEventListener("input", show);
for (const button of document.querySelectorAll("[data-cause]")) {
  button.addEventListener("click", () => {
    byId("search").value = byId("state").value = "";
    byId("cause").value = button.dataset.cause;
    show();
    byId("all").scrollIntoView();
    byId("cause").focus();
  });
}
byId("all").hidden = false;
show();
