"use strict";
// Reads the numbers that stand in the page itself; asks nobody else. Text goes in as text, never as HTML.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const tip = document.getElementById("tip");
  const um = (v) => `${Number(v.toPrecision(6))} µm`;

  const say = (event, text) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const x = event.clientX + 16, y = event.clientY + 16;
    tip.style.left = `${Math.max(4, x + box.width > innerWidth - 4 ? event.clientX - box.width - 12 : x)}px`;
    tip.style.top = `${Math.max(4, y + box.height > innerHeight - 4 ? event.clientY - box.height - 12 : y)}px`;
  };
  const hush = () => { tip.hidden = true; };

  const make = (kind, attributes) => {
    const node = document.createElementNS(NS, kind);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };

  for (const section of document.querySelectorAll("section.run")) {
    const store = section.querySelector("script.data");
    const plan = section.querySelector("svg.plan");
    if (!store || !plan) continue;
    const d = JSON.parse(store.textContent);
    const over = plan.querySelector(".over");
    const X = (x) => (x - d.x0) * d.scale, Y = (y) => (d.y1 - y) * d.scale;
    const centre = (n) => [X(d.x[n] + d.w[n] / 2), Y(d.y[n] + d.h[n] / 2)];
    const clear = () => over.replaceChildren();
    const line = (a, b, strength) => over.append(make("line",
      { x1: a[0], y1: a[1], x2: b[0], y2: b[1], "stroke-opacity": 0.35 + 0.6 * strength, "stroke-width": 1 + 3 * strength }));
    const frame = (n) => over.append(make("rect",
      { x: X(d.x[n]), y: Y(d.y[n] + d.h[n]), width: d.w[n] * d.scale, height: d.h[n] * d.scale }));

    plan.addEventListener("pointermove", (event) => {
      const shape = event.target.closest("[data-n]");
      if (!shape) { hush(); clear(); plan.dataset.now = ""; return; }
      const n = Number(shape.dataset.n);
      const lines = [d.name[n], `${d.kind[n]}${d.fixed.includes(n) ? ", fixed" : ""}, ${um(d.w[n])} x ${um(d.h[n])}, orientation ${d.orient[n]}`,
        `lower left corner ${um(d.x[n])}, ${um(d.y[n])}`];
      const fly = d.fly[n] || [];
      if (fly.length) {
        lines.push("strongest connections:");
        for (const [other, weight, nets] of fly.slice(0, 4)) {
          lines.push(`  ${d.name[other]}: ${nets} net${nets === 1 ? "" : "s"}, weight ${Number(weight.toPrecision(4))}`);
        }
      }
      say(event, lines.join("\n"));
      if (plan.dataset.now === String(n)) return;
      plan.dataset.now = String(n);
      clear();
      frame(n);
      const top = fly.length ? fly[0][1] : 1;
      for (const [other, weight] of fly) line(centre(n), centre(other), weight / top);
    });
    plan.addEventListener("pointerleave", () => { hush(); clear(); plan.dataset.now = ""; });

    for (const row of section.querySelectorAll("tr[data-net]")) {
      row.addEventListener("pointerenter", () => {
        clear();
        const nodes = d.net[Number(row.dataset.net)];
        for (const n of nodes) { if (d.w[n] > 0) frame(n); }
        for (const n of nodes.slice(1)) line(centre(nodes[0]), centre(n), nodes.length < 12 ? 1 : 0.3);
        const at = centre(nodes[0]);
        over.append(make("circle", { cx: at[0], cy: at[1], r: 6 }));
      });
      row.addEventListener("pointerleave", clear);
    }
    for (const row of section.querySelectorAll("tr[data-cell]")) {
      row.addEventListener("pointerenter", () => {
        clear();
        const [r, c] = row.dataset.cell.split(",").map(Number);
        over.append(make("rect", { class: "cell", x: X(c * d.cell[0]), y: Y((r + 1) * d.cell[1]),
          width: d.cell[0] * d.scale, height: d.cell[1] * d.scale }));
      });
      row.addEventListener("pointerleave", clear);
    }
    for (const row of section.querySelectorAll("tr[data-macro]")) {
      row.addEventListener("pointerenter", () => {
        const n = Number(row.dataset.macro);
        const fly = d.fly[n] || [];
        clear();
        frame(n);
        for (const [other, weight] of fly) line(centre(n), centre(other), weight / fly[0][1]);
      });
      row.addEventListener("pointerleave", clear);
    }
    for (const map of section.querySelectorAll("svg.map[data-map]")) {
      const values = d.maps[map.dataset.map];
      if (!values) continue;
      map.addEventListener("pointermove", (event) => {
        const box = map.getBoundingClientRect();
        const c = Math.min(d.grid[1] - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * d.grid[1])));
        const r = Math.min(d.grid[0] - 1, Math.max(0, Math.floor((box.bottom - event.clientY) / box.height * d.grid[0])));
        say(event, `row ${r}, column ${c}: ${values[r * d.grid[1] + c].toFixed(3)}`);
      });
      map.addEventListener("pointerleave", hush);
    }
  }
  addEventListener("scroll", hush, { passive: true });
  // what is folded away on the screen is wanted on paper
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
})();
