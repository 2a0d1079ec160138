// Numbers with units, the way an engineer reads them.

const MINUS = "\u2212";

export function fixed(value, digits = 4) {
  return value === null || value === undefined || Number.isNaN(value) ? "\u2013" : value.toFixed(digits).replace("-", MINUS);
}

export function length(um) {
  const a = Math.abs(um);
  if (a >= 1e6) return `${fixed(um / 1e6, 3)} m`;
  if (a >= 1e4) return `${fixed(um / 1e3, 2)} mm`;
  return `${fixed(um, a >= 100 ? 1 : a >= 1 ? 2 : 3)} \u00b5m`;
}

export function count(n) {
  return n.toLocaleString("en-US");
}

// A change for the better is a lower cost; arrow and sign say so beside the colour.
export function change(delta, base, digits = 4) {
  if (Math.abs(delta) < 0.5 * 10 ** -digits) return { text: `\u00b1${(0).toFixed(digits)}`, kind: "" };
  const arrow = delta < 0 ? "\u25bc" : "\u25b2", sign = delta < 0 ? MINUS : "+";
  const share = base ? ` (${sign}${Math.abs(100 * delta / base).toFixed(2)} %)` : "";
  return { text: `${arrow} ${sign}${Math.abs(delta).toFixed(digits)}${share}`, kind: delta < 0 ? "better" : "worse" };
}

// The end of a hierarchical name says most: cut from the left.
export function shorten(name, fits) {
  if (fits(name)) return name;
  const parts = name.split("/");
  for (let k = 1; k < parts.length; k++) {
    const text = `\u2026/${parts.slice(k).join("/")}`;
    if (fits(text)) return text;
  }
  const last = parts[parts.length - 1];
  for (let n = last.length - 1; n >= 9; n--) if (fits(`\u2026${last.slice(-n)}`)) return `\u2026${last.slice(-n)}`;
  return "";
}

export function tail(name, most) {
  return name.length <= most ? name : `\u2026${name.slice(1 - most).replace(/^[./_]+/, "")}`;
}

export const KINDS = ["hard macro", "soft macro", "port", "standard cell"];
export const ORIENTS = ["N", "FN", "FS", "S", "E", "W", "FE", "FW"];
