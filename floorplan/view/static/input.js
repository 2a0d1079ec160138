// Mouse, touch and keys.

import { getJson } from "./api.js";
import { length, ORIENTS, KINDS } from "./format.js";
import { PORT } from "./model.js";
import { $, element } from "./panel.js";

const STILL_PX = 4, STEP_UM = 1;

export function bindInput(app) {
  for (const stage of [app.stage, app.second]) bindPointer(app, stage);
  bindButtons(app);
  addEventListener("keydown", (event) => key(app, event));
}

function bindPointer(app, stage) {
  const el = stage.element, c = app.camera, fingers = new Map();
  let begun = null;

  const point = (event) => {
    const box = el.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const under = (px, py) => app.model.hit(c.toChipX(px), c.toChipY(py), 5 / c.scale, stage.at);

  el.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    el.setPointerCapture(event.pointerId);
    const [px, py] = point(event);
    fingers.set(event.pointerId, [px, py]);
    if (fingers.size === 2) { cancel(app); begun = null; return; }
    const k = event.button === 0 ? under(px, py) : -1;
    const mayDrag = k >= 0 && stage === app.stage && !stage.peeking && app.model.movable(k);
    const at = app.model.at;
    begun = { px, py, k, moved: false, drag: mayDrag ? { x: at.x[k], y: at.y[k], orient: at.orient[k] } : null };
  });

  el.addEventListener("pointermove", (event) => {
    const [px, py] = point(event);
    if (fingers.size === 2 && fingers.has(event.pointerId)) return pinch(event.pointerId, px, py);
    if (!begun) return hover(px, py);
    if (!begun.moved && Math.hypot(px - begun.px, py - begun.py) < STILL_PX) return undefined;
    if (!begun.moved) {
      begun.moved = true;
      $("tip").hidden = true;
      el.classList.add("dragging");
      if (begun.drag) {
        app.select(app.model.id[begun.k]);
        Object.assign(stage.state, { dragging: begun.k, from: begun.drag, bad: false, hover: -1 });
        stage.redraw();
      } else Object.assign(begun, { lastX: begun.px, lastY: begun.py });
    }
    if (begun.drag) {
      const { model } = app, k = begun.k;
      model.at.x[k] = begun.drag.x + (px - begun.px) / c.scale;
      model.at.y[k] = begun.drag.y - (py - begun.py) / c.scale;
      app.propose(k, model.at.x[k], model.at.y[k], model.at.orient[k]);
      where(app, stage, px, py);
      return app.overlay();
    }
    c.pan(px - begun.lastX, py - begun.lastY);
    Object.assign(begun, { lastX: px, lastY: py });
    return app.moved();
  });

  const end = (event, dropped) => {
    fingers.delete(event.pointerId);
    el.classList.remove("dragging");
    const was = begun;
    begun = null;
    if (!was) return;
    if (was.drag && was.moved) {
      const { model } = app, k = was.k, to = { x: model.at.x[k], y: model.at.y[k] };
      app.proposals.drop();
      stage.state.dragging = -1;
      if (dropped) app.place(k, to.x, to.y, was.drag.orient);
      else restore(app, k, was.drag);
    } else if (!was.moved && dropped) {
      if (was.k >= 0) app.select(app.model.id[was.k]);
      else {
        const cell = stage.tiles ? stage.tiles.hit(c.toChipX(was.px), c.toChipY(was.py)) : -1;
        app.select(cell);
      }
    }
  };
  el.addEventListener("pointerup", (event) => end(event, true));
  el.addEventListener("pointercancel", (event) => end(event, false));
  if (stage === app.stage) app.cancelDrag = () => {
    if (!begun?.drag || !begun.moved) return false;
    const was = begun;
    begun = null;
    app.proposals.drop();
    app.stage.state.dragging = -1;
    restore(app, was.k, was.drag);
    return true;
  };

  function pinch(id, px, py) {
    const [a, b] = [...fingers.values()], before = Math.hypot(a[0] - b[0], a[1] - b[1]);
    const mid = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    fingers.set(id, [px, py]);
    const [d, e] = [...fingers.values()], after = Math.hypot(d[0] - e[0], d[1] - e[1]);
    const now = [(d[0] + e[0]) / 2, (d[1] + e[1]) / 2];
    c.pan(now[0] - mid[0], now[1] - mid[1]);
    if (before > 0) c.zoom(after / before, now[0], now[1]);
    app.moved();
  }

  function hover(px, py) {
    const k = under(px, py);
    where(app, stage, px, py);
    el.classList.toggle("over", k >= 0);
    if (stage.state.hover !== k) {
      stage.state.hover = k;
      stage.request();
    }
    tip(app, stage, k, px, py);
  }

  el.addEventListener("pointerleave", () => {
    stage.state.hover = -1;
    $("tip").hidden = true;
    $("where").textContent = "";
    stage.request();
  });
  el.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [px, py] = point(event), unit = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 300 : 1;
    c.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * unit)) * (event.ctrlKey ? 0.008 : 0.0016)), px, py);
    $("tip").hidden = true;
    app.moved();
  }, { passive: false });
  el.addEventListener("dblclick", (event) => {
    const [px, py] = point(event);
    if (under(px, py) < 0) { c.zoom(2, px, py); app.moved(); }
  });
}

function restore(app, k, was) {
  const { model } = app;
  Object.assign(app.stage.state, { dragging: -1 });
  model.at.x[k] = was.x;
  model.at.y[k] = was.y;
  app.showStanding();
  app.stage.redraw();
}

function cancel(app) {
  return app.cancelDrag();
}

let tipFor = -1;
function tip(app, stage, k, px, py) {
  const box = $("tip"), { model, camera: c } = app;
  let title = "", text = "";
  if (k >= 0) {
    title = model.name[k];
    text = model.kind[k] === PORT ? "port" : `${KINDS[model.kind[k]]}, ${length(model.width(k, stage.at))} \u00d7 ${length(model.height(k, stage.at))}, ${ORIENTS[stage.at.orient[k]]}${model.fixed[k] ? ", fixed" : model.pinned[k] ? ", pinned" : ""}`;
  } else {
    const cell = stage.tiles ? stage.tiles.hit(c.toChipX(px), c.toChipY(py)) : -1;
    if (cell < 0) { box.hidden = true; tipFor = -1; return; }
    if (tipFor !== cell) {
      tipFor = cell;
      box.hidden = true;
      getJson(`/api/about?node=${cell}`).then((about) => {
        if (tipFor !== cell) return;
        box.replaceChildren(about.name, element("small", {}, `${KINDS[about.kind]}, ${length(about.w)} \u00d7 ${length(about.h)}`));
        box.hidden = false;
      }, () => {});
    }
    place(box, stage, px, py);
    return;
  }
  tipFor = -1;
  box.replaceChildren(title, element("small", {}, text));
  box.hidden = false;
  place(box, stage, px, py);
}

function place(box, stage, px, py) {
  const left = stage.element.offsetLeft, room = stage.element.parentElement;
  box.style.left = `${Math.min(left + px + 14, Math.max(room.clientWidth - box.offsetWidth - 8, 0))}px`;
  box.style.top = `${py + 18 + box.offsetHeight > room.clientHeight ? py - box.offsetHeight - 10 : py + 18}px`;
}

function where(app, stage, px, py) {
  const { camera: c, model } = app, x = c.toChipX(px), y = c.toChipY(py), cv = model.canvas;
  let text = `${x.toFixed(1)}, ${y.toFixed(1)} \u00b5m`;
  if (x >= 0 && y >= 0 && x < cv.w_um && y < cv.h_um) {
    const column = Math.floor((x / cv.w_um) * cv.columns), row = Math.floor((y / cv.h_um) * cv.rows);
    text += `   cell ${column}, ${row}`;
    const read = app.layers.reading(x, y, stage.isDifference ? stage.values : app.layers.values);
    if (read) text += `: ${read}`;
  }
  $("where").textContent = text.replaceAll("-", "\u2212");
}

function bindButtons(app) {
  const zoom = (factor) => { app.camera.zoom(factor); app.moved(); };
  const on = (id, call) => $(id).addEventListener("click", call);
  on("zoom-in", () => zoom(1.5));
  on("zoom-out", () => zoom(1 / 1.5));
  on("zoom-fit", () => app.fit());
  on("undo", () => app.undo());
  on("redo", () => app.redo());
  on("pin", () => app.pin());
  on("flip-x", () => app.flip("x"));
  on("flip-y", () => app.flip("y"));
  on("help-open", () => $("help").showModal());
}

function key(app, event) {
  const typing = event.target.closest?.("input:not([type=radio]), select, dialog[open]");
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "z" && !typing) {
    event.preventDefault();
    return event.shiftKey ? app.redo() : app.undo();
  }
  if (command && event.key.toLowerCase() === "y" && !typing) {
    event.preventDefault();
    return app.redo();
  }
  if (command || event.altKey || typing) return undefined;
  const onStage = document.activeElement === app.stage.element || document.activeElement === document.body;
  const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (arrows && onStage) {
    event.preventDefault();
    if (event.shiftKey) return nudge(app, -arrows[0], arrows[1]);
    app.camera.pan(arrows[0] * app.camera.width * 0.08, arrows[1] * app.camera.height * 0.08);
    return app.moved();
  }
  const zoom = (factor) => { app.camera.zoom(factor); app.moved(); };
  const act = {
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => app.fit(),
    "/": () => { $("search").focus(); $("search").select(); },
    Escape: () => { if (!app.cancelDrag()) app.select(-1); },
    "[": () => step(app, -1), "]": () => step(app, 1),
    p: () => app.pin(), x: () => app.flip("x"), y: () => app.flip("y"), c: () => app.frames.compare(!app.frames.comparing),
    1: () => app.layers.set("none"), 2: () => app.layers.set("density"), 3: () => app.layers.set("h"), 4: () => app.layers.set("v"),
    5: () => app.layers.set("wire"), 6: () => app.layers.set("token"), 7: () => app.layers.set("heat"),
    "?": () => $("help").showModal(),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return undefined;
  event.preventDefault();
  return act();
}

function step(app, by) {
  const { hard, id, of } = app.model;
  if (!hard.length) return;
  const now = hard.indexOf(of.get(app.selectedId) ?? -1);
  const next = now < 0 ? (by > 0 ? 0 : hard.length - 1) : (now + by + hard.length) % hard.length;
  app.select(id[hard[next]], { show: true });
}

function nudge(app, dx, dy) {
  const k = app.selected;
  if (k < 0 || !app.model.movable(k)) return;
  const { x, y, orient } = app.model.at;
  app.place(k, x[k] + dx * STEP_UM, y[k] + dy * STEP_UM, orient[k]);
}
