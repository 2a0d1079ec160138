// Maps over the floorplan, and their legend. What there is the server tells; further layers bring their own values.

import { getBytes } from "./api.js";
import { amount, difference, fullness } from "./colours.js";
import { significant } from "./format.js";
import { $, element } from "./panel.js";

class NoValues extends Error {}

export function bindLayers(app) {
  let asked = 0;
  const layers = {
    name: "none",
    shownFor: -1,
    values: null,
    why: "",
    kinds: new Map(),
    ranges: new Map(), // of each layer, as wide as anything shown of it, so that colours mean the same after a move

    // A kind is what `floorplan.view.maps.Layer` says; `fetch(kind)` may bring the values, else the server does.
    add(kind) {
      this.kinds.set(kind.name, kind);
      const input = document.querySelector(`input[name="layer"][value="${kind.name}"]`);
      if (!input) return;
      input.disabled = Boolean(kind.why_not);
      input.parentElement.title = kind.why_not ? `${kind.says}: ${kind.why_not}` : [kind.says, kind.assumes].filter(Boolean).join(": ");
    },

    offered(name) {
      const kind = this.kinds.get(name);
      return name === "none" || (kind !== undefined && !kind.why_not);
    },

    async set(name) {
      if (!this.offered(name)) return;
      this.name = name;
      document.querySelector(`input[name="layer"][value="${name}"]`).checked = true;
      await this.refresh();
      app.policy?.left();
    },

    async refresh() {
      const { name } = this, kind = this.kinds.get(name), mine = ++asked;
      const frame = app.frames?.peek ?? -1; // what is only looked at has maps of its own
      const version = app.standing?.version;
      this.shownFor = frame;
      if (!kind) {
        this.values = null;
        app.stages().forEach((s) => s.setMap(null));
        return this.legend();
      }
      try {
        const values = kind.fetch ? await kind.fetch(kind) : await this.ask(name, frame);
        if (mine !== asked) return;
        if (values.length === 0) throw new NoValues(this.whyNone);
        this.why = "";
        this.values = values;
        this.shownVersion = version;
        this.widen(kind, values);
        app.stage.setMap(values, { grid: kind, paint: this.paint(kind) });
        await app.frames.showMap(name, values);
      } catch (error) {
        if (mine !== asked) return;
        if (!(error instanceof NoValues)) return app.failed(error);
        this.why = error.message; // an illegal placement has no estimate: nothing is shown rather than something old
        this.values = null;
        app.stages().forEach((s) => s.setMap(null));
      }
      this.legend();
    },

    async ask(name, frame) {
      const { data, headers } = await getBytes(`/api/map?name=${name}${frame < 0 ? "" : `&frame=${frame}`}`);
      this.whyNone = decodeURIComponent(headers.get("x-why") ?? "");
      return new Float32Array(data);
    },

    widen(kind, values) {
      let [low, high] = [Infinity, -Infinity];
      for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      if (!(low <= high)) [low, high] = [0, 1];
      if (kind.scale === "amount") low = Math.min(low, 0);
      if (kind.scale === "warmth") high = Math.max(high, low + 1);
      const was = this.ranges.get(kind.name);
      this.ranges.set(kind.name, { low: Math.min(low, was?.low ?? low), high: Math.max(high, was?.high ?? high) });
      this.most = high;
    },

    paint(kind) {
      if (kind.paint) return kind.paint;
      if (kind.scale === "fullness") return fullness;
      const { low, high } = this.ranges.get(kind.name) ?? { low: 0, high: 1 };
      return (v) => amount((v - low) / (high - low || 1));
    },

    // How the second placement differs, and how large a difference is wholly coloured.
    difference(kind, values) {
      let most = 0;
      for (const v of values) most = Math.max(most, Math.abs(v));
      const limit = kind.scale === "fullness" ? 0.5 : niceAbove(most);
      return { limit, paint: (v) => difference(v / limit) };
    },

    told(kind, v) {
      return kind.scale === "fullness" ? `${(100 * v).toFixed(1).replace("-", "\u2212")} %` : `${significant(v)} ${kind.unit}`;
    },

    // The end of the scale of differences; between temperatures those are kelvin.
    toldLimit(kind) {
      return kind.scale === "fullness" ? `${100 * this.limit} %` : `${this.limit} ${kind.scale === "warmth" ? "K" : kind.unit}`;
    },

    // What is read at a place on the chip, in words; empty where there is nothing to read.
    reading(x, y, values = this.values) {
      const kind = this.kinds.get(this.name), { w_um, h_um } = app.model.canvas;
      if (!kind || !values || x < 0 || y < 0 || x >= w_um || y >= h_um) return "";
      const v = values[Math.floor((y / h_um) * kind.rows) * kind.columns + Math.floor((x / w_um) * kind.columns)];
      return Number.isFinite(v) ? this.told(kind, v) : "";
    },

    legend() {
      const box = $("legend"), kind = this.kinds.get(this.name);
      box.hidden = !kind;
      if (!kind) return;
      if (this.why) return box.replaceChildren(element("div", {}, `${kind.says}: ${this.why}`));
      const range = (text) => element("span", { class: "range" }, text);
      const { low, high } = this.ranges.get(kind.name) ?? { low: 0, high: 1 };
      const full = kind.scale === "fullness", most = this.values ? this.told(kind, this.most) : "";
      const out = kind.legend ? kind.legend(kind) : [element("div", {}, `${kind.says} (most ${most})`,
        range(full ? "0" : significant(low, 3)), strip((t) => (full ? fullness(2 * t) : this.paint(kind)(low + t * (high - low)))),
        range(full ? "200 %" : `${significant(high, 3)} ${kind.unit}`))];
      if (app.frames.comparing && this.limit) {
        out.push(element("div", {}, "right less left", range(`\u2212${this.toldLimit(kind)}`), strip((t) => difference(2 * t - 1)), range(`+${this.toldLimit(kind)}`)));
      }
      if (kind.assumes) out.push(element("p", { title: kind.assumes }, kind.assumes));
      box.replaceChildren(...out);
    },
  };
  for (const kind of app.model.scene.layers ?? []) layers.add(kind);
  for (const input of document.querySelectorAll('input[name="layer"]')) input.addEventListener("change", () => layers.set(input.value));
  return layers;
}

function niceAbove(v) {
  if (!(v > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 5, 10].map((m) => m * ten).find((n) => n >= v * (1 - 1e-9)) ?? 10 * ten;
}

export function strip(scale) {
  const canvas = element("canvas", { width: "220", height: "1" }), ctx = canvas.getContext("2d");
  const image = ctx.createImageData(220, 1);
  for (let i = 0; i < 220; i++) image.data.set(scale(i / 219), 4 * i);
  ctx.putImageData(image, 0, 0);
  return canvas;
}
