// The figures beside the floorplan: cost and its parts, verdict, what is selected.

import { change, count, fixed, KINDS, length, ORIENTS, tail } from "./format.js";

const PARTS = ["wirelength", "density", "congestion"];
const LABELS = { wirelength: "Wirelength", density: "Density", congestion: "Congestion" };

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const out = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") out.className = value;
    else if (key.startsWith("on")) out.addEventListener(key.slice(2), value);
    else out.setAttribute(key, value);
  }
  out.append(...children);
  return out;
}

// `cost` against `base`; while a macro is in hand the figures say what dropping it there would cost.
export function showCost(cost, base, weights, { proposed = false, against = "" } = {}) {
  $("cost").classList.toggle("proposed", proposed);
  $("cost-head").textContent = proposed ? "Proxy cost if dropped here" : "Proxy cost";
  $("proxy").textContent = fixed(cost.proxy, 4);
  const total = base ? change(cost.proxy - base.proxy, base.proxy) : { text: "", kind: "" };
  $("proxy-delta").textContent = base ? `${total.text}${against ? ` ${against}` : ""}` : "";
  $("proxy-delta").className = `delta ${total.kind}`;
  const rows = [], bars = [];
  for (const part of PARTS) {
    const weighted = weights[part] * cost[part];
    const delta = base ? change(weights[part] * (cost[part] - base[part]), 0) : { text: "", kind: "" };
    rows.push(element("tr", { class: part },
      element("th", { scope: "row" }, LABELS[part]),
      element("td", {}, fixed(cost[part])),
      element("td", {}, fixed(weighted)),
      element("td", { class: `delta ${delta.kind}`, "data-part": part }, delta.text)));
    const bar = element("i", { class: part });
    bar.style.width = `${(100 * weighted) / Math.max(cost.proxy, 1e-12)}%`;
    bars.push(bar);
  }
  const more = base ? cost.wirelength_um - base.wirelength_um : 0;
  $("wire").textContent = `${length(cost.wirelength_um)} of wire (half perimeters)${more ? `, ${signed(more)}` : ""}`;
  $("parts").tBodies[0].replaceChildren(...rows);
  $("split").replaceChildren(...bars);
}

function signed(um) {
  return `${um > 0 ? "+" : ""}${length(um)}`;
}

export function showVerdict(standing, go) {
  const n = standing.violation_count;
  $("verdict").textContent = standing.legal ? "\u2713 legal" : `\u2715 illegal: ${count(n)} ${n === 1 ? "rule" : "rules"} broken`;
  $("verdict").className = `verdict ${standing.legal ? "better" : "worse"}`;
  $("violations").replaceChildren(...standing.violations.map((v) => element("li", {},
    element("button", { onclick: () => go(v.nodes[0]), title: v.text }, element("span", {}, told(v.text))))));
}

// Long names in what the server tells are cut to their ends.
function told(text) {
  return text.split(" ").map((word) => tail(word, 30)).join(" ").replace(/([\d.]+) um$/, "$1 \u00b5m");
}

export function showSpot(wrong) {
  $("verdict").textContent = wrong.length ? `\u2715 not legal here: ${told(wrong[0])}` : "\u2713 legal here";
  $("verdict").className = `verdict ${wrong.length ? "worse" : "better"}`;
  $("violations").replaceChildren();
}

export function showNode(about, go) {
  $("node").hidden = about === null;
  if (about === null) return;
  $("node-name").textContent = about.name;
  const held = about.fixed ? "fixed by the design" : about.pinned ? "pinned" : "free";
  const facts = {
    Kind: KINDS[about.kind],
    Size: about.w ? `${length(about.w)} \u00d7 ${length(about.h)}` : "a point",
    Centre: about.x === null ? "not placed" : `${fixed(about.x, 3)}, ${fixed(about.y, 3)} \u00b5m`,
    Orientation: ORIENTS[about.orient],
    Nets: `${count(about.nets)} on ${count(about.pins)} pins`,
    Held: held,
  };
  $("node-facts").replaceChildren(...Object.entries(facts).flatMap(([k, v]) => [element("dt", {}, k), element("dd", {}, v)]));
  $("node-lines").replaceChildren(...about.lines.slice(0, 12).map((line) => element("li", {},
    element("button", { onclick: () => go(line.node) }, element("span", { class: "t", title: line.name }, tail(line.name, 32)),
      element("span", { class: "v" }, `${count(line.nets)} ${line.nets === 1 ? "net" : "nets"}`)))));
}

export function showHistory(history) {
  $("undo").disabled = !history.undo;
  $("redo").disabled = !history.redo;
  $("undo").title = history.undo ? `Undo: ${history.undo} (Ctrl-Z)` : "Nothing to undo (Ctrl-Z)";
  $("redo").title = history.redo ? `Redo: ${history.redo} (Ctrl-Shift-Z)` : "Nothing to redo (Ctrl-Shift-Z)";
}

const MAPS = { density: ["density", "Density"], h_congestion: ["h", "H congestion"], v_congestion: ["v", "V congestion"] };

// The nets and cells that the cost is mostly made of; `showCell` and `showNet` take one.
export function showTrouble({ nets, cells }, showCell, showNet) {
  $("trouble").hidden = nets.length + cells.length === 0;
  $("cells").replaceChildren(...cells.map((cell) => element("li", {}, element("button", { onclick: () => showCell(cell, MAPS[cell.map][0]) },
    element("span", {}, `${MAPS[cell.map][1]} at ${cell.column}, ${cell.row}`), element("span", { class: "v" }, `${(100 * cell.value).toFixed(1)} %`)))));
  $("nets").replaceChildren(...nets.map((net) => element("li", {}, element("button", { onclick: () => showNet(net), title: net.name },
    element("span", { class: "t" }, tail(net.name, 30)), element("span", { class: "v" }, `${length(net.hpwl_um)}, ${(100 * net.share).toFixed(2)} %`)))));
}
