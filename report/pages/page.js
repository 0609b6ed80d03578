"use strict";

const KEY = "churn-report-api-key"; // in sessionStorage, which ends with the tab
const SLOW_SECONDS = 10;
const byId = (id) => document.getElementById(id);
const form = byId("form"), key = byId("key"), client = byId("client"), week = byId("week"), customers = byId("customers");

// Where this page is: a function's address may carry a prefix, with or without a slash at its end.
const base = location.pathname.replace(/(\/dashboard\/reports)?\/*$/, "/");

const ADVICE = {
  400: "Please reload this page and try again.",
  401: "Check the key for typing mistakes, or ask whoever runs these reports for a new one.",
  403: "Choose another client, or ask whoever runs these reports for a key that covers this one.",
  422: "Please correct it and generate the report again.",
  429: "Please wait a minute before the next try.",
  500: "Please try again later. If it stays, tell whoever runs these reports.",
  502: "Nothing is wrong with what you entered. Please try again in a few minutes.",
  504: "Big weeks take longer. Try again in a moment: a second try is often quicker.",
};
const FIELDS = { 401: key, 429: key, 403: client, client_id: client, week_ending: week };
const STEPS = { warehouse: "counting", score: "scoring", summary: "summary" };

let asked = { week: false }; // whether a week was chosen, by hand or by the address; else the function takes the last full one
let shown = null; // the report on the page: its query and its HTML
let running = null; // what aborts the request under way

const isoDay = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");

function lastSunday(today) {
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() - (today.getDay() || 7));
}

/** Fill the form from the address. */
function readAddress() {
  const query = new URLSearchParams(location.search);
  const today = new Date();
  week.max = isoDay(today);
  client.value = query.get("client_id") ?? client.value;
  asked.week = query.has("week_ending");
  week.value = query.get("week_ending") ?? isoDay(lastSunday(today));
  customers.checked = (query.get("include") ?? "").split(",").includes("customers");
  key.value = sessionStorage.getItem(KEY) ?? key.value;
}

/** What the address holds of the form: never the key. */
function address() {
  const query = new URLSearchParams({ client_id: client.value });
  if (asked.week && week.value) query.set("week_ending", week.value);
  if (customers.checked) query.set("include", "customers");
  return query;
}

/** Ask the function; its answer, or an error that says what went wrong and what to do. */
async function ask(query, format, signal) {
  const parameters = new URLSearchParams(query);
  parameters.set("include", query.has("include") ? "customers,history" : "history");
  parameters.set("format", format);
  let response;
  try {
    response = await fetch(`${base}reports/generate?${parameters}`, { headers: { "X-API-Key": key.value.trim() }, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (signal.aborted) throw error;
    throw { detail: "The report could not be fetched: nothing answered.", advice: "Check your connection to the internet and try again." };
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw {
    status: response.status,
    detail: problem.detail ?? `The answer was an error (${response.status}).`,
    advice: ADVICE[response.status] ?? ADVICE[500],
    field: FIELDS[problem.parameter] ?? FIELDS[response.status],
  };
}

/** Show that something is under way, do it, and show what came of it. */
async function work(doing, task) {
  running?.abort();
  const abort = (running = new AbortController());
  const started = performance.now();
  const tick = () => {
    const seconds = (performance.now() - started) / 1000;
    byId("elapsed").textContent = `${Math.floor(seconds)} s`;
    const said = seconds > SLOW_SECONDS ? `${doing} This takes longer than usual…` : doing;
    if (byId("doing").textContent !== said) byId("doing").textContent = said; // said aloud once, not at every tick
  };
  showProblem(null);
  byId("progress").hidden = false;
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  tick();
  const clock = setInterval(tick, 250);
  try {
    await task(abort.signal, () => ((performance.now() - started) / 1000).toFixed(1));
  } catch (problem) {
    if (!abort.signal.aborted) showProblem(problem);
  } finally {
    clearInterval(clock);
    if (running === abort) {
      running = null;
      byId("progress").hidden = true;
      for (const button of document.querySelectorAll("button")) button.disabled = false;
    }
  }
}

function showProblem(problem) {
  for (const field of [key, client, week]) field.removeAttribute("aria-invalid");
  byId("problem").hidden = !problem;
  byId("problem").replaceChildren();
  if (!problem) return;
  if (!problem.detail) console.error(problem);
  if (problem.status === 401) sessionStorage.removeItem(KEY);
  for (const text of [problem.detail ?? "The report could not be shown.", problem.advice ?? ADVICE[500]]) {
    byId("problem").append(Object.assign(document.createElement("p"), { textContent: text }));
  }
  problem.field?.setAttribute("aria-invalid", "true");
  problem.field?.focus();
}

function generate({ remember }) {
  const query = address();
  return work("Making the report.", async (signal, seconds) => {
    showReport(null);
    const response = await ask(query, "html", signal);
    const html = await response.text();
    sessionStorage.setItem(KEY, key.value.trim());
    // Only the report: the file's own style is the page's already, and its policy would not let another in.
    const [article] = /<article[^]*<\/article>/.exec(html);
    const report = new DOMParser().parseFromString(article, "text/html").querySelector("article");
    asked.week = true;
    week.value = report.dataset.weekEnding;
    const found = address();
    if (remember && `?${found}` !== location.search) history.pushState(null, "", `?${found}`);
    else history.replaceState(null, "", `?${found}`);
    showReport({ query: found, html, report: document.adoptNode(report), name: nameOf(response) });
    byId("done").textContent = `Ready in ${seconds()} s${timing(response)}.`;
    report.querySelector("h1").focus({ preventScroll: true });
    byId("tools").scrollIntoView({ block: "start" });
  });
}

function showReport(report) {
  shown = report;
  byId("intro").hidden = Boolean(report);
  byId("tools").hidden = !report;
  byId("report").replaceChildren(...(report ? [report.report] : []));
  const table = document.querySelector(".customers");
  byId("csv").hidden = !table;
  if (table) makeSortable(table);
}

/** How the time was spent, in the function's own words (the header Server-Timing). */
function timing(response) {
  const entries = (response.headers.get("Server-Timing") ?? "").split(", ").map((entry) => entry.split(";dur="));
  const told = entries.filter(([step, ms]) => STEPS[step] && ms >= 50).map(([step, ms]) => `${STEPS[step]} ${(ms / 1000).toFixed(1)} s`);
  return told.length ? `: ${told.join(", ")}` : "";
}

function makeSortable(table) {
  const heads = [...table.querySelectorAll("thead th")];
  heads.forEach((head, column) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: head.textContent });
    button.addEventListener("click", () => {
      const order = head.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const numbers = head.classList.contains("number");
      const sign = order === "descending" ? -1 : 1; // not a reversal: equals stay as they are
      const compare = (one, other) => sign * (numbers ? value(one) - value(other) : value(one).localeCompare(value(other)));
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    });
    head.replaceChildren(button);
  });
}

/** A value as a CSV cell. A spreadsheet would run a text that begins like a formula, so such a text gets a quote before it. */
function csvCell(text, isNumber) {
  const safe = !isNumber && /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function csv(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("[data-column]")]);
  const head = rows[0].map((cell) => csvCell(cell.dataset.column));
  const body = rows.map((cells) => cells.map((cell) => csvCell(cell.dataset.csv ?? cell.textContent, "csv" in cell.dataset)));
  return "\ufeff" + [head, ...body].map((cells) => cells.join(",") + "\r\n").join(""); // the mark tells Excel that it is UTF-8
}

function nameOf(response) {
  const [, name] = /filename="([^"]+)\.\w+"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
  return name ?? "churn-report";
}

function save(name, blob) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!running) generate({ remember: true });
});
week.addEventListener("input", () => { asked.week = true; });
byId("html").addEventListener("click", () => save(`${shown.name}.html`, new Blob([shown.html], { type: "text/html" })));
byId("csv").addEventListener("click", () => save(`${shown.name}.csv`, new Blob([csv(document.querySelector(".customers"))], { type: "text/csv" })));
byId("pdf").addEventListener("click", () => work("Setting the PDF.", async (signal, seconds) => {
  const response = await ask(shown.query, "pdf", signal);
  save(`${nameOf(response)}.pdf`, await response.blob());
  byId("done").textContent = `The PDF was ready in ${seconds()} s.`;
}));
addEventListener("popstate", () => {
  readAddress();
  if (client.value && key.value) generate({ remember: false });
});

readAddress();
if (location.search && key.value && client.value) generate({ remember: false });
else (key.value ? client : key).focus();
