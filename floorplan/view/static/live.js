// A run of training: how it stands, its curves, and the best layout as it comes.

import { getJson, post } from "./api.js";
import { count, fixed, significant } from "./format.js";
import { $, element } from "./panel.js";

const SVG = "http://www.w3.org/2000/svg";
const STATES = {
  running: "Training", ended: "Training has ended", failed: "Training has failed",
  stopped: "Training was interrupted; --resume goes on with it", unknown: "A run of training",
};
// Title, lines (key, name, class), and how the values are told. The first is drawn large.
const CHARTS = [
  { title: "Proxy cost", lines: [["mean_proxy", "mean", "mean"], ["eval_plain", "greedy", "plain"], ["best_proxy", "best", "best"]], told: (v) => fixed(v), steps: "best_proxy" },
  { title: "Entropy (nats)", lines: [["entropy", "", "entropy"]], told: (v) => fixed(v, 2) },
  { title: "Value loss", lines: [["value_loss", "", "loss"]], told: (v) => significant(v, 3) },
  { title: "Value explained", lines: [["explained_variance", "", "loss"]], told: (v) => fixed(v, 2) },
  { title: "Step size", lines: [["sigma", "", "entropy"]], told: (v) => significant(v, 3) },
  { title: "Episodes/s", lines: [["episodes_per_s", "", "speed"]], told: (v) => significant(v, 3), zero: true },
];

export function bindLive(app) {
  const live = {
    status: null,
    rows: [],
    keys: [],
    stamp: -1,
    heardAt: 0,
    at: -1, // the row under the pointer, -1: the last

    async reload() {
      try {
        const story = await getJson("/api/run");
        app.policy?.offer(story.policy_why_not);
        $("run").hidden = !story.run;
        if (!story.run) return;
        Object.assign(this, { rows: story.rows, keys: story.keys, stamp: story.stamp });
        this.bad = story.bad;
        this.stands(story.status);
        this.draw();
      } catch (error) { app.failed(error); }
    },

    heard(message) {
      if (message.stamp !== this.stamp || !this.keys.length) return this.reload(); // taken back, or thinned out
      this.bad = message.bad;
      // the newest row may be there already, kept or not
      const steps = this.keys.indexOf("seconds"), last = this.rows.at(-1)?.[steps] ?? -1;
      this.rows.push(...message.rows.filter((r) => (r[steps] ?? 0) > last));
      this.stands(message.status);
      if (!document.hidden) this.draw(); // nobody looks: it is drawn when somebody does
      return undefined;
    },

    stands(status) {
      const before = this.status;
      this.status = status;
      this.heardAt = performance.now();
      $("run-state").textContent = STATES[status.state] ?? STATES.unknown;
      $("run-dot").className = `dot ${status.state}`;
      $("run-follow").checked = status.following;
      $("run-follow").closest(".row").hidden = status.state !== "running" && !status.ahead;
      $("run-newest").hidden = !status.ahead || (status.following && !app.standing?.history.undo);
      $("run-wait").hidden = status.has_best || status.state !== "running";
      this.tick();
      if (before && before.policy !== status.policy) app.policy?.aged();
    },

    // The clock goes on between two rows.
    tick() {
      const s = this.status;
      if (!s) return;
      const more = s.state === "running" ? (performance.now() - this.heardAt) / 1000 : 0;
      const seconds = s.seconds + more, left = s.left_s === null ? null : Math.max(s.left_s - more, 0);
      const facts = [[s.episodes === null ? "\u2013" : count(s.episodes), "episodes"], [s.episodes_per_s === null ? "\u2013" : significant(s.episodes_per_s, 3), "episodes/s"], [clock(seconds), "elapsed"]];
      if (left !== null && s.state === "running") facts.push([clock(left), "left"]);
      $("run-facts").replaceChildren(...facts.map(([v, k]) => element("div", {}, element("b", {}, v), element("span", {}, k))));
      $("run-bar").hidden = s.spent === null;
      if (s.spent !== null) $("run-bar").value = s.state === "running" && left !== null ? seconds / (seconds + left || 1) : s.spent;
    },

    draw() {
      const column = (key) => { const k = this.keys.indexOf(key); return this.rows.map((r) => r[k]); };
      let x = column("episodes"), by = "episodes";
      if (!x.some((v) => v !== null)) { x = column("step"); by = "steps"; }
      const boxes = [];
      for (const chart of CHARTS) {
        const lines = chart.lines.map(([key, name, kind]) => ({ key, name, kind, y: column(key) })).filter((l) => l.y.some((v) => v !== null));
        if (lines.length && x.length > 1) boxes.push(this.figure(chart, lines, x, by, boxes.length === 0));
      }
      $("run-curves").replaceChildren(...boxes);
      $("run-none").hidden = boxes.length > 0;
      $("run-bad").textContent = this.bad ? `${count(this.bad)} lines of metrics.jsonl make no sense and are left out.` : "";
    },

    figure(chart, lines, x, by, large) {
      const head = element("figcaption", {}, element("span", {}, chart.title));
      const svg = draw("svg", { role: "img", class: large ? "large" : "small" });
      const box = element("figure", { class: large ? "large" : "" }, head, svg);
      const width = large ? 320 : 150, height = large ? 112 : 46, left = 0, foot = large ? 14 : 3;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("preserveAspectRatio", "none");
      const xs = x.filter((v) => v !== null), x0 = Math.min(...xs), x1 = Math.max(...xs);
      const [low, high] = range(lines, chart);
      const at = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - 4);
      const up = (v) => 4 + (1 - (Math.min(Math.max(v, low), high) - low) / (high - low || 1)) * (height - foot - 8);
      for (const v of ticks(low, high, large ? 3 : 1)) {
        svg.append(draw("line", { x1: left, x2: width, y1: up(v), y2: up(v), class: "grid" }));
      }
      for (const line of lines) svg.append(draw("path", { d: path(x, line.y, at, up, line.key === chart.steps), class: `line ${line.kind}` }));
      const rule = draw("line", { y1: 2, y2: height - foot, class: "rule" });
      svg.append(rule);
      // what the lines say, at the pointer or at the end
      const values = element("span", { class: "v" });
      head.append(values);
      const say = (k) => {
        values.replaceChildren(...lines.flatMap((line) => {
          const v = known(line.y, k);
          return v === null ? [] : [element("span", { class: `key ${line.kind}` }, `${line.name ? `${line.name} ` : ""}${chart.told(v)}`)];
        }));
        rule.setAttribute("visibility", k === x.length - 1 ? "hidden" : "visible");
        rule.setAttribute("x1", at(x[k] ?? x1));
        rule.setAttribute("x2", at(x[k] ?? x1));
      };
      box.say = say;
      say(this.at < 0 ? x.length - 1 : Math.min(this.at, x.length - 1));
      svg.setAttribute("aria-label", `${chart.title}: ${values.textContent}`);
      svg.addEventListener("pointermove", (event) => {
        const area = svg.getBoundingClientRect(), goal = x0 + ((event.clientX - area.left) / area.width) * (x1 - x0);
        let best = 0;
        for (let k = 0; k < x.length; k++) if (x[k] !== null && Math.abs(x[k] - goal) <= Math.abs((x[best] ?? Infinity) - goal)) best = k;
        this.point(best, x, by);
      });
      svg.addEventListener("pointerleave", () => this.point(-1, x, by));
      const scale = element("div", { class: "scale", "aria-hidden": "true" }, element("span", {}, chart.told(high)), element("span", {}, chart.told(low)));
      box.append(scale);
      if (large) box.append(element("div", { class: "across" }, element("span", {}, count(x0)), element("span", { id: "run-at" }, ""), element("span", {}, `${count(x1)} ${by}`)));
      return box;
    },

    point(k, x, by) {
      this.at = k;
      for (const box of $("run-curves").children) box.say(k < 0 ? x.length - 1 : k);
      $("run-at").textContent = k < 0 ? "" : `${count(x[k])} ${by}`;
    },

    // What the page says when the server of an ended run has gone; null where it may come back by itself.
    farewell() {
      if (!this.status || this.status.state === "running" || this.status.state === "unknown") return null;
      return `${STATES[this.status.state]}, and so has its viewer. \`floorplan view\` and the run's folder show it again.`;
    },
  };
  const follow = async (on) => {
    try { live.stands(await post("/api/follow", { follow: on })); } catch (error) { app.failed(error); }
  };
  $("run-follow").addEventListener("change", (event) => follow(event.target.checked));
  $("run-newest").addEventListener("click", () => follow(true));
  setInterval(() => { if (live.status?.state === "running" && !document.hidden) live.tick(); }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && live.keys.length) live.draw(); });
  live.reload();
  return live;
}

function draw(name, attributes) {
  const out = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  return out;
}

// The newest value up to row k.
function known(y, k) {
  for (; k >= 0; k--) if (y[k] !== null) return y[k];
  return null;
}

// From the least to the largest but for single values far out, as the first ones of a run often are.
function range(lines, chart) {
  const values = lines.flatMap((l) => l.y.filter((v) => v !== null)).sort((a, b) => a - b);
  const n = values.length, cut = n >= 20 ? Math.floor(n * 0.02) : 0;
  let low = chart.zero ? 0 : values[chart.steps ? 0 : cut], high = values[n - 1 - cut];
  if (!(high > low)) { const room = Math.abs(low) * 0.02 || 1; [low, high] = [low - room, high + room]; }
  const room = 0.04 * (high - low);
  return [chart.zero ? 0 : low - room, high + room];
}

function ticks(low, high, most) {
  const rough = (high - low) / (most + 1), ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= rough);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(v);
  return out;
}

function path(x, y, at, up, steps) {
  let out = "", before = null;
  for (let k = 0; k < x.length; k++) {
    if (y[k] === null || x[k] === null) continue;
    const px = at(x[k]).toFixed(2), py = up(y[k]).toFixed(2);
    out += before === null ? `M${px} ${py}` : steps ? `H${px}V${py}` : `L${px} ${py}`;
    before = y[k];
  }
  return out;
}

export function clock(seconds) {
  const s = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}
