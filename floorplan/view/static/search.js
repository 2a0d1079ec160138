// Find by name: a list under the box, arrows and Enter.

import { getJson, Latest } from "./api.js";
import { KINDS } from "./format.js";
import { $, element } from "./panel.js";

export function bindSearch(app) {
  const box = $("search"), list = $("found");
  let found = [], at = -1;

  const close = () => {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const mark = (to) => {
    at = found.length ? (to + found.length) % found.length : -1;
    [...list.querySelectorAll("[role=option]")].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    if (at >= 0) {
      box.setAttribute("aria-activedescendant", `found-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
    }
  };
  const choose = (i) => {
    close();
    app.select(found[i].id, { show: true });
    app.stage.element.focus({ preventScroll: true });
  };
  const asked = new Latest((q) => getJson(`/api/search?q=${encodeURIComponent(q)}`), (answer, q) => {
    if (box.value.trim() !== q) return;
    found = answer.found;
    const items = found.map((node, i) => element("li", { role: "option", id: `found-${i}`, onpointerdown: (event) => { event.preventDefault(); choose(i); } },
      element("span", { class: "n" }, node.name), element("span", { class: "quiet" }, KINDS[node.kind])));
    if (!found.length) items.push(element("li", { class: "quiet" }, "Nothing has this in its name."));
    else if (answer.more) items.push(element("li", { class: "quiet" }, "\u2026and more: type a further part of the name."));
    list.replaceChildren(...items);
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    mark(0);
  }, (error) => app.failed(error));

  box.addEventListener("input", () => {
    const q = box.value.trim();
    if (q) asked.ask(q);
    else close();
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") mark(at + 1);
    else if (event.key === "ArrowUp") mark(at - 1);
    else if (event.key === "Enter" && at >= 0 && !list.hidden) choose(at);
    else if (event.key === "Escape") { close(); app.stage.element.focus({ preventScroll: true }); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
