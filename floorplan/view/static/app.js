// Puts the page together: one model, one camera, one or two stages, and what the server says.

import { ApiError, getBytes, getJson, Latest, listen, post } from "./api.js";
import { Camera } from "./camera.js";
import { onTheme } from "./colours.js";
import { count } from "./format.js";
import { bindEstimate } from "./estimate.js";
import { bindFrames } from "./frames.js";
import { bindImprove } from "./improve.js";
import { bindInput } from "./input.js";
import { bindLayers } from "./layers.js";
import { bindLive } from "./live.js";
import { HARD, Model, Positions } from "./model.js";
import { bindPolicy } from "./policy.js";
import { $, showCost, showHistory, showNode, showSpot, showTrouble, showVerdict } from "./panel.js";
import { bindSearch } from "./search.js";
import { Stage } from "./stage.js";
import { Tiles } from "./tiles.js";

class App {
  constructor(scene) {
    this.camera = new Camera();
    this.selected = -1;
    this.about = null;
    this.standing = null;
    this.epoch = scene.epoch;
    this.away = false;
    this.load(scene);
    this.opened = { x: this.model.at.x.slice(), y: this.model.at.y.slice(), orient: this.model.at.orient.slice() };
    this.proposals = new Latest((move) => post("/api/propose", move.body), (answer, move) => this.proposed(answer, move), (error) => this.failed(error));
    this.proposalMs = [];
  }

  load(scene) {
    this.model = new Model(scene);
    const redraw = () => this.stages().forEach((s) => s.redraw());
    this.tiles = new Tiles(this.model, redraw);
    if (this.stage) {
      this.stage.model = this.model;
      this.stage.at = this.model.at;
      this.second.model = this.model;
    } else {
      this.stage = new Stage($("stage"), this.model, this.camera);
      this.second = new Stage($("stage-b"), this.model, this.camera);
    }
    this.stage.tiles = this.tiles;
    this.stage.state = { hover: -1, selected: -1, dragging: -1, wrong: [] };
    this.second.state = { hover: -1, selected: -1, dragging: -1, wrong: [] };
    const { counts, name, title } = scene;
    $("title").textContent = name || title;
    document.title = `${name || title} \u2013 floorplan`;
    const parts = [`${count(counts.hard)} macros`, `${count(counts.soft)} soft or cells`, `${count(counts.ports)} ports`, `${count(counts.nets)} nets`];
    if (counts.unplaced) parts.push(`${count(counts.unplaced)} not placed`);
    $("counts").textContent = parts.join("  \u00b7  ");
    $("counts").title = scene.hash;
    showHistory(scene.history);
    for (const kind of this.layers ? scene.layers : []) this.layers.add(kind);
  }

  stages() {
    return this.second.element.hidden ? [this.stage] : [this.stage, this.second];
  }

  resize() {
    this.camera.resize(this.stage.element.clientWidth, this.stage.element.clientHeight);
    this.stages().forEach((s) => s.resize());
    this.moved();
  }

  fit() {
    this.camera.fit(this.model.extent());
    this.moved();
  }

  // The camera has moved.
  moved() {
    this.stages().forEach((s) => s.request());
    const bar = niceBar(this.camera.scale);
    $("scale").textContent = bar.text;
    $("scale").style.width = `${bar.px}px`;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.tiles.look(this.camera);
      this.frames?.tiles?.look(this.camera);
    }, 120);
  }

  overlay() {
    this.stages().forEach((s) => s.request());
  }

  // -- selection

  async select(id, { show = false } = {}) {
    const k = id < 0 ? -1 : this.model.of.get(id) ?? -1;
    this.selectedId = id;
    this.selected = k;
    this.about = null;
    for (const s of this.stages()) Object.assign(s.state, { selected: k, lines: null, spot: null, marked: [] });
    this.overlay();
    this.policy?.selected();
    if (id < 0) return showNode(null);
    try {
      const about = await getJson(`/api/about?node=${id}`);
      if (this.selectedId !== id) return;
      this.about = about;
      for (const s of this.stages()) s.state.lines = about.lines;
      if (k < 0 && about.x !== null) for (const s of this.stages()) s.state.spot = { x: about.x, y: about.y, w: about.w, h: about.h };
      showNode(about, (other) => this.select(other, { show: true }));
      this.tools();
      if (show && about.x !== null) {
        const at = k >= 0 ? [this.model.at.x[k], this.model.at.y[k]] : [about.x, about.y];
        this.camera.show(...at, about.w, about.h, this.model.canvas);
        this.moved();
      }
      this.overlay();
    } catch (error) { this.failed(error); }
  }

  tools() {
    const k = this.selected, model = this.model;
    const hard = k >= 0 && model.kind[k] === HARD;
    $("node-tools").hidden = !hard;
    if (!hard) return;
    $("pin").disabled = Boolean(model.fixed[k]);
    $("pin").setAttribute("aria-pressed", String(Boolean(model.pinned[k])));
    $("flip-x").disabled = !model.movable(k) || model.flipped(k, "x") === null;
    $("flip-y").disabled = !model.movable(k) || model.flipped(k, "y") === null;
  }

  // -- cost

  showStanding() {
    const s = this.standing;
    if (!s) return;
    showCost(s.cost, s.version === 0 ? null : s.opened, this.model.scene.weights, { against: "since opened" });
    showVerdict(s, (id) => this.select(id, { show: true }));
    showHistory(s.history);
    this.estimate.show();
    this.stage.state.wrong = s.violations.flatMap((v) => v.nodes).map((id) => this.model.of.get(id)).filter((k) => k !== undefined);
    this.overlay();
  }

  async refresh({ positions = true } = {}) {
    try {
      if (positions) {
        const { data } = await getBytes("/api/positions");
        const at = Positions.from(data, this.model.size);
        this.model.at.x.set(at.x);
        this.model.at.y.set(at.y);
        this.model.at.orient.set(at.orient);
      }
      this.standing = await getJson("/api/standing");
      this.tiles.reset(this.standing.cells_version);
      this.showStanding();
      this.stages().forEach((s) => s.redraw());
      this.layers.refresh();
      this.estimate.refresh();
      clearTimeout(this.troubled);
      this.troubled = setTimeout(() => this.showTrouble(), 400);
      if (this.selectedId >= 0) this.select(this.selectedId);
    } catch (error) { this.failed(error); }
  }

  mark(box, nodes) {
    this.select(-1);
    const marked = nodes.map((id) => this.model.of.get(id)).filter((k) => k !== undefined);
    for (const s of this.stages()) Object.assign(s.state, { spot: box, marked });
    this.overlay();
  }

  markNet({ box, nodes }) {
    this.mark({ x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2, w: box[2] - box[0], h: box[3] - box[1] }, nodes);
  }

  async showTrouble() {
    const { columns, rows, w_um, h_um } = this.model.canvas, w = w_um / columns, h = h_um / rows;
    try {
      showTrouble(await getJson("/api/trouble"), async (cell, layer) => {
        await this.layers.set(layer);
        this.mark({ x: (cell.column + 0.5) * w, y: (cell.row + 0.5) * h, w, h }, cell.nodes);
      }, (net) => this.markNet(net));
    } catch (error) { this.failed(error); }
  }

  // -- moves

  propose(k, x, y, orient) {
    this.proposals.ask({ body: { node: this.model.id[k], x_um: x, y_um: y, orient }, asked: performance.now() });
  }

  proposed(answer, move) {
    this.proposalMs.push(performance.now() - move.asked);
    if (this.stage.state.dragging < 0) return;
    showCost(answer.cost, answer.from, this.model.scene.weights, { proposed: true });
    showSpot(answer.wrong);
    this.estimate.proposed(answer.estimate);
    this.stage.state.bad = answer.wrong.length > 0;
    this.lastProposal = answer;
    this.overlay();
  }

  async change(path, body = {}) {
    try {
      this.ownVersion = -1;
      const standing = await post(path, body);
      this.ownVersion = standing.version;
      await this.refresh();
    } catch (error) {
      this.failed(error);
      await this.refresh();
    }
  }

  place(k, x, y, orient) {
    const model = this.model;
    return this.change("/api/move", { node: [model.id[k]], x_um: [x], y_um: [y], orient: [orient] });
  }

  flip(axis) {
    const k = this.selected;
    if (k < 0 || !this.model.movable(k)) return;
    const to = this.model.flipped(k, axis);
    if (to !== null) this.place(k, this.model.at.x[k], this.model.at.y[k], to);
  }

  async pin() {
    const k = this.selected;
    if (k < 0 || this.model.fixed[k] || this.model.kind[k] !== HARD) return;
    const pinned = !this.model.pinned[k];
    this.model.pinned[k] = Number(pinned);
    await this.change("/api/pin", { node: [this.model.id[k]], pinned });
  }

  undo() { return this.change("/api/undo"); }
  redo() { return this.change("/api/redo"); }

  // -- the server

  heard(message) {
    if (message.event === "hello") {
      if (message.epoch !== this.epoch) this.restarted(message.epoch);
      else if (this.away && message.version !== this.standing?.version) this.refresh();
      this.away = false;
      this.banner("");
      this.improve.heard(message.agent);
      this.live?.reload();
    } else if (message.event === "changed") {
      if (message.frames) this.frames.relabel(message.frames);
      if (message.version !== this.ownVersion && this.ownVersion !== -1) this.catchUp();
    } else if (message.event === "agent") this.improve.heard(message);
    else if (message.event === "run") this.live?.heard(message);
  }

  // Nobody looks at a page in the background: it goes along when somebody does.
  catchUp() {
    if (!document.hidden) return this.refresh();
    if (!this.behind) document.addEventListener("visibilitychange", () => { this.behind = false; this.refresh(); }, { once: true });
    this.behind = true;
    return undefined;
  }

  async lost() {
    this.away = true;
    this.banner(this.live?.farewell() ?? "The server does not answer. This page comes back by itself when it does.");
    try { await getJson("/api/agents"); } catch (error) {
      if (error instanceof ApiError && error.status === 403) this.banner("This address is no longer valid: open the one that `floorplan view` printed.");
    }
  }

  // The server was started again: what was moved here is moved there.
  async restarted(epoch) {
    this.epoch = epoch;
    try {
      const mine = this.model, scene = await getJson("/api/scene");
      const same = scene.nodes.id.length === mine.size && scene.hash === mine.scene.hash;
      const moved = [], pinned = [];
      if (same) for (let k = 0; k < mine.size; k++) {
        if (mine.pinned[k]) pinned.push(mine.id[k]);
        const as = scene.nodes;
        if (mine.at.x[k] !== as.x[k] || mine.at.y[k] !== as.y[k] || mine.at.orient[k] !== as.orient[k]) moved.push(k);
      }
      const at = mine.at;
      const body = { node: moved.map((k) => mine.id[k]), x_um: moved.map((k) => at.x[k]), y_um: moved.map((k) => at.y[k]), orient: moved.map((k) => at.orient[k]) };
      this.load(scene);
      this.frames.relabel(scene.frames);
      if (moved.length) await post("/api/move", body);
      if (pinned.length) {
        await post("/api/pin", { node: pinned, pinned: true });
        for (const id of pinned) this.model.pinned[this.model.of.get(id)] = 1;
      }
      await this.refresh();
      this.banner(moved.length ? `The server was restarted; ${moved.length} moved ${moved.length === 1 ? "node is" : "nodes are"} where you had put them.` : "", 5000);
    } catch (error) { this.failed(error); }
  }

  banner(text, forMs = 0) {
    $("banner").textContent = text;
    $("banner").hidden = !text;
    clearTimeout(this.bannerTimer);
    if (forMs) this.bannerTimer = setTimeout(() => this.banner(""), forMs);
  }

  failed(error) {
    if (error.name === "AbortError") return;
    // the server is away: the stream of events says so, and says when it is back
    if (error instanceof ApiError) this.banner(error.message, 6000);
  }
}

function niceBar(scale) {
  const um = 120 / scale, ten = 10 ** Math.floor(Math.log10(um));
  const nice = [5, 2, 1].map((m) => m * ten).find((v) => v <= um) ?? ten;
  return { px: nice * scale, text: nice >= 1000 ? `${nice / 1000} mm` : `${Number(nice.toPrecision(3))} \u00b5m` };
}

// For measurements: when all that is in sight was on the canvas for the first time.
function painted(app) {
  return new Promise((done) => {
    const look = () => {
      if (app.stage.stale || app.tiles.asked.size) requestAnimationFrame(look);
      else {
        performance.mark("floorplan-painted");
        done();
      }
    };
    requestAnimationFrame(look);
  });
}

async function start() {
  history.replaceState(null, "", "/"); // the token is a cookie by now
  let scene;
  try { scene = await getJson("/api/scene"); } catch (error) {
    $("loading").textContent = `The floorplan cannot be shown: ${error.message}`;
    return;
  }
  const app = new App(scene);
  app.layers = bindLayers(app);
  app.estimate = bindEstimate(app);
  app.frames = bindFrames(app);
  app.improve = bindImprove(app);
  app.policy = bindPolicy(app);
  app.live = bindLive(app);
  bindSearch(app);
  bindInput(app);
  $("loading").hidden = true;
  app.camera.resize(app.stage.element.clientWidth, app.stage.element.clientHeight);
  app.camera.fit(app.model.extent());
  new ResizeObserver(() => app.resize()).observe($("stages"));
  app.resize();
  onTheme(() => { app.tiles.reset(); app.frames.tiles?.reset(); app.stages().forEach((s) => { s.mapImage = null; s.redraw(); }); app.layers.legend(); });
  window.floorplan = app; // for tests, and for the curious at the console
  listen((message) => app.heard(message), () => app.lost());
  await painted(app); // the cost of a large design takes seconds: first it is seen
  await app.refresh({ positions: false });
}

start();
