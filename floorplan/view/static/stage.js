// One picture of the floorplan: a base (canvas, maps, nodes) that is kept while it is panned, and an overlay on top.

import { colours, fullness, rgba } from "./colours.js";
import { shorten } from "./format.js";
import { HARD, PORT } from "./model.js";

const SLOW_MS = 9, SETTLE_MS = 110, LABEL_PX = 64;
const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif';

export class Stage {
  constructor(element, model, camera) {
    Object.assign(this, { element, model, camera, at: model.at, tiles: null, map: null, mapImage: null, state: {} });
    this.base = document.createElement("canvas");
    this.top = document.createElement("canvas");
    this.caption = document.createElement("span");
    this.caption.className = "caption";
    this.caption.hidden = true;
    element.replaceChildren(this.base, this.top, this.caption);
    this.painted = null;
    this.baseMs = 0;
    this.frameMs = [];
    this.stale = true;
    this.wanted = false;
    this.settle = 0;
  }

  resize() {
    const { clientWidth: w, clientHeight: h } = this.element;
    const ratio = Math.min(devicePixelRatio || 1, 3);
    for (const canvas of [this.base, this.top]) {
      const W = Math.round(w * ratio), H = Math.round(h * ratio);
      if (canvas.width !== W || canvas.height !== H) {
        canvas.width = W;
        canvas.height = H;
        canvas.style.width = `${w}px`;
        canvas.style.height = `${h}px`;
      }
    }
    this.ratio = ratio;
    this.text = parseFloat(getComputedStyle(document.body).fontSize) / 13;
    this.redraw();
  }

  // Values row by row from the bottom; `grid` has columns and rows, `paint` makes [r, g, b, alpha] of a value.
  setMap(values, { grid: mapGrid = this.model.canvas, paint: mapPaint = fullness, isDifference = false } = {}) {
    Object.assign(this, { map: values, mapGrid, mapPaint, isDifference });
    this.mapImage = null;
    this.redraw();
  }

  // Everything anew with the next frame.
  redraw() {
    this.stale = true;
    this.request();
  }

  // The overlay anew, and the base if the camera has moved.
  request() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame((now) => {
      this.wanted = false;
      this.paint(now);
    });
  }

  paint(now) {
    if (!this.base.width || this.element.hidden) return;
    const begin = performance.now(), c = this.camera, p = this.painted;
    const moved = !p || p.x !== c.x || p.y !== c.y || p.scale !== c.scale || p.width !== c.width || p.height !== c.height;
    if (this.stale || (moved && (this.baseMs < SLOW_MS || now - this.paintedAt > 2 * SETTLE_MS))) this.paintBase(now);
    else if (moved) {
      // Too much to draw sixty times a second: what is there is moved, and drawn anew when the camera comes to rest.
      const k = c.scale / p.scale;
      const dx = c.width / 2 - (p.width / 2) * k + (p.x - c.x) * c.scale, dy = c.height / 2 - (p.height / 2) * k - (p.y - c.y) * c.scale;
      this.base.style.transform = `translate(${dx}px, ${dy}px) scale(${k})`;
      clearTimeout(this.settle);
      this.settle = setTimeout(() => this.redraw(), SETTLE_MS);
    }
    this.paintTop();
    this.frameMs.push(performance.now() - begin);
    if (this.frameMs.length > 600) this.frameMs.shift();
  }

  paintBase(now) {
    const begin = performance.now();
    const ctx = this.base.getContext("2d", { alpha: false }), c = this.camera, look = colours(), model = this.model;
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.fillStyle = look.page;
    ctx.fillRect(0, 0, c.width, c.height);
    const x0 = c.toScreenX(0), y0 = c.toScreenY(model.canvas.h_um);
    const w = model.canvas.w_um * c.scale, h = model.canvas.h_um * c.scale;
    ctx.fillStyle = look.canvas;
    ctx.fillRect(x0, y0, w, h);
    this.grid(ctx, look);
    this.constraints(ctx, look);
    if (model.scene.tiled) {
      if (!this.tiles?.drawNear(ctx, c)) this.tiles?.draw(ctx, c, this.ratio);
    } else this.soft(ctx, look);
    this.drawMap(ctx, x0, y0, w, h);
    this.macros(ctx, look);
    this.ports(ctx, look);
    ctx.strokeStyle = look.edge;
    ctx.lineWidth = 1.25;
    ctx.strokeRect(x0, y0, w, h);
    this.base.style.transform = "";
    this.painted = c.copy();
    this.paintedAt = now;
    this.stale = false;
    this.baseMs = 0.6 * this.baseMs + 0.4 * (performance.now() - begin);
  }

  grid(ctx, look) {
    const { columns, rows, w_um, h_um } = this.model.canvas, c = this.camera;
    const px = (w_um / columns) * c.scale, py = (h_um / rows) * c.scale;
    if (Math.min(px, py) < 14) return;
    ctx.strokeStyle = look.grid;
    ctx.lineWidth = 1;
    ctx.beginPath();
    const left = c.toScreenX(0), right = c.toScreenX(w_um), top = c.toScreenY(h_um), bottom = c.toScreenY(0);
    for (let i = 1; i < columns; i++) {
      const x = Math.round(left + i * px) + 0.5;
      if (x >= 0 && x <= c.width) { ctx.moveTo(x, Math.max(top, 0)); ctx.lineTo(x, Math.min(bottom, c.height)); }
    }
    for (let j = 1; j < rows; j++) {
      const y = Math.round(bottom - j * py) + 0.5;
      if (y >= 0 && y <= c.height) { ctx.moveTo(Math.max(left, 0), y); ctx.lineTo(Math.min(right, c.width), y); }
    }
    ctx.stroke();
  }

  constraints(ctx, look) {
    const c = this.camera, { blockages, regions } = this.model.scene;
    for (const [x0, y0, x1, y1, hard] of blockages) {
      const r = [c.toScreenX(x0), c.toScreenY(y1), (x1 - x0) * c.scale, (y1 - y0) * c.scale];
      hatch(ctx, ...r, look.blocked, hard ? 7 : 14);
    }
    ctx.setLineDash([6, 4]);
    ctx.strokeStyle = look.soft;
    ctx.fillStyle = look.soft;
    ctx.font = `12px ${FONT}`;
    for (const { name, rects } of regions) for (const [x0, y0, x1, y1] of rects) {
      ctx.strokeRect(c.toScreenX(x0), c.toScreenY(y1), (x1 - x0) * c.scale, (y1 - y0) * c.scale);
      ctx.fillText(name, c.toScreenX(x0) + 4, c.toScreenY(y1) + 14);
    }
    ctx.setLineDash([]);
  }

  // Screen rectangle of a node, null where nothing of it is in sight.
  box(k, grow = 0) {
    const c = this.camera, w = this.model.width(k, this.at) * c.scale, h = this.model.height(k, this.at) * c.scale;
    const x = c.toScreenX(this.at.x[k]) - w / 2, y = c.toScreenY(this.at.y[k]) - h / 2;
    if (!(x + w >= -grow && y + h >= -grow && x <= c.width + grow && y <= c.height + grow)) return null;
    return [x, y, w, h];
  }

  soft(ctx, look) {
    const { model } = this, dimmed = this.map !== null;
    ctx.fillStyle = look.softFill;
    ctx.strokeStyle = look.softLine;
    ctx.lineWidth = 1;
    for (let k = 0; k < model.size; k++) {
      if (model.kind[k] === HARD || model.kind[k] === PORT) continue;
      const b = this.box(k);
      if (!b) continue;
      if (!dimmed) ctx.fillRect(b[0], b[1], b[2], b[3]);
      if (b[2] > 5) ctx.strokeRect(b[0], b[1], b[2], b[3]);
    }
  }

  macros(ctx, look) {
    const { model } = this, mapped = this.map !== null;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    for (const k of model.hard) {
      const b = this.box(k);
      if (!b || this.state.dragging === k) continue;
      ctx.globalAlpha = this.state.absent?.has(k) ? 0.22 : 1;
      this.macro(ctx, look, k, b, mapped ? 0.06 : look.fill);
      ctx.globalAlpha = 1;
    }
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
  }

  macro(ctx, look, k, [x, y, w, h], fill) {
    const { model } = this, hex = look.macros[model.group[k]] ?? look.other;
    ctx.fillStyle = rgba(hex, fill);
    ctx.fillRect(x, y, w, h);
    if (model.fixed[k] || model.pinned[k]) hatch(ctx, x, y, w, h, look.fixed, 8);
    if (Math.min(w, h) < 3) return;
    ctx.strokeStyle = hex;
    ctx.lineWidth = model.pinned[k] ? 2.5 : 1.25;
    ctx.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    if (Math.min(w, h) > 12) {
      const [sx, sy] = model.corner(this.at.orient[k]), n = Math.min(9, Math.min(w, h) / 4);
      const cx = sx < 0 ? x : x + w, cy = sy < 0 ? y + h : y;
      ctx.fillStyle = hex;
      ctx.beginPath();
      ctx.moveTo(cx, cy);
      ctx.lineTo(cx - sx * n, cy);
      ctx.lineTo(cx, cy + sy * n);
      ctx.fill();
    }
    const along = Math.max(w, h), upright = h > 1.6 * w;
    if (along > LABEL_PX && Math.min(w, h) > 15) this.label(ctx, look, k, x + w / 2, y + h / 2, upright ? h : w, upright);
  }

  label(ctx, look, k, x, y, room, upright) {
    ctx.font = `${(room > 160 ? 13 : 11) * this.text}px ${FONT}`;
    const text = shorten(this.model.label(k), (t) => ctx.measureText(t).width < room - 22);
    if (!text) return;
    ctx.fillStyle = look.ink;
    ctx.save();
    ctx.translate(x, y);
    if (upright) ctx.rotate(-Math.PI / 2);
    if (this.map !== null) { // legible on any colour of the map
      ctx.strokeStyle = look.canvas;
      ctx.lineWidth = 3 * this.text;
      ctx.lineJoin = "round";
      ctx.strokeText(text, 0, 0);
    }
    ctx.fillText(text, 0, 0);
    ctx.restore();
  }

  ports(ctx, look) {
    const { model, camera: c } = this, size = Math.min(Math.max(c.scale * 2, 3), 7);
    ctx.fillStyle = look.port;
    for (let k = 0; k < model.size; k++) {
      if (model.kind[k] !== PORT) continue;
      const x = c.toScreenX(this.at.x[k]), y = c.toScreenY(this.at.y[k]);
      if (x > -9 && y > -9 && x < c.width + 9 && y < c.height + 9) ctx.fillRect(x - size / 2, y - size / 2, size, size);
    }
  }

  drawMap(ctx, x, y, w, h) {
    if (this.map === null) return;
    const { columns, rows } = this.mapGrid;
    if (this.mapImage === null) {
      this.mapImage = new OffscreenCanvas(columns, rows);
      const to = this.mapImage.getContext("2d"), image = to.createImageData(columns, rows);
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
        image.data.set(this.mapPaint(this.map[r * columns + c]), 4 * ((rows - 1 - r) * columns + c));
      }
      to.putImageData(image, 0, 0);
    }
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.mapImage, x, y, w, h);
  }

  paintTop() {
    const ctx = this.top.getContext("2d"), look = colours(), s = this.state, c = this.camera;
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, c.width, c.height);
    if (s.others) this.displacements(ctx, look, s.others);
    if (s.lines) this.flylines(ctx, look, s.lines);
    for (const k of s.wrong ?? []) this.outline(ctx, k, look.wrong, 2, [5, 3]);
    for (const k of s.marked ?? []) this.outline(ctx, k, look.select, 1.5);
    if (s.hover >= 0) this.outline(ctx, s.hover, look.hover, 1.5);
    if (s.selected >= 0) this.outline(ctx, s.selected, look.select, 2.5);
    if (s.spot) this.rect(ctx, s.spot, look.select, 2.5);
    if (s.picks) this.picks(ctx, look, s.picks);
    if (s.dragging >= 0) this.ghost(ctx, look, s);
  }

  outline(ctx, k, colour, width, dash = []) {
    const b = this.box(k, 20);
    if (b) this.stroke(ctx, b, colour, width, dash);
  }

  rect(ctx, { x, y, w, h }, colour, width) {
    const c = this.camera;
    this.stroke(ctx, [c.toScreenX(x - w / 2), c.toScreenY(y + h / 2), w * c.scale, h * c.scale], colour, width, []);
  }

  stroke(ctx, [x, y, w, h], colour, width, dash) {
    const grow = Math.max(0, 3 - Math.min(w, h) / 2);
    ctx.setLineDash(dash);
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.strokeRect(x - grow, y - grow, w + 2 * grow, h + 2 * grow);
    ctx.setLineDash([]);
  }

  // Cells in an order, numbered.
  picks(ctx, look, cells) {
    const c = this.camera, r = 8.5 * this.text;
    ctx.font = `600 ${11 * this.text}px ${FONT}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (let i = cells.length - 1; i >= 0; i--) {
      const x = c.toScreenX(cells[i].x), y = c.toScreenY(cells[i].y);
      ctx.beginPath();
      ctx.arc(x, y, r, 0, 7);
      ctx.fillStyle = look.ink;
      ctx.fill();
      ctx.strokeStyle = look.canvas;
      ctx.lineWidth = 1.5;
      ctx.stroke();
      ctx.fillStyle = look.canvas;
      ctx.fillText(String(i + 1), x, y + 0.5);
    }
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
  }

  ghost(ctx, look, s) {
    const k = s.dragging, b = this.box(k, 1e5);
    if (!b) return;
    const c = this.camera;
    ctx.setLineDash([3, 3]);
    ctx.strokeStyle = look.soft;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(c.toScreenX(s.from.x), c.toScreenY(s.from.y));
    ctx.lineTo(b[0] + b[2] / 2, b[1] + b[3] / 2);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    this.macro(ctx, look, k, b, 0.55);
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    this.stroke(ctx, b, s.bad ? look.wrong : look.select, 2.5, s.bad ? [6, 3] : []);
  }

  flylines(ctx, look, lines) {
    const c = this.camera, k = this.state.selected, most = lines[0]?.weight ?? 1;
    const from = k >= 0 ? [this.at.x[k], this.at.y[k]] : this.state.spot ? [this.state.spot.x, this.state.spot.y] : null;
    if (!from) return;
    const x = c.toScreenX(from[0]), y = c.toScreenY(from[1]);
    for (let i = lines.length - 1; i >= 0; i--) {
      const line = lines[i], o = this.model.of.get(line.node);
      const to = o === undefined ? [line.x, line.y] : [this.at.x[o], this.at.y[o]];
      if (to[0] === null || to[0] === undefined) continue;
      const share = Math.sqrt(line.weight / most);
      ctx.strokeStyle = rgba(look.line, 0.15 + 0.65 * share);
      ctx.lineWidth = 0.75 + 2.25 * share;
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(c.toScreenX(to[0]), c.toScreenY(to[1]));
      ctx.stroke();
    }
  }

  // Where macros stand in the other placement: a line from there to here.
  displacements(ctx, look, others) {
    const c = this.camera, { model } = this;
    // many lines must not hide what they lie on
    const alpha = (this.map === null ? 0.9 : 0.7) * Math.min(1, Math.max(0.5, 60 / model.hard.length));
    ctx.strokeStyle = rgba(look.select, alpha);
    ctx.fillStyle = look.select;
    ctx.lineWidth = 1.25;
    for (const k of model.hard) {
      const x0 = c.toScreenX(others.x[k]), y0 = c.toScreenY(others.y[k]);
      const x1 = c.toScreenX(this.at.x[k]), y1 = c.toScreenY(this.at.y[k]);
      if (!(Math.hypot(x1 - x0, y1 - y0) > 2)) continue;
      ctx.beginPath();
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(x1, y1, 2.5, 0, 7);
      ctx.fill();
    }
  }
}

function hatch(ctx, x, y, w, h, colour, step) {
  const x0 = Math.max(x, -step), y0 = Math.max(y, -step), x1 = Math.min(x + w, ctx.canvas.width + step), y1 = Math.min(y + h, ctx.canvas.height + step);
  if (x1 <= x0 || y1 <= y0 || Math.min(w, h) < 4) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, y0, x1 - x0, y1 - y0);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let d = Math.floor((x0 - y1) / step) * step; d < x1 - y0; d += step) {
    ctx.moveTo(y0 + d, y0);
    ctx.lineTo(y1 + d, y1);
  }
  ctx.stroke();
  ctx.restore();
}

