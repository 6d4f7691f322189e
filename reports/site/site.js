// Sorting, filters, charts and the explorer. No text of a page ever becomes markup: names are strangers' strings.
"use strict";

const root = document.currentScript.dataset.root;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const json = (element) => JSON.parse(element.textContent);

function make(name, attributes = {}, text = "") {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// ---- tables: a header is a button that sorts, numbers by value, what has no value last

function sort(th) {
  const body = th.closest("table").tBodies[0];
  const place = [...th.parentElement.children].indexOf(th);
  const order = th.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const other of th.parentElement.children) other.setAttribute("aria-sort", other === th ? order : "none");
  const key = (row) => row.cells[place].dataset.key ?? row.cells[place].textContent;
  const compare = (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === "" || b === "") return (a === "") - (b === "");
    const up = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
    return order === "ascending" ? up : -up;
  };
  body.append(...[...body.rows].sort(compare));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("thead button");
  if (button) sort(button.closest("th"));
});

// ---- before and after: the range says how much of the picture before is shown

document.addEventListener("input", (event) => {
  const swap = event.target.closest(".swap");
  if (swap) swap.style.setProperty("--at", `${event.target.value}%`);
});

// ---- charts: Vega is fetched from beside this page when the first chart comes into view

let vega;
function loadVega() {
  vega ??= new Promise((resolve, reject) => {
    const script = make("script", { src: `${root}vega.js` });
    script.onload = resolve;
    script.onerror = () => reject(new Error("vega.js is missing beside the page"));
    document.head.append(script);
  });
  return vega;
}

function themed(spec, width) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const [ink, muted, line] = ["ink", "muted", "line"].map(colour);
  const tones = { "#0072b2": colour("blue"), "#d55e00": colour("orange"), "#8c8c8c": colour("grey") };
  const text = JSON.stringify(spec).replace(/"(#[0-9a-f]{6})"/g, (whole, tone) => (tones[tone] ? `"${tones[tone]}"` : whole));
  const guide = { labelColor: muted, titleColor: ink, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, labelLimit: width - 80 };
  return {
    ...JSON.parse(text),
    config: {
      background: "transparent", font: "system-ui, sans-serif", view: { stroke: null }, text: { color: ink, fontSize: 12 },
      axis: { ...guide, gridColor: line, domainColor: muted, tickColor: muted }, legend: { ...guide, symbolSize: 90, columns: width < 480 ? 2 : 0 },
    },
  };
}

const drawn = new Map(); // what has been drawn, to draw it again when the background changes

async function draw(plot, spec) {
  drawn.set(plot, spec);
  await loadVega();
  // `ast` interprets expressions, which would otherwise need eval; styles are in site.css.
  const options = { actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
  await window.vegaEmbed(plot, themed(spec, plot.clientWidth), options);
  plot.dataset.drawn = "yes";
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    draw(target.querySelector(".plot"), json(target.querySelector("script")));
  }
}, { rootMargin: "300px" });
all(".chart > script").forEach((script) => seen.observe(script.parentElement));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((spec, plot) => draw(plot, spec)));

// ---- palettes: stripes as wide as their weight

function stripes({ colours, weights }) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const share = (weight) => `${((100 * weight) / total).toFixed(1)} %`;
  const colour = (place) => `#${colours.slice(6 * place, 6 * place + 6)}`;
  const heaviest = weights.map((weight, place) => [weight, colour(place)]).sort((one, other) => other[0] - one[0]).slice(0, 5);
  const words = heaviest.map(([weight, tone]) => `${tone} ${share(weight)}`).join(", ");
  svg.setAttribute("viewBox", `0 0 ${total} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${weights.length} colours, the heaviest ${words}`);
  let x = 0;
  weights.forEach((weight, place) => {
    const rect = document.createElementNS(space, "rect");
    const title = document.createElementNS(space, "title");
    title.textContent = `${colour(place)} ${share(weight)}`;
    const attributes = { x, width: weight + 0.001 * total, height: 1, fill: colour(place) }; // overlap hides seams
    for (const [key, value] of Object.entries(attributes)) rect.setAttribute(key, value);
    rect.append(title);
    svg.append(rect);
    x += weight;
  });
  return svg;
}

const gallery = document.getElementById("gallery-palettes");
if (gallery) {
  const palettes = json(gallery);
  all("[data-palette]").forEach((figure) => figure.prepend(stripes(palettes[figure.dataset.palette])));
}

// ---- the ranking: filters

const filters = document.getElementById("filters");
if (filters) {
  const status = document.getElementById("shown");
  const apply = () => {
    const { track, split, start } = Object.fromEntries(new FormData(filters));
    let rows = 0;
    let tables = 0;
    for (const board of all(".board")) {
      board.hidden = (track && board.dataset.track !== track) || (split && board.dataset.split !== split);
      tables += !board.hidden;
      for (const row of all("tbody tr", board)) {
        row.hidden = !row.cells[0].textContent.toLowerCase().includes(start.trim().toLowerCase());
        rows += !row.hidden && !board.hidden;
      }
    }
    status.textContent = tables ? `${rows} ${rows === 1 ? "row" : "rows"}` : `Track ${track} is not judged on ${split}.`;
  };
  filters.hidden = false;
  for (const event of ["input", "change"]) filters.addEventListener(event, apply); // a text is typed, an option chosen
  filters.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

// ---- the explorer: #PAIR/START opens a pair

const explorer = document.getElementById("explorer");
if (explorer) {
  const { starts, pairs, palettes } = json(document.getElementById("payload"));
  const chart = json(document.getElementById("convergence"));
  const problem = document.getElementById("problem");
  const rows = all(".extremes tbody tr");
  const target = (row) => row.querySelector("a").hash;
  const slugs = [...explorer.elements.start.options].map((option) => option.value);
  const digits = (count) => count.toLocaleString("en");
  const exact = (error) => (error ? error.toExponential(1) : "0");

  function cells(row, [[name], ...values]) {
    const head = make("th", { scope: "row" });
    head.append(make("span"));
    name.split(/(?<=_)/).forEach((part) => head.firstChild.append(part, make("wbr")));
    row.append(head, ...values.map(([text, key]) => make("td", { "data-key": key }, text)));
  }

  function show(pair, chosen) {
    const { source, target: other, runs } = pairs[pair];
    problem.querySelector("h2").textContent = `Pair ${pair}`;
    problem.querySelector(".palettes").replaceChildren(...[["Source", source], ["Target", other]].map(([role, name]) => {
      const figure = make("figure", { class: "palette" });
      figure.append(make("figcaption", {}, `${role}: ${palettes[name].photograph}, ${name}`), stripes(palettes[name]));
      return figure;
    }));
    const total = (run) => run[0] + run[1];
    const cold = total(runs[starts.indexOf("cold")]);
    problem.querySelector("tbody").replaceChildren(...runs.map(([iterations, own, converged, curve, fast], place) => {
      const row = make("tr");
      const ratio = cold ? (iterations + own) / cold : 1 + iterations + own;
      cells(row, [
        [starts[place]], [`${converged ? "" : "≥ "}${digits(iterations)}`, iterations], [digits(own), own],
        [ratio.toFixed(3), ratio], [exact(curve[0][1]), curve[0][1]], [exact(curve.at(-1)[1]), curve.at(-1)[1]],
        ...[0, 1].map((which) => [fast.length ? digits(fast[which]) : "", fast[which] ?? ""]),
      ]);
      return row;
    }));
    const kind = (place) => (place === chosen ? "chosen" : starts[place] === "cold" ? "cold" : "other");
    const values = runs.flatMap((run, place) => run[3].filter(([, error]) => error > 0).map(([passes, error]) =>
      ({ start: starts[place], passes, error, kind: kind(place) })));
    const plot = problem.querySelector(".plot");
    const stops = `cold stops after ${digits(cold)}, ${starts[chosen]} after ${digits(total(runs[chosen]))}`;
    plot.setAttribute("aria-label", `L1 marginal error against passes: ${stops}`);
    problem.hidden = false;
    draw(plot, { ...chart, data: { values } });
  }

  function open(focus) {
    const [pair, slug] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (!pairs[pair] || !slugs.includes(slug)) return;
    explorer.elements.start.value = slug;
    for (const row of rows) {
      row.hidden = !target(row).endsWith(`/${slug}`);
      if (target(row) === location.hash) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    show(pair, slugs.indexOf(slug));
    if (focus) problem.querySelector("h2").focus();
  }

  const first = (slug) => target(rows.find((row) => target(row).endsWith(`/${slug}`)));
  explorer.hidden = false;
  document.querySelector(".extremes").classList.add("of-one");
  explorer.addEventListener("submit", (event) => event.preventDefault());
  explorer.addEventListener("change", () => (location.hash = first(explorer.elements.start.value)));
  addEventListener("hashchange", () => open(document.activeElement.closest(".extremes")));
  if (!location.hash) history.replaceState(null, "", first(slugs[0]));
  open(false);
}
