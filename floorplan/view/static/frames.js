// Further placements: step through them, show one beside the current one, take one over.

import { getBytes, post } from "./api.js";
import { change, fixed } from "./format.js";
import { Positions } from "./model.js";
import { $ } from "./panel.js";
import { Tiles } from "./tiles.js";

export function bindFrames(app) {
  let token = 0, timer = 0;
  const frames = {
    labels: app.model.scene.frames,
    index: -1, // -1: the placement as it stands
    comparing: false,
    shown: null,
    working: null,
    tiles: null, // cells of the one that is shown

    get peek() { return this.shown !== null && !this.comparing ? this.index : -1; },

    relabel(labels) {
      this.labels = labels;
      $("slider").hidden = labels.length < 2;
      $("frame").max = String(labels.length); // the last stop is the placement as it stands
      if (this.index < 0) $("frame").value = $("frame").max;
      this.say();
    },

    say() {
      $("frame-label").textContent = this.index < 0 ? "As it stands now" : this.labels[this.index];
      $("take").disabled = this.index < 0;
      if (this.index < 0) $("frame-cost").textContent = "";
    },

    async go(index) {
      const mine = ++token;
      this.index = index < 0 || index >= this.labels.length ? -1 : index;
      $("frame").value = String(this.index < 0 ? this.labels.length : this.index);
      this.say();
      if (this.index < 0) {
        this.shown = null;
        if (this.comparing) this.compare(false);
        return this.apply();
      }
      try {
        const { data, headers } = await getBytes(`/api/frame?frame=${this.index}`);
        if (mine !== token) return;
        this.shown = Positions.from(data, app.model.size);
        this.tiles = app.model.scene.tiled ? new Tiles(app.model, () => app.stages().forEach((s) => s.redraw()), this.index) : null;
        const proxy = Number(headers.get("x-cost").split(",")[3]);
        const base = app.standing?.cost.proxy, delta = base === undefined ? null : change(proxy - base, base);
        $("frame-cost").textContent = `Proxy ${fixed(proxy)}${delta ? `, ${delta.text} against now` : ""}`;
        this.apply();
      } catch (error) { app.failed(error); }
    },

    // What an agent at work has so far is shown in place of what stands, unless another one is looked at; null ends it.
    work(positions, caption = "") {
      const was = this.working !== null;
      this.working = positions;
      this.workCaption = caption;
      if (app.stage.state.dragging < 0 && (positions !== null || was)) this.apply();
    },

    apply() {
      const { stage, second, model } = app;
      const peek = this.peek >= 0, working = !peek && !this.comparing ? this.working : null;
      stage.at = peek ? this.shown : working ?? model.at;
      stage.tiles = peek ? this.tiles : app.tiles;
      stage.peeking = peek || working !== null;
      stage.caption.hidden = !stage.peeking && !this.comparing;
      stage.caption.textContent = peek ? `${this.labels[this.index]} (looking only)` : working ? this.workCaption : "as it stands now";
      if (this.comparing && this.shown) {
        second.at = this.shown;
        second.tiles = this.tiles;
        second.state.others = model.at;
        second.caption.hidden = false;
        second.caption.textContent = this.labels[this.index];
      }
      if (app.layers.shownFor !== this.peek || this.comparing) app.layers.refresh();
      this.tiles?.look(app.camera);
      app.stages().forEach((s) => s.redraw());
    },

    // With none chosen, the one that was opened.
    async compare(on) {
      if (on && this.index < 0) await this.go(0);
      if (on && !this.shown) return;
      this.comparing = on;
      $("compare").setAttribute("aria-pressed", String(on));
      app.second.element.hidden = !on;
      Object.assign(app.second.state, { selected: app.selected, lines: app.stage.state.lines });
      app.resize();
      app.fit();
      this.apply();
      app.layers.refresh();
      this.say();
    },

    async showMap(name, left) {
      if (!this.comparing || this.index < 0 || app.layers.kinds.get(name)?.fetch) return;
      try {
        const right = await app.layers.ask(name, this.index);
        if (right.length === 0) {
          app.layers.limit = null;
          return app.second.setMap(null);
        }
        const kind = app.layers.kinds.get(name), less = right.map((v, i) => v - left[i]);
        const { limit, paint } = app.layers.difference(kind, less);
        app.layers.limit = limit;
        app.second.values = right;
        app.second.setMap(less, { grid: kind, paint, isDifference: true });
      } catch (error) { app.failed(error); }
    },

    play() {
      clearInterval(timer);
      const playing = $("play").textContent === "Play";
      $("play").textContent = playing ? "Pause" : "Play";
      if (!playing) return;
      if (this.index < 0) this.go(0);
      timer = setInterval(() => {
        if (this.index < 0) return this.play();
        this.go(this.index + 1);
      }, 450);
    },
  };
  $("frame").addEventListener("input", (event) => frames.go(Number(event.target.value)));
  $("compare").addEventListener("click", () => frames.compare(!frames.comparing));
  $("play").addEventListener("click", () => frames.play());
  $("episode").addEventListener("click", async () => {
    try {
      const { first, frames: labels } = await post("/api/episode");
      frames.relabel(labels);
      await frames.go(first);
      if ($("play").textContent === "Play") frames.play();
    } catch (error) { app.failed(error); }
  });
  $("take").addEventListener("click", async () => {
    const index = frames.index;
    await frames.go(-1);
    await app.change("/api/take", { frame: index });
  });
  frames.relabel(frames.labels);
  return frames;
}
