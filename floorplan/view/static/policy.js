// Where a trained policy wants the selected macro, as a layer, and which of its inputs speak for that.

import { getBytes, getJson } from "./api.js";
import { amount, difference } from "./colours.js";
import { change, count, significant, tail } from "./format.js";
import { strip } from "./layers.js";
import { HARD } from "./model.js";
import { $, element } from "./panel.js";

const CHOICE = "probability", DECADES = 3, ILLEGAL = [128, 128, 128, 72];
const STATE_SAYS = {
  build: "Macros before it in the order stand, those after it do not yet: the game that builds a floorplan.",
  refine: "All others stand and this one is lifted: the game that betters a finished floorplan.",
};
const METHOD_SAYS = {
  linear: "Exact: this policy is a weighted sum of its maps, so the parts add up.",
  occlusion: "By occlusion: what the logit loses when the input is made flat, at its mean over the legal cells. What inputs only do together is in none of the parts, or in several.",
  none: "This network reads no maps, so there is nothing to take apart.",
};

export function bindPolicy(app) {
  const { columns, rows } = app.model.canvas;
  let asked = 0;
  const policy = {
    before: -1,
    state: "build", // the game that training learns
    map: CHOICE,
    found: null,
    limit: 1,

    get on() { return app.layers.name === "policy"; },

    // Which macro is in hand: -1 where none is.
    get node() {
      const k = app.selected;
      return k >= 0 && app.model.kind[k] === HARD ? app.model.id[k] : -1;
    },

    offer(whyNot) {
      kind.why_not = whyNot;
      app.layers.add(kind);
      this.show();
    },

    // A node was selected, or none; the same one again where the placement has changed.
    selected() {
      if (this.node === this.before) return;
      this.before = this.node;
      this.found = null;
      this.map = CHOICE;
      this.picks([]);
      if (this.on) app.layers.refresh();
      this.show();
    },

    // The weights have changed.
    aged() {
      if (this.on && this.node >= 0 && !document.hidden) app.layers.refresh();
    },

    async fetch() {
      const { node, state } = this, mine = ++asked;
      if (node < 0) {
        this.picks([]);
        this.found = null;
        this.show();
        return this.none("select a macro, and it is asked for that one");
      }
      try {
        const at = `node=${node}&state=${state}`, found = await getJson(`/api/policy?${at}`);
        if (found.why_not) {
          if (mine === asked) {
            this.picks([]);
            this.found = null;
            this.why = found.why_not;
            this.show();
          }
          return this.none(found.why_not);
        }
        if (this.map !== CHOICE && !found.shares.some((s) => s.name === this.map)) this.map = CHOICE;
        const { data } = await getBytes(`/api/policy/map?${at}&name=${this.map}`);
        const values = new Float32Array(data);
        if (mine !== asked) return values;
        this.found = found;
        let most = 0;
        for (const v of values) if (Number.isFinite(v)) most = Math.max(most, Math.abs(v));
        this.limit = most || 1;
        this.why = "";
        this.picks(this.on ? found.top : [], this.on ? found.standing : null);
        this.show();
        return this.map === CHOICE ? values.map((v) => 100 * v) : values;
      } catch (error) {
        if (mine === asked) {
          this.picks([]);
          this.found = null;
          this.why = error.message;
          this.show();
        }
        throw error;
      }
    },

    none(why) {
      app.layers.whyNone = why;
      return new Float32Array(0);
    },

    // Numbers on the best cells, and macros that do not stand in this state faded out.
    picks(top, standing = null) {
      const { model } = app, there = standing && new Set(standing);
      const absent = there && new Set(model.hard.filter((k) => k !== app.selected && !model.fixed[k] && !there.has(model.id[k])));
      for (const s of app.stages()) {
        s.state.picks = top;
        if (absent?.size || s.state.absent?.size) s.redraw();
        s.state.absent = absent;
      }
      app.overlay();
    },

    async set({ state = this.state, map = this.map }) {
      this.state = state;
      this.map = map;
      await app.layers.set("policy");
      const side = $("policy").closest("aside"), top = $("node").offsetTop - side.offsetTop;
      if (this.on && this.node >= 0 && Math.abs(side.scrollTop - top) > 8) side.scrollTo({ top, behavior: "smooth" });
    },

    show() {
      const k = app.selected, hand = this.node >= 0 && !kind.why_not && !app.model.fixed[k];
      $("policy").hidden = !hand;
      $("node").classList.toggle("asked", hand && this.on); // the policy has the word, not the connections
      if (!hand) return;
      const { found } = this;
      $("policy-go").hidden = this.on;
      $("policy-body").hidden = !this.on;
      for (const input of document.querySelectorAll('input[name="policy-state"]')) input.checked = input.value === this.state;
      $("policy-says").textContent = STATE_SAYS[this.state];
      $("policy-why").textContent = found ? "" : this.why ?? "";
      $("policy-found").hidden = !found;
      if (!found) return;
      $("policy-who").textContent = `${found.policy[0].toUpperCase()}${found.policy.slice(1)}: as unsure as between ${significant(found.likely, 3)} of ${count(found.legal)} legal cells.`;
      const own = found.own;
      $("policy-now").textContent = !own ? "It has no place yet." : `It stands in cell ${own.column}, ${own.row}: `
        + (own.rank ? `${percent(own.probability)}, its choice ${count(own.rank)} of ${count(found.legal)}.` : "not a legal cell in this state.");
      $("policy-moved").textContent = !found.moved ? "" : `${count(found.moved)} ${found.moved === 1 ? "macro before it was" : "macros before it were"} put on the nearest legal cell of the grid, up to ${significant(found.shift_um, 3)} \u00b5m from where ${found.moved === 1 ? "it stands" : "they stand"}.`;
      $("policy-top").replaceChildren(...found.top.map((cell, i) => element("li", {}, element("button", { onclick: () => this.mark(cell), title: "Mark it; again: put the macro there" },
        element("span", {}, element("i", { class: "pick" }, String(i + 1)), ` cell ${cell.column}, ${cell.row}`),
        element("span", { class: "v" }, ...this.worth(cell))))));
      $("policy-total").textContent = `Why cell ${found.top[0].column}, ${found.top[0].row}`;
      const most = Math.max(...found.shares.map((s) => Math.abs(s.share)), 1e-9);
      const shown = found.shares.filter((s, i) => i < 8 && Math.abs(s.share) >= 0.005 * most);
      $("policy-shares").replaceChildren(
        ...(found.shares.length ? [this.bar({ name: CHOICE, says: "All together, as probability", share: null }, most)] : []),
        ...shown.map((s) => this.bar(s, most)));
      const sum = found.shares.reduce((a, s) => a + s.share, 0), rest = found.total - sum;
      const parts = found.method === "occlusion" ? `; the parts add up to ${signed(sum)}, the rest is interplay (${signed(rest)})` : "";
      $("policy-method").textContent = `${found.method === "none" ? "" : `In logits, against the mean of the legal cells: ${signed(found.total)} in all${parts}. `}${METHOD_SAYS[found.method]}`;
    },

    worth(cell) {
      const out = [element("b", {}, percent(cell.probability))];
      if (cell.change !== null) {
        const told = change(cell.change, 0, 5);
        out.push(" ", element("span", { class: told.kind, title: "exact change of the proxy" }, told.text));
      }
      return out;
    },

    bar(s, most) {
      const fill = element("i", { class: s.share > 0 ? "for" : "against" });
      fill.style.width = `${s.share === null ? 0 : (50 * Math.abs(s.share)) / most}%`;
      const chosen = s.name === this.map;
      return element("li", {}, element("button", { "aria-pressed": String(chosen), title: s.means ? `${s.name}: ${s.means}` : s.name, onclick: () => this.set({ map: s.name }) },
        element("span", { class: "t" }, tail(s.says, 34)), element("span", { class: "span" }, fill),
        element("span", { class: "v" }, s.share === null ? "" : signed(s.share))));
    },

    // First marked, then taken.
    mark(cell) {
      const k = app.selected, at = app.model.at, spot = app.stage.state.spot;
      if (k < 0) return;
      if (spot?.cell === `${cell.column},${cell.row}` && app.model.movable(k)) {
        app.stage.state.spot = null;
        app.place(k, cell.x, cell.y, at.orient[k]);
        return;
      }
      const box = { x: cell.x, y: cell.y, w: app.model.width(k), h: app.model.height(k), cell: `${cell.column},${cell.row}` };
      for (const s of app.stages()) s.state.spot = box;
      app.overlay();
    },
  };
  const kind = {
    name: "policy", says: "Where the policy wants it", unit: "%", scale: "own", columns, rows, assumes: "", why_not: "",
    fetch: () => policy.fetch(),
    paint: (v) => {
      if (!Number.isFinite(v)) return ILLEGAL;
      if (policy.map !== CHOICE) return difference(-v / policy.limit); // what speaks for a cell is blue
      const t = 1 + Math.log10(Math.max(v, 1e-30) / (100 * policy.limit)) / DECADES;
      return t <= 0 ? [0, 0, 0, 0] : [...amount(t).slice(0, 3), 40 + 190 * t];
    },
    legend: () => {
      const range = (text) => element("span", { class: "range" }, text), out = [];
      if (policy.map === CHOICE) {
        const most = policy.limit;
        out.push(element("div", {}, "Probability of each cell", range(percent(most / 10 ** DECADES)), strip((t) => kind.paint(100 * most * 10 ** (DECADES * (t - 1)))), range(percent(most))));
      } else {
        const says = policy.found?.shares.find((s) => s.name === policy.map)?.says ?? policy.map;
        out.push(element("div", {}, `${says}: adds to the logit`, range(signed(-policy.limit)), strip((t) => kind.paint((2 * t - 1) * policy.limit)), range(signed(policy.limit))));
      }
      const swatch = strip(() => ILLEGAL);
      swatch.classList.add("swatch");
      out[0].append(swatch, range("not legal"));
      return out;
    },
  };
  app.layers.add(kind);
  for (const input of document.querySelectorAll('input[name="policy-state"]')) input.addEventListener("change", () => policy.set({ state: input.value }));
  for (const input of document.querySelectorAll('input[name="layer"]')) input.addEventListener("change", () => policy.left());
  $("policy-go").addEventListener("click", () => policy.set({}));
  addEventListener("keydown", (event) => {
    if (event.key !== "8" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "radio") return;
    app.layers.set("policy");
  });
  // another layer is shown now
  policy.left = () => {
    if (!policy.on) policy.picks([]);
    policy.show();
  };
  return policy;
}

function percent(p) {
  const v = 100 * p;
  return `${v >= 0.1 ? v.toFixed(1) : v >= 0.001 ? v.toFixed(3) : v > 0 ? "<0.001" : "0"} %`;
}

function signed(v) {
  return `${v > 0 ? "+" : v < 0 ? "\u2212" : ""}${Math.abs(v).toFixed(2)}`;
}
