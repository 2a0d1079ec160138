// What part of the canvas is in sight: its centre in um, and pixels a um. y grows upwards on the chip, down on the screen.

export class Camera {
  constructor() {
    Object.assign(this, { x: 0, y: 0, scale: 1, width: 1, height: 1, least: 1e-6, most: 1e6 });
  }

  resize(width, height) {
    this.width = Math.max(width, 1);
    this.height = Math.max(height, 1);
  }

  // Show the box x0, y0, x1, y1.
  fit([x0, y0, x1, y1], margin = 36) {
    const w = x1 - x0, h = y1 - y0;
    // room below for the legend
    this.scale = Math.min((this.width - 2 * margin) / w, (this.height - 2 * margin - 18) / h);
    if (!(this.scale > 0)) this.scale = Math.min(this.width / w, this.height / h);
    this.least = this.scale / 4;
    this.most = Math.max(this.scale * 4096, 200);
    this.x = (x0 + x1) / 2;
    this.y = (y0 + y1) / 2 - 9 / this.scale;
  }

  toScreenX(x) { return this.width / 2 + (x - this.x) * this.scale; }
  toScreenY(y) { return this.height / 2 - (y - this.y) * this.scale; }
  toChipX(px) { return this.x + (px - this.width / 2) / this.scale; }
  toChipY(py) { return this.y - (py - this.height / 2) / this.scale; }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
  }

  // The chip stays still under the point (px, py).
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const x = this.toChipX(px), y = this.toChipY(py);
    this.scale = Math.min(Math.max(this.scale * factor, this.least), this.most);
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
  }

  // Bring a node into sight, near enough to read it; no more than a little beyond the edges of the canvas is shown.
  show(x, y, w, h, whole) {
    const wanted = Math.min(this.width / (8 * Math.max(w, 1e-3)), this.height / (8 * Math.max(h, 1e-3)));
    this.scale = Math.min(Math.max(this.scale, Math.min(wanted, this.least * 32)), this.most);
    const keep = (at, extent, pixels) => {
      const half = pixels / 2 / this.scale, spare = 0.06 * extent;
      return 2 * half >= extent + 2 * spare ? extent / 2 : Math.min(Math.max(at, half - spare), extent + spare - half);
    };
    this.x = keep(x, whole.w_um, this.width);
    this.y = keep(y, whole.h_um, this.height);
  }

  copy() {
    return Object.assign(new Camera(), this);
  }
}
