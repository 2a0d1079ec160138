// What the chip delivers as it is placed: tokens, joules, time, watts, the hottest spot; and how that has changed.

import { getBytes } from "./api.js";
import { length, si, tail } from "./format.js";
import { $, element } from "./panel.js";

const PART_LABELS = { wire: "wires", sram: "SRAM", mac: "arithmetic", memory: "memory", link: "links", clock: "clock", leakage: "leakage" };

export function bindEstimate(app) {
  const estimate = {
    last: null,

    async refresh() {
      if (!app.layers.offered("heat")) return;
      try {
        const got = await getBytes("/api/estimate");
        this.last = got && JSON.parse(new TextDecoder().decode(got.data));
        this.show();
      } catch (error) { app.failed(error); }
    },

    show() {
      const told = this.last;
      $("estimate").hidden = !told;
      if (!told) return;
      $("estimate").classList.remove("proposed");
      $("estimate-load").textContent = told.load;
      $("estimate-said").textContent = told.said;
      $("estimate-why").textContent = told.why_not ? `${told.why_not[0].toUpperCase()}${told.why_not.slice(1)}` : "";
      this.rows(told.figures ?? [], (f) => [f.value, told.version === 0 ? null : f.opened, told.version === 0 ? "" : "change since opened"]);
      this.split(told.parts);
      this.nets(told.nets ?? []);
    },

    nets(nets) {
      $("costly").hidden = nets.length === 0;
      $("costly-nets").replaceChildren(...nets.map((net) => element("li", {}, element("button", { onclick: () => this.net(net), title: `${net.name}: ${length(net.length_um)} of wire` },
        element("span", { class: "t" }, tail(net.name, 30)), element("span", { class: "v" }, `${si(net.j_per_token, "J")}, ${(100 * net.share).toFixed(2)} %`)))));
    },

    async net(net) {
      await app.layers.set("token");
      app.markNet(net);
    },

    // While a macro is in hand: what dropping it there would make of a token's joules and time.
    proposed(figures) {
      if (!this.last?.figures) return;
      $("estimate").classList.add("proposed");
      $("estimate-why").textContent = figures ? "" : "No estimate of an illegal placement.";
      this.rows(this.last.figures, (f) => (figures && f.name in figures ? [figures[f.name], figures.from[f.name], "if dropped here"] : [null, null, "told after the drop"]));
    },

    rows(figures, values) {
      $("figures").tBodies[0].replaceChildren(...figures.map((f) => {
        const [value, base, against] = values(f), known = value !== null && base !== null;
        const delta = known ? moved(value, base, f) : { text: "", kind: "" };
        const name = f.name === "temperature_max_c" ? element("button", { class: "plain", onclick: () => this.spot(), title: "Show where" }, f.label) : f.label;
        const title = [f.source, f.low === null ? "" : `5 to 95 %: ${si(f.low, f.unit)} to ${si(f.high, f.unit)}`, against].filter(Boolean).join("\n");
        return element("tr", { title, "data-figure": f.name }, element("th", { scope: "row" }, name),
          element("td", {}, si(value, f.unit)), element("td", { class: `delta ${delta.kind}` }, delta.text));
      }));
    },

    split(parts = {}) {
      const all = Object.values(parts).reduce((a, b) => a + b, 0);
      $("energy-split").hidden = !(all > 0);
      if (!(all > 0)) return;
      $("energy-split").replaceChildren(...Object.entries(parts).filter(([, j]) => j > 0).map(([name, j]) => {
        const bar = element("i", { "data-part": name, title: `${PART_LABELS[name] ?? name}: ${si(j, "J")} a token, ${(100 * j / all).toFixed(1)} %` });
        bar.style.width = `${(100 * j) / all}%`;
        return bar;
      }));
      const most = Object.entries(parts).sort(([, a], [, b]) => b - a).slice(0, 3);
      const shares = new Map([["wire", parts.wire ?? 0], ...most]);
      $("energy-parts").textContent = [...shares].map(([name, j]) => `${PART_LABELS[name] ?? name} ${(100 * j / all).toFixed(1)}\u00a0%`).join(", ");
    },

    async spot() {
      const box = this.last?.hottest;
      if (!box) return;
      await app.layers.set("heat");
      app.mark(box, []);
    },
  };
  return estimate;
}

// A relative change; temperatures and slacks, whose zero is arbitrary or near, change by what they differ.
function moved(value, base, { unit, better }) {
  const by = value - base, absolute = unit === "degC" || unit === "ps";
  const size = absolute ? si(Math.abs(by), unit).replace("\u00b0C", "K") : `${Math.abs(100 * by / base).toFixed(3)} %`;
  if (absolute ? Math.abs(by) < 5e-4 * (unit === "ps" ? 1e3 : 1) : Math.abs(by / base) < 5e-6) return { text: `\u00b1${absolute ? si(0, unit).replace("\u00b0C", "K") : "0.000 %"}`, kind: "" };
  return { text: `${by < 0 ? "\u25bc \u2212" : "\u25b2 +"}${size}`, kind: Math.sign(by) === better ? "better" : "worse" };
}
