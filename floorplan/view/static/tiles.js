// Pictures of soft macros and cells from the server: kept, tinted for the theme, asked for nearest first.

import { getBytes } from "./api.js";
import { colours } from "./colours.js";

const PIXELS = 256, MAX_LEVEL = 16, KEPT = 400, AT_ONCE = 4, MAX_BOX = 40_000;

export class Tiles {
  // Of the placement as it stands, or of one of the frames.
  constructor(model, changed, frame = -1) {
    this.model = model;
    this.of = frame < 0 ? "" : `&frame=${frame}`;
    this.changed = changed;
    this.version = model.scene.cells_version;
    this.side = Math.max(model.canvas.w_um, model.canvas.h_um);
    this.kept = new Map();
    this.asked = new Map();
    this.near = null;
    this.boxAsked = "";
    this.boxAbort = null;
  }

  reset(version) {
    if (version !== undefined && version === this.version) return;
    if (version !== undefined) this.version = version;
    this.kept.clear();
    for (const abort of this.asked.values()) abort.abort();
    this.asked.clear();
    this.near = null;
    this.boxAsked = "";
  }

  // Draw what is there; ask for what is not.
  draw(ctx, camera, ratio) {
    const wanted = Math.ceil(Math.log2((this.side * camera.scale * ratio) / PIXELS) - 0.35);
    const level = Math.min(Math.max(wanted, 0), MAX_LEVEL);
    const n = 2 ** level, size = this.side / n, { w_um, h_um } = this.model.canvas;
    const left = Math.max(camera.toChipX(0), 0), right = Math.min(camera.toChipX(camera.width), w_um);
    const bottom = Math.max(camera.toChipY(camera.height), 0), top = Math.min(camera.toChipY(0), h_um);
    if (right <= left || top <= bottom) return;
    const c0 = Math.floor(left / size), c1 = Math.min(Math.floor(right / size), n - 1);
    const r0 = Math.floor(bottom / size), r1 = Math.min(Math.floor(top / size), n - 1);
    const missing = [];
    this.ratio = ratio;
    ctx.imageSmoothingEnabled = true;
    for (let r = r0; r <= r1; r++) for (let c = c0; c <= c1; c++) {
      const x = camera.toScreenX(c * size), y = camera.toScreenY((r + 1) * size), s = size * camera.scale;
      if (this.put(ctx, level, c, r, 0, 0, PIXELS, x, y, s)) continue;
      missing.push({ level, c, r, far: Math.hypot(x + s / 2 - camera.width / 2, y + s / 2 - camera.height / 2) });
      for (let up = 1; up <= level; up++) {
        const part = PIXELS / 2 ** up, ac = c >> up, ar = r >> up;
        const sx = (c - (ac << up)) * part, sy = PIXELS - (r - (ar << up) + 1) * part;
        if (this.put(ctx, level - up, ac, ar, sx, sy, part, x, y, s)) break;
      }
    }
    this.ask(missing);
  }

  put(ctx, level, c, r, sx, sy, part, x, y, s) {
    const key = `${level}/${c}/${r}`, tile = this.kept.get(key);
    if (!tile) return false;
    this.kept.delete(key);
    this.kept.set(key, tile);
    // edges on whole pixels: neither a gap nor a doubled line between tiles
    const snap = (v) => Math.round(v * this.ratio) / this.ratio;
    ctx.drawImage(tile, sx, sy, part, part, snap(x), snap(y), snap(x + s) - snap(x), snap(y + s) - snap(y));
    return true;
  }

  ask(missing) {
    missing.sort((a, b) => a.far - b.far);
    const wanted = new Set(missing.map((m) => `${m.level}/${m.c}/${m.r}`));
    for (const [key, abort] of this.asked) if (!wanted.has(key)) { abort.abort(); this.asked.delete(key); }
    for (const { level, c, r } of missing) {
      const key = `${level}/${c}/${r}`;
      if (this.asked.size >= AT_ONCE) return;
      if (!this.asked.has(key)) this.fetch(key, level, c, r);
    }
  }

  async fetch(key, level, c, r) {
    const abort = new AbortController();
    this.asked.set(key, abort);
    try {
      const path = `/api/tile?level=${level}&column=${c}&row=${r}&version=${this.version}${this.of}`;
      const { data } = await getBytes(path, abort.signal);
      this.kept.set(key, tinted(new Uint8Array(data)));
      while (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    } catch { /* given up, or the server is away: asked for again with the next picture */ }
    if (this.asked.get(key) === abort) {
      this.asked.delete(key);
      this.changed();
    }
  }

  // Where few cells are in sight they come as rectangles, with their ids.
  async look(camera) {
    if (!this.model.scene.tiled) return;
    // somewhat more than is in sight, so that a small step needs no new answer
    const ex = (0.3 * camera.width) / camera.scale, ey = (0.3 * camera.height) / camera.scale;
    const box = [camera.toChipX(0) - ex, camera.toChipY(camera.height) - ey, camera.toChipX(camera.width) + ex, camera.toChipY(0) + ey];
    const { w_um, h_um } = this.model.canvas;
    const share = Math.max(0, Math.min(box[2], w_um) - Math.max(box[0], 0)) * Math.max(0, Math.min(box[3], h_um) - Math.max(box[1], 0)) / (w_um * h_um);
    if (share * this.model.scene.counts.soft > MAX_BOX) { this.near = null; return; }
    const asked = `${box.map((v) => v.toFixed(3)).join()}/${this.version}`;
    if (asked === this.boxAsked) return;
    this.boxAsked = asked;
    this.boxAbort?.abort();
    this.boxAbort = new AbortController();
    try {
      const got = await getBytes(`/api/cells?x0=${box[0]}&y0=${box[1]}&x1=${box[2]}&y1=${box[3]}${this.of}`, this.boxAbort.signal);
      if (asked !== this.boxAsked) return;
      if (got === null) this.near = null;
      else {
        const n = got.data.byteLength / 20;
        this.near = { n, box, rect: new Float32Array(got.data, 0, 4 * n), id: new Int32Array(got.data, 16 * n, n) };
      }
      this.changed();
    } catch { this.boxAsked = ""; }
  }

  // Returns whether all that is in sight was drawn; if not, tiles have to.
  drawNear(ctx, camera) {
    if (!this.near) return false;
    const { n, rect, box } = this.near, { w_um, h_um } = this.model.canvas;
    if (Math.max(camera.toChipX(0), 0) < Math.max(box[0], 0) || Math.min(camera.toChipX(camera.width), w_um) > Math.min(box[2], w_um)
      || Math.max(camera.toChipY(camera.height), 0) < Math.max(box[1], 0) || Math.min(camera.toChipY(0), h_um) > Math.min(box[3], h_um)) return false;
    const look = colours(), s = camera.scale;
    ctx.fillStyle = look.softFill;
    ctx.strokeStyle = look.softLine;
    ctx.lineWidth = 1;
    for (let k = 0; k < n; k++) {
      const w = rect[2 * n + k] * s, h = rect[3 * n + k] * s;
      const x = camera.toScreenX(rect[k]), y = camera.toScreenY(rect[n + k]) - h;
      ctx.fillRect(x, y, w, h);
      if (w > 3 && h > 3) ctx.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    }
    return true;
  }

  hit(x, y) {
    if (!this.near) return -1;
    const { n, rect, id } = this.near;
    for (let k = 0; k < n; k++) {
      if (x >= rect[k] && x <= rect[k] + rect[2 * n + k] && y >= rect[n + k] && y <= rect[n + k] + rect[3 * n + k]) return id[k];
    }
    return -1;
  }
}

function tinted(cover) {
  const canvas = new OffscreenCanvas(PIXELS, PIXELS), ctx = canvas.getContext("2d");
  const image = ctx.createImageData(PIXELS, PIXELS), out = new Uint32Array(image.data.buffer);
  const [r, g, b] = colours().cell, base = r | (g << 8) | (b << 16);
  for (let i = 0; i < cover.length; i++) out[i] = base | (((cover[i] * 166) >> 8) << 24);
  ctx.putImageData(image, 0, 0);
  return canvas;
}
