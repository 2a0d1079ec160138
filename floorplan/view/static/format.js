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

const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "\u00b5"], [1e-9, "n"], [1e-12, "p"], [1e-15, "f"]];
const IN_SI = { ns: [1e-9, "s"], ps: [1e-12, "s"], degC: [1, "\u00b0C"], "1/s": [1, "/s"] };

// Four digits with the prefix that suits; degrees and rates have none.
export function si(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  const [factor, name] = IN_SI[unit] ?? [1, unit], v = value * factor;
  if (!["s", "J", "W"].includes(name)) return `${significant(v)} ${name}`.replace(" /s", "/s");
  const [size, prefix] = PREFIXES.find(([s]) => Math.abs(v) >= s) ?? (v === 0 ? [1, ""] : PREFIXES.at(-1));
  return `${significant(v / size)} ${prefix}${name}`;
}

export function significant(v, digits = 4) {
  const places = v === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(v))));
  return (places > 6 ? v.toExponential(digits - 1) : v.toFixed(places)).replace("-", MINUS);
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
