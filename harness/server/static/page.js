// The page: views by the address after #, results from /api, live messages from /ws. No library.
import { Chart, TradingTime, lowerBound, measurePan, timeText } from "./chart.js";

const main = document.getElementById("main");
const notice = document.getElementById("notice");
let cleanups = [];
window.harness = { charts: {}, measurePan };

/** An element; text only ever becomes text. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null));
  return element;
}

async function api(path, options = {}) {
  const response = await fetch(path, options);
  if (response.status === 401 && path !== "/api/session") { await signIn(); return api(path, options); }
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? response.statusText);
  return body;
}
const post = (path, body) => api(path, { method: "POST", headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body) });

let signingIn = null;
function signIn() {
  signingIn ??= new Promise((resolve) => {
    const dialog = document.getElementById("sign-in"), form = document.getElementById("sign-in-form");
    dialog.showModal();
    form.onsubmit = async (event) => {
      event.preventDefault();
      try {
        await post("/api/session", { token: document.getElementById("token").value });
        document.getElementById("token").value = "";
        dialog.close(); signingIn = null; resolve();
      } catch (error) { document.getElementById("sign-in-error").textContent = error.message; }
    };
  });
  return signingIn;
}

function say(text) { notice.textContent = text; notice.hidden = !text; }
const percent = (ratio) => `${ratio >= 1 ? "+" : "−"}${Math.abs(100 * (ratio - 1)).toFixed(1)} %`;
const money = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });
const seconds = (value) => (value == null ? "" : value >= 1 ? `${value.toFixed(2)} s` : `${(1000 * value).toFixed(1)} ms`);
const link = (href, text) => h("a", { href }, text);
const runLink = (id, trial) => `#/run/${id}${trial ? `/${trial}` : ""}`;

/** `columns`: [title, row -> text or element, isNumber]. */
function table(columns, rows, caption) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("thead", {}, h("tr", {}, columns.map(([title, , number]) =>
      h("th", { scope: "col", class: number ? "number" : null }, title)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, columns.map(([, cell, number]) =>
      h("td", { class: number ? "number" : null }, cell(row) ?? "")))))));
}
function figures(values) {
  return h("dl", { class: "figures" }, Object.entries(values).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
}
function bars(rows) {
  const most = Math.max(...rows.map((row) => row.value), 1e-12);
  return h("div", { class: "bars" }, rows.map((row) => {
    const fill = h("div", { class: `fill ${row.kind ?? ""}` });
    fill.style.width = `${(100 * row.value) / most}%`;
    return [h("span", {}, row.name), h("div", { class: "track" }, fill), h("span", { class: "value" }, row.text)];
  }));
}
function choice(label, options, onchange, value) {
  const select = h("select", { onchange: () => onchange(select.value) },
    options.map((option) => h("option", { value: option, selected: option === value }, option)));
  return [h("label", {}, label, select), select];
}

/** Messages of a run, again from the last one seen after a broken connection; `end` is told once. */
function watch(runId, onMessage, onEnd) {
  let since = 0, socket = null, stopped = false, pause = 500;
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/ws/run/${runId}?since=${since}`);
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.sequence <= since) return;
      since = message.sequence; pause = 500;
      onMessage(message);
    };
    socket.onclose = (event) => {
      if (stopped) return;
      if (event.code === 1000) { stopped = true; onEnd(); return; }
      setTimeout(open, pause);
      pause = Math.min(10000, 2 * pause);
    };
  };
  open();
  return () => { stopped = true; socket?.close(); };
}

// ------------------------------------------------------------------------------------------------- runs

async function viewRuns() {
  const [project, page] = await Promise.all([api("/api/project"), api("/api/lab/runs?limit=50")]);
  const scenarios = Object.keys(project.scenarios), variants = Object.keys(project.variants);
  const [scenarioLabel, scenario] = choice("Scenario", scenarios, () => {}, "quick");
  const [variantLabel, variant] = choice("Variant", variants, () => {});
  const start = async (path, body) => {
    try { location.hash = runLink((await post(path, body)).run_id); } catch (error) { say(error.message); }
  };
  const form = h("form", { class: "row", id: "start", onsubmit: (event) => {
    event.preventDefault();
    start("/api/lab/run/backtest", { scenario: scenario.value, variant: variant.value });
  } }, scenarioLabel, variantLabel, h("button", { type: "submit" }, "Run backtest"),
  h("button", { type: "button", onclick: () => start("/api/bench", { scenario: scenario.value }) }, "Run benchmark session"));
  const list = h("div", {});
  const show = (jobs) => list.replaceChildren(jobs.length ? table([
    ["Run", (job) => link(runLink(job.run_id), job.run_id)],
    ["Kind", (job) => job.kind],
    ["State", (job) => h("span", { class: { completed: "good", failed: "bad" }[job.state] }, job.state)],
    ["Progress", (job) => h("span", {}, h("progress", { max: 100, value: job.state === "completed" ? 100
      : job.progress.percent ?? 0, "aria-label": "progress" }), ` ${job.progress.simulated_time ?? ""}`)],
    ["Started", (job) => (job.started_at_utc || job.created_at_utc).slice(0, 19).replace("T", " ")],
    ["", (job) => action(job)],
  ], jobs, "Runs") : h("p", {}, "No run yet: start one above."));
  const refresh = async () => { try { show((await api("/api/lab/runs?limit=50")).items); } catch (error) { say(error.message); } };
  const action = (job) => {
    const act = async (method, path) => {
      try { await api(path, { method }); } catch (error) { say(error.message); }
      refresh();
    };
    if (["queued", "running"].includes(job.state))
      return h("button", { onclick: () => act("DELETE", `/api/lab/run/${job.run_id}`) }, "Cancel");
    if (job.state !== "completed")
      return h("button", { onclick: () => act("POST", `/api/lab/run/${job.run_id}/resume`) }, "Resume");
    return null;
  };
  show(page.items);
  const timer = setInterval(() => { if (!list.contains(document.activeElement) && !document.hidden) refresh(); }, 2000);
  cleanups.push(() => clearInterval(timer));
  main.replaceChildren(h("h2", {}, "Runs"), form, list);
}

async function viewRun(runId, trial) {
  const state = h("p", { id: "state" });
  const bar = h("progress", { max: 100, value: 0, "aria-label": "progress" });
  const results = h("div", { id: "results" });
  main.replaceChildren(h("h2", {}, runId), state, h("p", {}, bar), results);
  let job = null;
  try { job = await api(`/api/lab/run/${runId}/status`); } catch { bar.hidden = true; }
  if (!job) { await showResults(results, runId, trial); return; }
  const show = (name, progress, detail) => {
    const at = [progress?.simulated_time, progress?.trial && progress.total > 1
      ? `${progress.trial} of ${progress.total}` : "", progress?.folder ? `run ${progress.number} of ${progress.total}: ${progress.folder}` : "", detail];
    state.textContent = [name, ...at].filter(Boolean).join(" · ");
    if (progress?.percent != null) bar.value = progress.percent;
  };
  show(job.state, job.progress, job.detail);
  if (job.state === "completed") bar.hidden = true;
  const finish = async () => {
    const done = await api(`/api/lab/run/${runId}/status`);
    show(done.state, done.progress, done.detail);
    bar.hidden = true;
    if (done.state !== "completed" && done.state !== "failed") return;
    if (done.kind === "bench") await viewSession(runId);
    else if (done.state === "completed") await showResults(results, runId, trial);
  };
  if (["completed", "failed", "cancelled", "interrupted"].includes(job.state)) { await finish(); return; }
  cleanups.push(watch(runId, (message) => {
    if (message.type === "progress") show("running", message, "");
    else if (message.type === "verdict") show("verdict", null, message.verdict);
    else show(message.type.replace("_", " "), message, message.detail);
  }, () => finish().catch((error) => say(error.message))));
}

async function showResults(box, runId, trial) {
  const { trials } = await api(`/api/lab/run/${runId}/trials`);
  if (!trials.length) { box.replaceChildren(h("p", {}, "No results yet.")); return; }
  const name = trial ?? trials[0];
  const base = `/api/lab/run/${runId}`, query = `trial=${encodeURIComponent(name)}`;
  const full = await api(`${base}/full_results?${query}`);
  const parts = [];
  if (trials.length > 1)
    parts.push(h("div", { class: "row" }, choice("Trial", trials, (value) => { location.hash = runLink(runId, value); }, name)[0]));
  if (full.summary.runtime_error) parts.push(h("pre", { class: "bad" }, full.summary.runtime_error));
  const equityBox = h("div", { class: "chart" }), drawdownBox = h("div", { class: "chart small" });
  const candleBox = h("div", { class: "chart tall" });
  const symbols = full.summary.symbols;
  const candleHead = h("div", { class: "row" });
  const tradesBox = h("div", {});
  parts.push(h("h3", {}, "Equity"), equityBox, h("h3", {}, "Drawdown"), drawdownBox,
    h("h3", {}, "Candles and fills"), symbols.length ? [candleHead, candleBox] : h("p", {}, "Nothing was filled."),
    h("h3", {}, `Trades (${full.summary.trades})`), tradesBox,
    h("p", {}, h("a", { href: `${base}/artifacts/trades?${query}`, download: true }, "trades.csv"), " ",
      h("a", { href: `${base}/artifacts/equity?${query}`, download: true }, "equity.csv")),
    h("h3", {}, "Stages"), stageBars(full.stages), h("h3", {}, "Statistics"), figures(full.summary.statistics),
    h("h3", {}, "At the end"), figures(full.summary.runtime_statistics));
  box.replaceChildren(...parts.flat());
  equityCharts(equityBox, drawdownBox, full.equity);
  if (symbols.length) candleChart(candleHead, candleBox, base, query, full);
  tradesTable(tradesBox, full.trades);
}

function stageBars(told) {
  if (!told?.stages) return h("p", { class: "dim" }, "The algorithm told no stage times.");
  const rows = Object.entries(told.stages).map(([name, stage]) => ({ name, value: stage.wall_ns / 1e9,
    text: `${seconds(stage.wall_ns / 1e9)} · ${stage.count.toLocaleString("en-US")} calls` }));
  const rest = told.total_wall_ns / 1e9 - rows.reduce((sum, row) => sum + row.value, 0);
  if (rest > 0) rows.push({ name: "engine remainder", value: rest, text: seconds(rest) });
  return bars(rows);
}

/** Indices of least and greatest in each of `points / 2` equal parts: what the eye sees of a long series. */
function sampled(values, points) {
  if (values.length <= points) return Uint32Array.from(values.keys());
  const chosen = [], parts = points / 2;
  for (let part = 0; part < parts; part++) {
    const first = Math.floor((part * values.length) / parts), last = Math.floor(((part + 1) * values.length) / parts);
    let least = first, most = first;
    for (let i = first; i < last; i++) { if (values[i] < values[least]) least = i; if (values[i] > values[most]) most = i; }
    chosen.push(Math.min(least, most)); if (least !== most) chosen.push(Math.max(least, most));
  }
  if (chosen[0] !== 0) chosen.unshift(0);
  if (chosen.at(-1) !== values.length - 1) chosen.push(values.length - 1);
  return Uint32Array.from(chosen);
}

function equityCharts(equityBox, drawdownBox, equity) {
  const index = (time) => Math.max(0, lowerBound(equity.time, time + 1) - 1);
  const text = (time) => { const i = index(time);
    return equity.time.length ? `${timeText(equity.time[i])}  equity ${money(equity.equity[i])}  drawdown ${(100 * equity.drawdown[i]).toFixed(2)} %` : ""; };
  const top = new Chart(equityBox, { label: "Equity", format: (value) => money(value), readout: text });
  const bottom = new Chart(drawdownBox, { label: "Drawdown", format: (value) => `${(100 * value).toFixed(2)} %`, readout: text });
  for (const chart of [top, bottom]) chart.setTimes(equity.time, new TradingTime(equity.time));
  top.linked = [bottom]; bottom.linked = [top];
  const layer = (values, color, fill) => { const chosen = sampled(values, 8000);
    return { kind: "line", color, fill, time: Array.from(chosen, (i) => equity.time[i]), y: Float64Array.from(chosen, (i) => values[i]) }; };
  top.setLayers([layer(equity.equity, "equity", false)]);
  bottom.setLayers([layer(equity.drawdown, "down", true)]);
  Object.assign(window.harness.charts, { equity: top, drawdown: bottom });
}

function candleChart(head, box, base, query, full) {
  let symbol = full.summary.symbols[0], timer = 0, asked = 0;
  const bySymbol = new Map(full.summary.symbols.map((name) => [name, { kind: "markers", time: [], y: [], side: [], quantity: [] }]));
  full.fills.time.forEach((time, i) => {
    const layer = bySymbol.get(full.fills.symbol[i]);
    layer.time.push(time); layer.y.push(full.fills.price[i]);
    layer.side.push(Math.sign(full.fills.quantity[i])); layer.quantity.push(full.fills.quantity[i]);
  });
  let candles = null;
  const readout = (time) => {
    if (!candles?.time.length) return "";
    const i = Math.max(0, lowerBound(candles.time, time + 1) - 1);
    const fills = bySymbol.get(symbol), near = lowerBound(fills.time, time);
    const fill = near < fills.time.length && Math.abs(fills.time[near] - time) < 600
      ? `  fill ${timeText(fills.time[near])} ${fills.quantity[near]} at ${fills.y[near]}` : "";
    return `${timeText(candles.time[i])}  O ${candles.open[i]} H ${candles.high[i]} L ${candles.low[i]} C ${candles.close[i]}${fill}`;
  };
  const chart = new Chart(box, { label: "Candles with fills marked", format: (value) => value.toFixed(2), readout,
    onView: (from, to) => { clearTimeout(timer); timer = setTimeout(() => load(from, to), 150); } });
  const put = (columns) => {
    candles = columns;
    chart.setLayers([{ kind: "candles", ...columns }, bySymbol.get(symbol)]);
  };
  const load = async (from, to) => {
    const mine = ++asked, span = to - from;
    const points = Math.min(6000, Math.max(300, 3 * Math.floor(chart.canvas.clientWidth / 2)));
    try {
      const found = await api(`${base}/candles?${query}&symbol=${symbol}&from=${Math.floor(from - span)}&to=${Math.ceil(to + span)}&points=${points}`);
      if (mine === asked && found.time.length) put(found);
    } catch (error) { say(error.message); }
  };
  const show = () => {
    const sampledCandles = full.candles_sampled[symbol];
    const fills = bySymbol.get(symbol);
    const times = sampledCandles?.time.length ? sampledCandles.time : fills.time;
    chart.setTimes(times);
    if (sampledCandles) put(sampledCandles); else chart.setLayers([fills]);
    load(chart.axis.time(chart.view[0]), chart.axis.time(chart.view[1]));
  };
  head.append(choice("Symbol", full.summary.symbols, (value) => { symbol = value; show(); })[0],
    h("span", { class: "dim" }, "▲ buy  ▼ sell · wheel or +/− zooms, drag or arrows move, 0 shows all"));
  window.harness.charts.candles = chart;
  cleanups.push(() => { clearTimeout(timer); asked++; });
  show();
}

function tradesTable(box, trades) {
  const size = 50, count = trades.symbol.length;
  let page = 0, order = [...trades.symbol.keys()], key = null, down = false;
  const columns = [["symbol", "Symbol"], ["direction", "Side"], ["quantity", "Quantity", money], ["entry_time", "Entry", timeText],
    ["entry_price", "at", money], ["exit_time", "Exit", timeText], ["exit_price", "at", money],
    ["profit_loss", "Profit", money], ["total_fees", "Fees", money], ["duration", "Duration"]];
  const show = () => {
    const rows = order.slice(page * size, (page + 1) * size);
    const body = table(columns.map(([name, , format]) => [
      h("button", { onclick: () => sort(name), "aria-label": `Sort by ${name.replace("_", " ")}` },
        columns.find((column) => column[0] === name)[1] + (key === name ? (down ? " ↓" : " ↑") : "")),
      (i) => { const text = format ? format(trades[name][i]) : String(trades[name][i]);
        return name === "profit_loss" ? h("span", { class: trades[name][i] >= 0 ? "good" : "bad" }, text) : text; },
      Boolean(format)]), rows, "Trades");
    box.replaceChildren(count ? body : h("p", {}, "No closed trade."), count > size ? h("div", { class: "row" },
      h("button", { onclick: () => { page--; show(); }, disabled: page === 0 }, "Previous"),
      h("span", {}, `${page * size + 1}–${Math.min(count, (page + 1) * size)} of ${count}`),
      h("button", { onclick: () => { page++; show(); }, disabled: (page + 1) * size >= count }, "Next")) : "");
  };
  const sort = (name) => {
    down = key === name ? !down : false; key = name; page = 0;
    order.sort((a, b) => (trades[name][a] < trades[name][b] ? -1 : trades[name][a] > trades[name][b] ? 1 : a - b) * (down ? -1 : 1));
    show();
  };
  show();
}

// ------------------------------------------------------------------------------------------------- sessions

async function viewSessions() {
  const { items } = await api("/api/sessions?limit=100");
  const names = items.map((item) => item.session);
  const [leftLabel, left] = choice("Compare", names, () => {}, names[1]);
  const [rightLabel, right] = choice("with", names, () => {}, names[0]);
  const compared = h("div", {});
  const compare = h("button", { type: "button", onclick: async () => {
    try {
      const found = await api(`/api/compare?left=${left.value}&right=${right.value}`);
      compared.replaceChildren(table([["Quantity", (q) => q.name], ["Ratio before", (q) => q.left.ratio.toFixed(3), true],
        ["Ratio now", (q) => q.right.ratio.toFixed(3), true],
        ["Baseline", (q) => (q.baseline_change ? percent(q.baseline_change) : ""), true],
        ["Candidate", (q) => (q.candidate_change ? percent(q.candidate_change) : ""), true]], found.quantities, "Comparison"),
      found.environment_differs_in.length ? h("p", { class: "bad" }, `Not the same environment: ${found.environment_differs_in.join(", ")}. Times may not be compared.`) : "");
    } catch (error) { say(error.message); }
  } }, "Compare");
  main.replaceChildren(h("h2", {}, "Benchmark sessions"), items.length ? table([
    ["Session", (item) => link(`#/session/${item.session}`, item.session)], ["Scenario", (item) => item.scenario],
    ["Verdict", (item) => (item.finished ? item.verdict : `unfinished (${item.runs_done} of ${item.runs_planned})`)],
    ["Same results", (item) => (item.identical ? "yes" : h("span", { class: "bad" }, "no"))],
    ["Pairs", (item) => item.pairs, true],
    ["Wall", (item) => (item.ratios.wall ? percent(item.ratios.wall) : ""), true],
  ], items, "Sessions") : h("p", {}, "No session yet: start one under Runs, or with make bench."),
  names.length > 1 ? h("div", { class: "row" }, leftLabel, rightLabel, compare) : "", compared);
}

async function viewSession(name) {
  const report = await api(`/api/sessions/${name}`);
  const firstRun = (variant) => report.runs.find((run) => run.variant === variant && run.outcome === "completed")?.folder;
  const sides = [report.baseline, report.candidate].map(firstRun);
  const stageRows = report.stages.flatMap((stage) => [
    { name: stage.name, value: stage.baseline_s, text: seconds(stage.baseline_s) },
    { name: "", value: stage.candidate_s, kind: "candidate", text: `${seconds(stage.candidate_s)}${stage.ratio ? ` (${percent(stage.ratio)})` : ""}` }]);
  main.replaceChildren(...[
    h("h2", {}, name),
    h("div", { class: `verdict ${report.verdict}`, id: "verdict" }, h("strong", {}, report.finished ? report.verdict : "unfinished"),
      h("ul", {}, report.reasons.map((reason) => h("li", {}, reason)))),
    h("p", { class: report.parity.identical ? "good" : "bad" }, report.parity.identical
      ? `Same results: ${report.parity.compared} comparisons of ${report.parity.order_events} order events and every figure`
      : `Different results: ${report.parity.problem}`),
    h("h3", {}, `${report.candidate} against ${report.baseline}`),
    table([["Quantity", (q) => q.name], [report.baseline, (q) => `${q.baseline.toFixed(3)} ${q.unit}`, true],
      [report.candidate, (q) => `${q.candidate.toFixed(3)} ${q.unit}`, true], ["Change", (q) => percent(q.ratio), true],
      ["Interval", (q) => `${percent(q.low)} … ${percent(q.high)}`, true],
      ["Target", (q) => `≤ ${q.target.toFixed(2)}`, true], ["Verdict", (q) => q.verdict]], report.quantities, "Quantities"),
    h("h3", {}, "Stages"), stageRows.length ? bars(stageRows) : h("p", { class: "dim" }, "No stage times."),
    sides[0] && sides[1] ? h("p", {}, link(`#/parity/${name}/${sides[0]}/vs/${name}/${sides[1]}`, "Parity diff of the first runs")) : null,
    ...report.warnings.map((warning) => h("p", { class: "dim" }, `Attention: ${warning}`)),
    h("h3", {}, "Runs"),
    table([["Run", (run) => link(runLink(name, run.folder), run.folder)], ["Kind", (run) => run.kind], ["Outcome", (run) => run.outcome],
      ["Wall", (run) => seconds(run.wall_s), true], ["CPU", (run) => seconds(run.cpu_s), true],
      ["Peak", (run) => `${run.peak_mib.toFixed(0)} MiB`, true], ["Same", (run) => (run.identical ? "yes" : "no")]], report.runs, "Runs of the session"),
  ].filter(Boolean));
}

async function viewParity(left = "", right = "") {
  const output = h("div", { id: "parity", "aria-live": "polite" });
  const inputs = [h("input", { value: left, required: true, size: 40 }), h("input", { value: right, required: true, size: 40 })];
  const compare = async () => {
    try {
      const found = await api(`/api/parity?left=${encodeURIComponent(inputs[0].value)}&right=${encodeURIComponent(inputs[1].value)}`);
      output.replaceChildren(h("p", { class: found.identical ? "good" : "bad" }, found.summary),
        found.differences.length ? table([["Where", (d) => d.path ?? ""], ["Left", (d) => JSON.stringify(d.left)], ["Right", (d) => JSON.stringify(d.right)]],
          found.differences, "Differences") : "",
        found.first_difference ? h("pre", {}, JSON.stringify(found.first_difference, null, 2)) : "");
    } catch (error) { output.replaceChildren(h("p", { class: "bad" }, error.message)); }
  };
  main.replaceChildren(h("h2", {}, "Parity"), h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); compare(); } },
    h("label", {}, "Left (run/trial)", inputs[0]), h("label", {}, "Right (run/trial)", inputs[1]), h("button", { type: "submit" }, "Compare")), output);
  if (left && right) await compare();
}

async function viewHistory(quantity = "wall") {
  const { trends } = await api(`/api/history?quantity=${quantity}`);
  const [label] = choice("Quantity", ["wall", "CPU", "memory"], (value) => { location.hash = `#/history/${value}`; }, quantity);
  main.replaceChildren(h("h2", {}, "History"), h("div", { class: "row" }, label), trends.length ? table([
    ["Scenario", (trend) => trend.scenario], ["Variant", (trend) => trend.candidate], ["Machine", (trend) => trend.machine],
    ["Trend", (trend) => trend.sparkline], ["Sessions", (trend) => trend.values.length, true],
    ["Latest", (trend) => link(`#/session/${trend.sessions.at(-1)}`, `${trend.values.at(-1).toFixed(3)} ${trend.unit}`), true],
    ["Changes", (trend) => trend.changes.join("; ") || "none"]], trends, "Trends") : h("p", {}, "No session in the history yet."));
}

async function viewSweeps(name) {
  if (name) {
    const sweep = await api(`/api/sweeps/${name}?limit=200`);
    main.replaceChildren(h("h2", {}, name), h("p", {}, `${sweep.trials_done} trials done, ${sweep.failed} failed`),
      table([["Trial", (row) => row.number, true], ["Parameters", (row) => JSON.stringify(row.parameters)], ["State", (row) => row.state],
        ["Value", (row) => row.value ?? "", true]], sweep.trials, "Trials"));
    return;
  }
  const { items } = await api("/api/sweeps");
  main.replaceChildren(h("h2", {}, "Sweeps"), items.length ? table([["Sweep", (item) => link(`#/sweeps/${item.sweep}`, item.sweep)],
    ["Trials", (item) => item.trials_done, true], ["Failed", (item) => item.failed, true], ["Least", (item) => item.least ?? "", true],
    ["Greatest", (item) => item.greatest ?? "", true]], items, "Sweeps") : h("p", {}, "No sweep yet."));
}

async function route() {
  cleanups.forEach((cleanup) => cleanup());
  cleanups = []; window.harness.charts = {};
  say("");
  const path = decodeURIComponent(location.hash.slice(1)), [, view, ...rest] = path.split("/");
  document.querySelectorAll("nav a").forEach((item) => {
    const current = item.getAttribute("href").slice(2) === view || (item.getAttribute("href").slice(2) === `${view}s`);
    if (current) item.setAttribute("aria-current", "page"); else item.removeAttribute("aria-current");
  });
  try {
    if (view === "run") await viewRun(rest[0], rest.slice(1).join("/") || null);
    else if (view === "runs") await viewRuns();
    else if (view === "sessions") await viewSessions();
    else if (view === "session") await viewSession(rest[0]);
    else if (view === "history") await viewHistory(rest[0]);
    else if (view === "sweeps") await viewSweeps(rest[0]);
    else if (view === "parity") { const [left, right] = rest.join("/").split("/vs/"); await viewParity(left, right); }
    else {
      const { items } = await api("/api/sessions?limit=1");
      location.replace(items.length ? `#/session/${items[0].session}` : "#/runs");
    }
  } catch (error) { main.replaceChildren(h("h2", {}, "That did not work"), h("p", { class: "bad" }, error.message)); }
}
window.addEventListener("hashchange", async () => { await route(); main.focus({ preventScroll: true }); });
route();
