"use strict";

const KEY = "churn-report-api-key"; // in sessionStorage, which ends with the tab
const SLOW_SECONDS = 10;
const byId = (id) => document.getElementById(id);
const form = byId("form"), key = byId("key"), client = byId("client"), week = byId("week"), customers = byId("customers");

// Where this page is: a function's address may carry a prefix, with or without a slash at its end.
const base = location.pathname.replace(/(\/dashboard\/reports)?\/*$/, "/");

const ADVICE = {
  400: "Please reload this page and try again.",
  401: "Check the key for typing mistakes, or ask the operator of these reports for a new one.",
  403: "Ask the operator of these reports for a key that covers this.",
  422: "Please correct it and generate the report again.",
  429: "Please wait a minute before the next try.",
  500: "Please try again later. If the problem stays, tell the operator of these reports.",
  502: "Nothing is wrong with what you entered. Please try again in a few minutes.",
  504: "Big weeks take longer. Try again in a moment: a second try is often quicker.",
};
const FIELDS = { 401: key, 429: key, 403: client, client_id: client, week_ending: week };
const LAYOUTS = { plain: "spreadsheets", klaviyo: "Klaviyo", mailchimp: "Mailchimp", google_ads: "Google Ads" };
const STEPS = { warehouse: "counting", score: "scoring", summary: "summary" };

let asked = { week: false }; // whether a week was chosen, by hand or by the address; else the function takes the last full one
let shown = null; // the report on the page: its query and its HTML
let running = null; // what aborts the request under way

// A browser that blocks site data throws on every use of storage; the page works without it.
const storage = {
  get() { try { return sessionStorage.getItem(KEY); } catch { return null; } },
  set(value) { try { sessionStorage.setItem(KEY, value); } catch { /* the key is asked for again */ } },
  remove() { try { sessionStorage.removeItem(KEY); } catch { /* nothing is kept */ } },
};

const isoDay = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");

function lastSunday(today) {
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() - (today.getDay() || 7));
}

/** Fill the form from the address. */
function readAddress() {
  const query = new URLSearchParams(location.search);
  const today = new Date();
  week.max = isoDay(new Date(today.getFullYear(), today.getMonth(), today.getDate() + 6)); // the last week that has begun
  client.value = query.get("client_id") ?? client.value;
  asked.week = query.has("week_ending");
  week.value = query.get("week_ending") ?? isoDay(lastSunday(today));
  customers.checked = (query.get("include") ?? "").split(",").includes("customers");
  key.value = storage.get() ?? key.value;
}

/** Return what the address holds of the form: never the key. */
function address() {
  const query = new URLSearchParams({ client_id: client.value });
  if (asked.week && week.value) query.set("week_ending", week.value);
  if (customers.checked) query.set("include", "customers");
  return query;
}

/** Throw a problem that names the key if it holds what no key has: no request could carry it. */
function checkKey() {
  const place = [...key.value.trim()].findIndex((character) => /[\p{C}\p{Z}]|[^\u0000-\u00ff]/u.test(character) && character !== " ");
  if (place < 0) return;
  const character = [...key.value.trim()][place];
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  const kind = /[\p{C}\p{Z}]/u.test(character) ? "an invisible character" : "a character that no key has";
  throw {
    detail: `The API key holds ${kind} (U+${code}) in place ${place + 1}.`,
    advice: "It was probably copied along with the key. Type the key, or copy it again without what is around it.",
    field: key,
  };
}

/** Send a request with the key in its header; return the answer, or throw what went wrong and what to do. */
async function request(url, signal) {
  let response;
  checkKey();
  try {
    response = await fetch(url, { headers: { "X-API-Key": key.value.trim() }, signal, cache: "no-store", credentials: "omit" });
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

/** Ask for the report in some form. */
function ask(query, format, signal) {
  const parameters = new URLSearchParams(query);
  parameters.set("include", query.has("include") ? "customers,history" : "history");
  parameters.set("format", format);
  return request(`${base}reports/generate?${parameters}`, signal);
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
  byId("download").open = false;
  setBusy(true);
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
      setBusy(false);
    }
  }
}

function setBusy(busy) {
  for (const button of document.querySelectorAll("button")) button.disabled = busy;
  byId("next").disabled ||= !shown?.report.dataset.nextWeek;
}

function showProblem(problem) {
  for (const field of [key, client, week]) field.removeAttribute("aria-invalid");
  byId("problem").hidden = !problem;
  byId("problem").replaceChildren();
  if (!problem) return;
  if (!problem.detail) console.error(problem);
  if (problem.status === 401) storage.remove();
  for (const text of [problem.detail ?? "The report could not be shown.", problem.advice ?? ADVICE[500]]) {
    byId("problem").append(Object.assign(document.createElement("p"), { textContent: text }));
  }
  byId("problem").scrollIntoView({ block: "nearest" });
  if (!shown) {
    byId("intro").hidden = form.hidden = false;
    byId("bar").hidden = true;
  }
  if (problem.field === key) form.hidden = false;
  if (!problem.field || form.hidden) return;
  problem.field.setAttribute("aria-invalid", "true");
  problem.field.focus();
}

function generate({ remember }) {
  const query = address();
  shown = null;
  byId("report").replaceChildren();
  byId("done").textContent = "";
  return work("Making the report.", async (signal, seconds) => {
    const response = await ask(query, "html", signal);
    const html = await response.text();
    storage.set(key.value.trim());
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
    scrollTo({ top: 0 });
  });
}

function showReport(report) {
  shown = report;
  document.title = report.report.dataset.title;
  byId("intro").hidden = form.hidden = true;
  byId("bar").hidden = false;
  byId("report").replaceChildren(report.report);
  byId("shop").textContent = report.report.dataset.shop;
  byId("period").textContent = report.report.dataset.period;
  byId("csv").hidden = !document.querySelector(".customers");
  document.querySelectorAll(".people").forEach(makeSortable);
  document.querySelectorAll(".get[data-list]").forEach(addListButton);
  addLayouts();
  for (const link of document.querySelectorAll('#report a[href^="#"]')) link.addEventListener("click", followLink);
}

/** Follow a link within the report without a new entry in the history, and unfold what it leads to. */
function followLink(event) {
  event.preventDefault();
  const target = byId(event.currentTarget.hash.slice(1));
  if (target.closest("details")) target.closest("details").open = true;
  target.tabIndex = -1;
  target.focus();
}

/** Show another week of the same shop. */
function turnTo(ending) {
  asked.week = true;
  week.value = ending;
  return generate({ remember: true });
}

/** Let the reader choose which program the lists are for: below the first actions that have one. */
function addLayouts() {
  const first = document.querySelector(".get[data-list]")?.closest("section");
  if (!first) return;
  const choice = Object.assign(document.createElement("select"), { id: "layout" });
  choice.append(...Object.entries(LAYOUTS).map(([value, text]) => new Option(text, value)));
  const label = Object.assign(document.createElement("label"), { className: "small layout", textContent: "Lists for " });
  label.append(choice);
  first.append(label);
}

/** Put a button next to an action that fetches its list. */
function addListButton(place) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Get the list" });
  button.setAttribute("aria-label", `Get the list (CSV): ${place.dataset.name}`);
  button.addEventListener("click", () => work("Fetching the list.", async (signal, seconds) => {
    const { clientId, weekEnding } = shown.report.dataset;
    const { list } = place.dataset, layout = byId("layout").value;
    const query = new URLSearchParams({ client_id: clientId, week_ending: weekEnding, list, format: "csv", layout });
    const text = await allPages(`${base}reports/customers?${query}`, signal).catch((problem) => {
      if (problem.status !== 403) throw problem;
      withoutLists(problem.detail);
      throw { ...problem, advice: "Everything else in the report comes with this key.", field: null };
    });
    const tool = layout === "plain" ? "" : `-${layout}`;
    save(`${`${list}${tool}`.replaceAll("_", "-")}-${clientId}-${weekEnding}.csv`, new Blob([text], { type: "text/csv" }));
    byId("done").textContent = `The list was ready in ${seconds()} s.`;
  }));
  place.prepend(button);
}

/** Say in the place of the buttons why this key gets no list. */
function withoutLists(reason) {
  document.querySelector(".layout")?.remove();
  for (const place of document.querySelectorAll(".get[data-list]")) {
    place.querySelector("button")?.replaceWith(Object.assign(document.createElement("span"), { className: "small", textContent: reason }));
  }
}

/** Fetch a list page by page, as the header Link names the next one; the columns' names come once. */
async function allPages(url, signal) {
  let text = "";
  for (let next = new URL(url, location.href); next; ) {
    const response = await request(next, signal);
    const page = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await response.arrayBuffer());
    text += text ? page.slice(page.indexOf("\r\n") + 2) : page;
    const [, found] = /<([^>]+)>;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "") ?? [];
    next = found && new URL(found, next);
  }
  return text;
}

/** Say how the time was spent, in the function's own words (the header Server-Timing). */
function timing(response) {
  const entries = (response.headers.get("Server-Timing") ?? "").split(", ").map((entry) => entry.split(";dur="));
  const told = entries.filter(([step, ms]) => STEPS[step] && ms >= 50).map(([step, ms]) => `${STEPS[step]} ${(ms / 1000).toFixed(1)} s`);
  return told.length ? `: ${told.join(", ")}` : "";
}

function makeSortable(table) {
  const heads = [...table.querySelectorAll("thead th")];
  heads.forEach((head, column) => {
    const numbers = head.classList.contains("number");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: head.textContent });
    button.addEventListener("click", () => {
      // The first click shows the largest numbers, or the first names.
      const before = head.getAttribute("aria-sort");
      const order = before ? (before === "descending" ? "ascending" : "descending") : numbers ? "descending" : "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const sign = order === "descending" ? -1 : 1; // not a reversal: equals stay as they are
      const compare = (one, other) => sign * (numbers ? value(one) - value(other) : value(one).localeCompare(value(other)));
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    });
    head.replaceChildren(button);
  });
}

/**
 * Write a value as a CSV cell. A spreadsheet would run a text that begins like a formula, whichever separator it splits at, so
 * such a place gets an apostrophe. `csv.py` does the same.
 */
function csvCell(text, isNumber) {
  const safe = isNumber ? text : text.replace(/(^|[,;:|\s"'])(?=[=+\-@＝＋－＠])|^(?=[\t\r\n])/g, "$1'");
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
byId("previous").addEventListener("click", () => turnTo(shown.report.dataset.previousWeek));
byId("next").addEventListener("click", () => turnTo(shown.report.dataset.nextWeek));
byId("change").addEventListener("click", () => {
  form.hidden = false;
  client.focus();
});
byId("download").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  byId("download").open = false;
  byId("download").querySelector("summary").focus();
});
byId("html").addEventListener("click", () => {
  byId("download").open = false;
  save(`${shown.name}.html`, new Blob([shown.html], { type: "text/html" }));
});
byId("csv").addEventListener("click", () => {
  byId("download").open = false;
  save(`${shown.name}.csv`, new Blob([csv(document.querySelector(".customers"))], { type: "text/csv" }));
});
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
else (client.value ? key : client).focus();
