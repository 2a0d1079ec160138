// "Improve from here": an agent goes on from the placement on the page.

import { getJson, post } from "./api.js";
import { fixed } from "./format.js";
import { $, element } from "./panel.js";

export function bindImprove(app) {
  let running = false;
  const improve = {
    heard(message) {
      if (!message) return;
      running = message.state === "running";
      $("improve-go").textContent = running ? "Stop" : "Start";
      $("improve-bar").hidden = !running;
      $("improve-bar").value = message.spent ?? 0;
      const text = {
        idle: "",
        running: () => [message.agent, message.note || null, message.best == null ? null : `best ${fixed(message.best)}`, `${(message.seconds ?? 0).toFixed(1)} s`].filter(Boolean).join(" \u00b7 "),
        done: () => `${message.agent} is done: ${fixed(message.best)} after ${message.seconds.toFixed(1)} s. Undo takes it back.`,
        stopped: "Stopped.",
        failed: () => `${message.agent ?? "The agent"} found nothing: ${message.text}`,
      }[message.state] ?? "";
      $("improve-text").textContent = typeof text === "function" ? text() : text;
    },
  };
  $("improve-go").addEventListener("click", async () => {
    try {
      if (running) await post("/api/stop");
      else await post("/api/improve", { agent: $("agent").value, budget: $("budget").value, seed: 0 });
    } catch (error) { $("improve-text").textContent = error.message; }
  });
  getJson("/api/agents").then(({ agents, last }) => {
    $("agent").replaceChildren(...agents.map((name) => element("option", { value: name }, name)));
    $("improve-go").disabled = agents.length === 0;
    improve.heard(last);
  }, (error) => app.failed(error));
  return improve;
}
