// Maps over the floorplan, and their legend.

import { getBytes } from "./api.js";
import { difference, fullness } from "./colours.js";
import { $, element } from "./panel.js";

const SAYS = { density: "Cell area covered", h: "Horizontal tracks wanted", v: "Vertical tracks wanted" };

export function bindLayers(app) {
  const layers = {
    name: "none",
    values: null,

    async set(name) {
      this.name = name;
      document.querySelector(`input[name="layer"][value="${name}"]`).checked = true;
      await this.refresh();
    },

    async refresh() {
      const { name } = this;
      if (name === "none") {
        this.values = null;
        app.stages().forEach((s) => s.setMap(null));
        return this.legend();
      }
      try {
        const { data } = await getBytes(`/api/map?name=${name}`);
        if (this.name !== name) return;
        this.values = new Float32Array(data);
        app.stage.setMap(this.values);
        await app.frames.showMap(name, this.values);
        this.legend();
      } catch (error) { app.failed(error); }
    },

    legend() {
      const box = $("legend");
      box.hidden = this.name === "none";
      if (box.hidden) return;
      const most = this.values ? this.values.reduce((a, b) => Math.max(a, b), 0) : 0;
      const range = (text) => element("span", { class: "range" }, text);
      const out = [element("div", {}, `${SAYS[this.name]} (fullest ${(100 * most).toFixed(0)} %)`, range("0"), paint((t) => fullness(2 * t)), range("200 %"))];
      if (app.frames.comparing) {
        out.push(element("div", {}, "right less left", range("\u221250 %"), paint((t) => difference(t - 0.5)), range("+50 %")));
      }
      box.replaceChildren(...out);
    },
  };
  for (const input of document.querySelectorAll('input[name="layer"]')) input.addEventListener("change", () => layers.set(input.value));
  return layers;
}

function paint(scale) {
  const canvas = element("canvas", { width: "220", height: "1" }), ctx = canvas.getContext("2d");
  const image = ctx.createImageData(220, 1);
  for (let i = 0; i < 220; i++) image.data.set(scale(i / 219), 4 * i);
  ctx.putImageData(image, 0, 0);
  return canvas;
}
