// Every figure of the page: an element with data-chart names the drawing, data-figures holds its figures as JSON.
// Observable Plot draws, d3 lays the map out. Figures are drawn as text and numbers only; nothing is ever parsed as markup.
"use strict";

const SETS = [
  { name: "dev", symbol: "circle", shift: -9 },
  { name: "sealed", symbol: "square", shift: 0 },
  { name: "general", symbol: "triangle", shift: 9 },
];
const ROUNDS = ["dev", "sealed", "general", "violet", "rose", "teal"].map((name) => `var(--${name})`);
const SMOOTHING = 9; // batches on each side in the running mean of the loss
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const points = (gain) => `${gain > 0 ? "+" : ""}${(100 * gain).toFixed(1)}`.replace("-", "−");

function frame(box, more) {
  const narrow = box.clientWidth < 480;
  return Plot.plot({ width: box.clientWidth, height: narrow ? 260 : 300, marginLeft: 48, marginBottom: 44, ...more });
}

// Bars for the intervals and one mark a set, told apart without colour; what is not kept is hollow.
function marked(rows, place, value, said) {
  return SETS.flatMap(({ name, symbol, shift }) => {
    const colour = `var(--${name})`;
    const at = { x: place, dx: shift };
    return [
      Plot.ruleX(rows, { ...at, y1: (row) => value(row, name, "low"), y2: (row) => value(row, name, "high"), stroke: colour, strokeOpacity: 0.75 }),
      Plot.dot(rows, {
        ...at, y: (row) => value(row, name, "value"), symbol, r: 4.6, stroke: colour, strokeWidth: 1.8,
        fill: (row) => (row.accepted === false ? "var(--card)" : colour), title: (row) => said(row, name), tip: true,
      }),
    ];
  });
}

function ladder(box, rows) {
  const value = (row, name, end) => 100 * row[name][end];
  const kept = rows.filter((row) => row.accepted);
  return frame(box, {
    ariaLabel: "Accuracy by round with intervals",
    x: { type: "point", domain: rows.map((row) => row.label), label: null, tickSize: 0, padding: 0.5 },
    y: { domain: [0, 100], label: null, grid: true, ticks: 5, tickFormat: (tick) => `${tick} %` },
    marks: [
      Plot.ruleY([25], { stroke: "var(--dim)", strokeDasharray: "3 4" }),
      Plot.text([25], { y: (y) => y, frameAnchor: "right", text: () => "chance", dy: -7, fill: "var(--dim)" }),
      ...SETS.map(({ name, shift }) =>
        Plot.line(kept, { x: "label", y: (row) => value(row, name, "value"), dx: shift, stroke: `var(--${name})`, strokeOpacity: 0.35 })),
      ...marked(rows, "label", value, (row, name) =>
        `${row.label}, ${name}: ${percent(row[name].value)} of ${row[name].n}\n95 % interval ${percent(row[name].low)} to ${percent(row[name].high)}${row.accepted ? "" : "\nrejected"}`),
      Plot.text(rows, { x: "label", frameAnchor: "bottom", dy: 34, text: (row) => row.said, fill: "var(--dim)" }),
    ],
  });
}

function gains(box, rows) {
  const value = (row, name, end) => 100 * row.gain[name][end];
  return frame(box, {
    ariaLabel: "Gain over V1 by recipe",
    x: { type: "point", domain: rows.map((row) => row.recipe), label: null, tickSize: 0, padding: 0.5 },
    y: { label: null, grid: true, ticks: 6 },
    marks: [
      Plot.ruleY([0], { stroke: "var(--dim)" }),
      ...marked(rows, "recipe", value, (row, name) => `${row.recipe}, ${name}: ${points(row.gain[name].value)} points, n ${row.gain[name].n}`),
      Plot.text(rows, { x: "recipe", frameAnchor: "bottom", dy: 34, text: (row) => `${row.rows.toLocaleString("en")} rows`, fill: "var(--dim)" }),
    ],
  });
}

function loss(box, curves) {
  const shown = curves.map(({ label, loss }, at) => ({ label, colour: ROUNDS[at % ROUNDS.length], loss }));
  const smooth = Plot.windowY({ k: 2 * SMOOTHING + 1, anchor: "middle", strict: false }, { x: "0", y: "1" });
  const top = d3.quantile(shown.flatMap((one) => one.loss.map((point) => point[1])), 0.98);
  return frame(box, {
    ariaLabel: "Training loss on answers by step", clip: true,
    x: { label: "step" }, y: { label: null, grid: true, domain: [0, top], clamp: true },
    marks: [
      ...shown.map((one) => Plot.line(one.loss, { x: "0", y: "1", stroke: one.colour, strokeOpacity: 0.22 })),
      ...shown.map((one) => Plot.line(one.loss, { ...smooth, stroke: one.colour, strokeWidth: 1.8 })),
    ],
  });
}

function mastery(box, shares) {
  const rows = shares.map((share, at) => ({ pass: at + 1, known: 100 * share }));
  return frame(box, {
    ariaLabel: "Probed facts known by pass",
    x: { label: "pass over the mixture", domain: [0.5, Math.max(rows.length, 2) + 0.5], ticks: Math.min(rows.length, 8), tickFormat: "d" },
    y: { domain: [0, 100], label: null, grid: true, tickFormat: (tick) => `${tick} %` },
    marks: [
      Plot.line(rows, { x: "pass", y: "known", stroke: "var(--dev)", strokeWidth: 1.8 }),
      Plot.dot(rows, { x: "pass", y: "known", fill: "var(--dev)", r: 4, title: (row) => `pass ${row.pass}: ${row.known.toFixed(1)} %`, tip: true }),
    ],
  });
}

const known = (node) => (node.mastery === null ? "not asked" : `${Math.round(100 * node.mastery)} % known`);
const mixed = (more, less, share) => `color-mix(in oklab, var(--${more}) ${Math.round(100 * share)}%, var(--${less}))`;
const colour = (node) =>
  node.mastery === null ? "color-mix(in oklab, var(--dim) 55%, var(--card))" : node.mastery < 0.5 ? mixed("half", "bad", 2 * node.mastery) : mixed("good", "half", 2 * node.mastery - 1);

// What a node and its label take, as drawn below: the label under its dot, or beside that of a chain that runs downwards.
function room(node, upright) {
  const size = node.on_chain ? 13.5 : 11.5;
  const long = 0.6 * size * node.term.length;
  const wide = Math.min(11 * size, long) + 6;
  const lines = Math.ceil(long / (11 * size)) + (node.mastery === null ? 0 : 1);
  if (node.on_chain && upright) return { left: 12, right: 20 + wide, above: 14, below: 4 + 1.1 * size * Math.max(1, lines - 1) };
  return { left: wide / 2, right: wide / 2, above: 10, below: 17 + 1.1 * size * lines };
}

// Moves nodes whose labels would overprint apart, the shorter way, until none do; those of the chain stay where they are.
function part(nodes, width, height, upright) {
  const rooms = new Map(nodes.map((node) => [node, room(node, upright)]));
  const inside = (place, size, before, after) => Math.max(before, Math.min(size - after, place));
  for (let turn = 0; turn < 400; turn += 1) {
    let met = false;
    for (const [at, one] of nodes.entries()) {
      for (const other of nodes.slice(at + 1)) {
        if (one.on_chain && other.on_chain) continue;
        const [a, b] = [rooms.get(one), rooms.get(other)];
        const beside = one.x <= other.x ? one.x + a.right - other.x + b.left : other.x + b.right - one.x + a.left;
        const under = one.y <= other.y ? one.y + a.below - other.y + b.above : other.y + b.below - one.y + a.above;
        if (beside <= 0 || under <= 0) continue;
        met = true;
        const aside = upright && (one.on_chain || other.on_chain); // where there is room: right of a chain that runs downwards
        const [axis, by] = aside || beside < under ? ["x", beside] : ["y", under];
        const way = one[axis] <= other[axis] ? 1 : -1;
        const share = one.on_chain || other.on_chain ? 1 : 0.5;
        if (!one.on_chain) one[axis] -= way * share * (by + 0.5);
        if (!other.on_chain) other[axis] += way * share * (by + 0.5);
      }
    }
    for (const node of nodes.filter((one) => !one.on_chain)) {
      const { left, right, above, below } = rooms.get(node);
      node.x = inside(node.x, width, left, right);
      node.y = inside(node.y, height, above, below);
    }
    if (!met) return;
  }
}

// The chain lies along the longer side, in order; its neighbourhood finds its place around it. The same map lies the same each time.
function lay(map, width, height, upright) {
  const chain = map.concepts.filter((one) => one.on_chain);
  const along = (at) => (at + 0.5) / chain.length;
  const nodes = map.concepts.map((one) => {
    const at = chain.indexOf(one);
    const fixed = upright ? { fx: 26, fy: along(at) * height } : { fx: along(at) * width, fy: 0.5 * height };
    return at < 0 ? { ...one } : { ...one, ...fixed };
  });
  const links = map.relations.map((one) => ({ ...one, source: one.subject_id, target: one.object_id }));
  d3.forceSimulation(nodes)
    .force("link", d3.forceLink(links).id((node) => node.concept_id).distance(95).strength(0.5))
    .force("charge", d3.forceManyBody().strength(-260))
    .force("apart", d3.forceCollide(38))
    .force("middle", upright ? d3.forceX(0.78 * width).strength(0.5) : d3.forceY(height / 2).strength(0.08))
    .stop()
    .tick(300);
  part(nodes, width, height, upright);
  return { nodes, links };
}

function neighbourhood(box, map) {
  const upright = box.clientWidth < 560;
  const width = box.clientWidth;
  const beside = map.concepts.filter((one) => !one.on_chain).length;
  const height = upright ? Math.max(320, 104 * (map.concepts.length - beside) + 14 * beside, 60 * beside) : Math.min(460, 190 + 16 * beside);
  const { nodes, links } = lay(map, width, height, upright);
  const ends = { x1: (one) => one.source.x, y1: (one) => one.source.y, x2: (one) => one.target.x, y2: (one) => one.target.y };
  const arrow = { ...ends, insetEnd: 12, insetStart: 10, headLength: 7, title: (one) => `${one.statement}\n${known(one)}` };
  const spot = { x: "x", y: "y" };
  const halo = { stroke: "var(--card)", strokeWidth: 4, paintOrder: "stroke", lineWidth: 11, lineHeight: 1.1 };
  const name = (kept) => Plot.text(nodes.filter((one) => one.on_chain === kept), {
    ...spot, ...halo, ...(kept && upright ? { textAnchor: "start", dx: 16 } : { dy: 15, lineAnchor: "top" }), text: (one) => (one.mastery === null ? one.term : `${one.term}\n${Math.round(100 * one.mastery)} %`), fontSize: kept ? 13 : 11.5, fontWeight: kept ? 650 : 400,
    fill: kept ? "var(--ink)" : "var(--dim)",
  });
  return Plot.plot({
    width, height: height + 34, margin: 0, marginBottom: 34, axis: null, ariaLabel: "The chain and its neighbourhood in the graph",
    x: { domain: [0, width], range: [0, width] }, y: { domain: [0, height], range: [0, height] },
    marks: [
      Plot.arrow(links.filter((one) => !one.on_chain), { ...arrow, stroke: colour, strokeWidth: 1.3 }),
      Plot.arrow(links.filter((one) => one.on_chain), { ...arrow, stroke: colour, strokeWidth: 3.2 }),
      Plot.dot(nodes, {
        ...spot, r: (one) => (one.on_chain ? 9 : 6.5), fill: (one) => (one.mastery === null ? "var(--card)" : colour(one)),
        stroke: (one) => (one.mastery === null ? "var(--dim)" : colour(one)), strokeWidth: 1.6,
      }),
      name(false), name(true),
      Plot.tip(nodes, Plot.pointer({ ...spot, title: (one) => `${one.term}\n${known(one)}` })),
    ],
    r: { type: "identity" },
  });
}

const DRAWINGS = { ladder, gains, loss, mastery, neighbourhood };

// Draw what has width and is not drawn for this width and these figures; a closed <details> has none until it is opened.
function draw(root) {
  for (const box of root.querySelectorAll("[data-chart]")) {
    const key = `${box.clientWidth} ${box.dataset.figures}`;
    if (box.clientWidth === 0 || box.drawn === key) continue;
    box.drawn = key;
    box.replaceChildren(DRAWINGS[box.dataset.chart](box, JSON.parse(box.dataset.figures)));
  }
}

function start() {
  draw(document);
  addEventListener("resize", () => draw(document));
  document.addEventListener("toggle", (event) => draw(event.target), true);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
