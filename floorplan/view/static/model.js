// What is looked at: nodes drawn one by one, as arrays, and where they stand.

export const HARD = 0, SOFT = 1, PORT = 2, CELL = 3;
// (a, b, c, d) of (dx, dy) -> (a dx + b dy, c dx + d dy) for N FN FS S E W FE FW.
const TURN = [[1, 0, 0, 1], [-1, 0, 0, 1], [1, 0, 0, -1], [-1, 0, 0, -1], [0, 1, -1, 0], [0, -1, 1, 0], [0, -1, -1, 0], [0, 1, 1, 0]];
const FLIP_X = [1, 0, 3, 2, 7, 6, 5, 4], FLIP_Y = [2, 3, 0, 1, 6, 7, 4, 5];

export class Positions {
  constructor(x, y, orient) {
    Object.assign(this, { x, y, orient });
  }

  static from(data, n) {
    return new Positions(new Float64Array(data, 0, n), new Float64Array(data, 8 * n, n), new Uint8Array(data, 16 * n, n));
  }
}

export class Model {
  constructor(scene) {
    const nodes = scene.nodes;
    this.scene = scene;
    this.canvas = scene.canvas;
    this.id = Int32Array.from(nodes.id);
    this.name = nodes.name;
    this.kind = Uint8Array.from(nodes.kind);
    this.w = Float64Array.from(nodes.w);
    this.h = Float64Array.from(nodes.h);
    this.allowed = Uint8Array.from(nodes.allowed);
    this.fixed = Uint8Array.from(nodes.fixed);
    this.pinned = Uint8Array.from(nodes.pinned);
    this.at = new Positions(Float64Array.from(nodes.x), Float64Array.from(nodes.y), Uint8Array.from(nodes.orient));
    this.of = new Map(nodes.id.map((id, k) => [id, k]));
    this.hard = [];
    for (let k = 0; k < this.id.length; k++) if (this.kind[k] === HARD) this.hard.push(k);
    this.ending = commonEnding(this.hard.map((k) => this.name[k])).length;
    // which colour: macros of one part of the hierarchy share it
    this.group = Int16Array.from(nodes.group);
  }

  // The canvas and the macros beside it, as far as those do not lie more than half its size away.
  extent() {
    const { w_um, h_um } = this.canvas, box = [0, 0, w_um, h_um];
    for (const k of this.hard) {
      const w = this.width(k) / 2, h = this.height(k) / 2;
      box[0] = Math.min(box[0], Math.max(this.at.x[k] - w, -w_um / 2));
      box[1] = Math.min(box[1], Math.max(this.at.y[k] - h, -h_um / 2));
      box[2] = Math.max(box[2], Math.min(this.at.x[k] + w, 1.5 * w_um));
      box[3] = Math.max(box[3], Math.min(this.at.y[k] + h, 1.5 * h_um));
    }
    return box;
  }

  // The name without the ending that all macros share, which tells them apart no better.
  label(k) {
    const name = this.name[k];
    return this.kind[k] === HARD ? name.slice(0, name.length - this.ending) : name;
  }

  get size() { return this.id.length; }

  width(k, at = this.at) { return at.orient[k] >= 4 ? this.h[k] : this.w[k]; }
  height(k, at = this.at) { return at.orient[k] >= 4 ? this.w[k] : this.h[k]; }
  movable(k) { return !this.fixed[k] && !this.pinned[k] && this.kind[k] !== PORT; }

  // The corner that is lower left in orientation N, as a direction.
  corner(orient) {
    const [a, b, c, d] = TURN[orient];
    return [-a - b, -c - d];
  }

  flipped(k, axis) {
    const to = (axis === "x" ? FLIP_X : FLIP_Y)[this.at.orient[k]];
    return (this.allowed[k] >> to) & 1 ? to : null;
  }

  // The topmost node at a point: hard macros before ports before soft ones; ports are given some pixels.
  hit(x, y, slack, at = this.at) {
    let best = -1, rank = 9;
    for (let k = this.size - 1; k >= 0; k--) {
      const kind = this.kind[k], r = kind === HARD ? 0 : kind === PORT ? 1 : 2;
      if (r >= rank) continue;
      const extra = kind === PORT ? slack : 0;
      if (Math.abs(x - at.x[k]) <= this.width(k, at) / 2 + extra && Math.abs(y - at.y[k]) <= this.height(k, at) / 2 + extra) {
        best = k;
        rank = r;
      }
    }
    return best;
  }
}

function commonEnding(names) {
  if (names.length < 2) return "";
  let ending = names[0];
  for (const name of names) while (!name.endsWith(ending)) ending = ending.slice(1);
  const begin = ending.search(/[/.]/); // only whole levels of the hierarchy
  return begin < 0 ? "" : ending.slice(begin);
}
