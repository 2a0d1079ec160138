// Okabe and Ito's palette, for light and dark, and the two scales of maps.

const dark = matchMedia("(prefers-color-scheme: dark)");

const LIGHT = {
  page: "#f4f6f8", canvas: "#ffffff", edge: "#8a97a3", grid: "#e8edf1", ink: "#1f2933", soft: "#55636f",
  cell: [70, 92, 112], softFill: "rgba(70,92,112,0.16)", softLine: "rgba(70,92,112,0.30)", port: "#00734f",
  fixed: "rgba(31,41,51,0.18)", select: "#d55e00", hover: "#1f2933", line: "#0072b2", wrong: "#c0392b", blocked: "rgba(31,41,51,0.28)",
  macros: ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"], other: "#7b8894", fill: 0.34,
};
const DARK = {
  page: "#12171c", canvas: "#1a2128", edge: "#6b7985", grid: "#232c35", ink: "#e3e9ee", soft: "#9aa8b4",
  cell: [150, 175, 195], softFill: "rgba(150,175,195,0.15)", softLine: "rgba(150,175,195,0.28)", port: "#3fc79a",
  fixed: "rgba(227,233,238,0.16)", select: "#f2914e", hover: "#ffffff", line: "#56b4e9", wrong: "#ff6b57", blocked: "rgba(227,233,238,0.25)",
  macros: ["#3d9bd4", "#e6b84d", "#2fbf92", "#dd9bbd", "#7cc6ee", "#ea8240"], other: "#8d9aa6", fill: 0.36,
};

export const colours = () => (dark.matches ? DARK : LIGHT);
export const onTheme = (call) => dark.addEventListener("change", call);

export function rgba(hex, alpha) {
  const n = parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${alpha})`;
}

// Blue up to what there is room for (1.0), from there orange to red: too full is told by hue, not only by depth.
export function fullness(v) {
  if (!(v > 0)) return [0, 0, 0, 0];
  if (v <= 1.005) { // not too full by a rounding error
    const t = Math.min(v, 1);
    return dark.matches
      ? [86 - 30 * (1 - t), 140 + 40 * t, 190 + 43 * t, 20 + 175 * t]
      : [90 * (1 - t), 114 + 70 * (1 - t), 178 + 42 * (1 - t), 12 + 190 * t];
  }
  const t = Math.min(v - 1, 1);
  return [240 - 80 * t, 160 - 130 * t, 20, 225];
}

// Cividis, whose steps people with and without colour blindness see alike; what is much stands out from the page.
const CIVIDIS = ["#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838"]
  .map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

// t from 0 to 1 of the range.
export function amount(t) {
  const share = Math.min(Math.max(t, 0), 1), v = (dark.matches ? share : 1 - share) * (CIVIDIS.length - 1);
  const k = Math.min(Math.floor(v), CIVIDIS.length - 2), rest = v - k;
  const mixed = CIVIDIS[k].map((from, i) => from + rest * (CIVIDIS[k + 1][i] - from));
  return [...mixed, 60 + 165 * Math.sqrt(share)];
}

// Difference of two maps: blue where the second has less, orange where it has more.
export function difference(v) { // -1 to 1
  const a = Math.min(Math.abs(v), 1) * 220;
  return v < 0 ? [0, 114, 178, a] : [213, 94, 0, a];
}
