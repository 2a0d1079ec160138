// "Improve from here": an agent goes on from the placement on the page, and shows how far it has come.

import { getBytes, getJson, post } from "./api.js";
import { fixed } from "./format.js";
import { Positions } from "./model.js";
import { $, element } from "./panel.js";

export function bindImprove(app) {
  let running = false, watching = true, layout = 0, asking = false;

  // One picture at a time; what came meanwhile is asked for with the next word from the server.
  async function show(message) {
    if (!watching || asking || !message.layout || message.layout === layout) return;
    asking = true;
    try {
      const got = await getBytes("/api/working");
      if (got && running && watching) {
        layout = message.layout;
        app.frames.work(Positions.from(got.data, app.model.size), `${message.agent} at work: ${fixed(message.best)}, not taken over yet`);
      }
    } catch { /* the stream of events says where the server is */ }
    asking = false;
  }

  const improve = {
    heard(message) {
      if (!message) return;
      running = message.state === "running";
      $("improve-go").textContent = running ? "Stop" : "Start";
      $("improve-bar").hidden = !running;
      $("improve-watch").hidden = !running;
      $("improve-bar").value = message.spent ?? 0;
      const text = {
        idle: "",
        running: () => [message.agent, message.note || null, message.best == null ? null : `best ${fixed(message.best)}`, `${(message.seconds ?? 0).toFixed(1)} s`].filter(Boolean).join(" \u00b7 "),
        done: () => `${message.agent} is done: ${fixed(message.best)} after ${message.seconds.toFixed(1)} s. Undo takes it back.`,
        stopped: "Stopped.",
        failed: () => `${message.agent ?? "The agent"} found nothing: ${message.text}`,
      }[message.state] ?? "";
      $("improve-text").textContent = typeof text === "function" ? text() : text;
      if (running) show(message);
      else {
        layout = 0;
        app.frames.work(null);
      }
    },
  };
  $("improve-go").addEventListener("click", async () => {
    try {
      if (running) await post("/api/stop");
      else await post("/api/improve", { agent: $("agent").value, budget: $("budget").value, seed: 0 });
    } catch (error) { $("improve-text").textContent = error.message; }
  });
  $("improve-watch").addEventListener("click", () => {
    watching = !watching;
    layout = 0;
    $("improve-watch").setAttribute("aria-pressed", String(watching));
    if (!watching) app.frames.work(null);
  });
  getJson("/api/agents").then(({ agents, last }) => {
    $("agent").replaceChildren(...agents.map((name) => element("option", { value: name }, name)));
    $("improve-go").disabled = agents.length === 0;
    improve.heard(last);
  }, (error) => app.failed(error));
  return improve;
}
