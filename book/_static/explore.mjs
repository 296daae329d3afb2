// Brings the pictures with sliders to life on the built page, without a kernel.
//
// hrm_course/explore.py has left, in each <figure class="explore">, a still picture and the
// frames of every setting as JSON; this file replaces the still by sliders and draws the frame
// they choose as SVG. Colours live in course.css, so that the dark page can have its own.

const COLOURS = 7;
const STEP = 700; // milliseconds between two steps of the play button
const GREEK = { alpha: "α", beta: "β", gamma: "γ", lambda: "λ", mu: "μ", rho: "ρ", sigma: "σ" };

for (const figure of document.querySelectorAll("figure.explore")) {
  hydrate(figure, JSON.parse(figure.querySelector("script").textContent));
}

function hydrate(figure, data) {
  figure.querySelector(".explore-still").remove();
  const chosen = data.parameters.map((parameter) => parameter.start);
  const controls = add(figure, "div", { class: "explore-controls" });
  const stage = add(figure, "div", { class: "explore-stage", role: "img" });
  const readouts = add(figure, "p", { class: "explore-readouts", "aria-live": "polite" });
  const caption = add(figure, "p", { class: "explore-caption" });
  caption.hidden = !data.frames.some((frame) => frame.caption); // else its line stays free

  // Panels are drawn at the width they have on the screen: letters keep their size on a phone.
  function show() {
    const frame = data.frames[frameIndex(data.parameters, chosen)];
    const setting = data.parameters.map((p, i) => `${p.name} = ${p.values[chosen[i]]}`).join(", ");
    stage.setAttribute("aria-label", `${data.alt} Shown: ${setting}. ${frame.caption}`);
    stage.replaceChildren();
    const places = frame.panels.map(() => add(stage, "div", { class: "explore-panel" }));
    const oneRow = places[0].offsetTop === places.at(-1).offsetTop;
    const tall = oneRow && frame.panels.some((panel) => panel.equal || panel.box || panel.side);
    frame.panels.forEach((panel, i) => {
      const draw = panel.box ? drawBoard : panel.side ? drawGrid : drawPanel;
      const width = places[i].clientWidth;
      if (width > 60) draw(places[i], panel, data.arrays, width, tall); // nothing while it is hidden
    });
    readouts.replaceChildren();
    for (const [name, value] of Object.entries(frame.readouts)) {
      const item = add(readouts, "span", { "data-readout": name, "data-value": value });
      item.innerHTML = `${tex(name)} = <b>${value === null ? "not finite" : short(value)}</b>`;
    }
    caption.innerHTML = tex(frame.caption);
  }

  const moves = data.parameters.map((parameter, i) =>
    addSlider(controls, parameter, (value) => {
      chosen[i] = value;
      show();
    }),
  );
  const played = data.parameters.findIndex((parameter) => parameter.name === data.play);
  if (played >= 0) addPlayButton(controls, data.parameters[played], chosen, played, moves, readouts);

  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(figure.clientWidth - width) < 2) return;
    width = figure.clientWidth;
    show();
  }).observe(figure);
  show();
}

// Frames are stored with the last parameter running fastest.
function frameIndex(parameters, chosen) {
  return parameters.reduce((index, p, i) => index * p.values.length + chosen[i], 0);
}

// ---- controls ----

function addSlider(parent, parameter, onChange) {
  const label = add(parent, "label", { class: "explore-slider" });
  add(label, "span").innerHTML = symbol(parameter.name);
  const slider = add(label, "input", {
    type: "range",
    min: 0,
    max: parameter.values.length - 1,
    step: 1,
    value: parameter.start,
    "data-parameter": parameter.name,
  });
  const output = add(label, "output");
  const say = () => {
    output.textContent = parameter.values[slider.value];
    slider.setAttribute("aria-valuetext", parameter.values[slider.value]);
  };
  slider.addEventListener("input", () => {
    say();
    onChange(Number(slider.value));
  });
  say();
  return (value) => {
    slider.value = value;
    say();
    onChange(value);
  };
}

// Nothing moves before the button is pressed, and a frame replaces the other without a transition.
function addPlayButton(parent, parameter, chosen, i, moves, readouts) {
  const button = add(parent, "button", { type: "button", class: "explore-play" });
  const last = parameter.values.length - 1;
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = `▶ Play ${parameter.name}`;
    readouts.setAttribute("aria-live", "polite");
  };
  const start = () => {
    button.textContent = "❚❚ Pause";
    readouts.setAttribute("aria-live", "off"); // a screen reader could not keep up
    moves[i](chosen[i] >= last ? 0 : chosen[i] + 1);
    timer = setInterval(() => (chosen[i] < last ? moves[i](chosen[i] + 1) : stop()), STEP);
  };
  button.addEventListener("click", () => (timer === null ? start() : stop()));
  stop();
}

// ---- curves ----

function drawPanel(place, panel, arrays, width, tall) {
  const names = panel.marks.filter((mark) => mark.label);
  place.innerHTML = `<div class="explore-ylabel">${tex(panel.ylabel)}</div>`;
  const height = Math.round(panel.equal || tall ? Math.min(width, 360) : Math.min(width * 0.72, 340));
  const box = { left: 44, right: width - 10, top: 8, bottom: height - 22 };
  if (panel.equal) box.right = Math.min(box.right, box.left + box.bottom - box.top);
  const svg = addSvg(place, "svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  const x = scale(panel.xlim, [box.left, box.right], false);
  const y = scale(panel.ylim, [box.bottom, box.top], panel.log);

  for (const tick of x.ticks) {
    addSvg(svg, "path", { class: "grid", d: `M${x(tick)} ${box.top}V${box.bottom}` });
    addText(svg, x(tick), box.bottom + 16, "middle", short(tick));
  }
  for (const tick of y.ticks) {
    addSvg(svg, "path", { class: "grid", d: `M${box.left} ${y(tick)}H${box.right}` });
    addText(svg, box.left - 6, y(tick) + 4, "end", panel.log ? power(tick) : short(tick));
  }
  addSvg(svg, "path", { class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` });

  const inside = addSvg(svg, "svg", {
    x: box.left - 4, y: box.top - 4, width: box.right - box.left + 8, height: box.bottom - box.top + 8,
    viewBox: `${box.left - 4} ${box.top - 4} ${box.right - box.left + 8} ${box.bottom - box.top + 8}`,
  });
  for (const mark of panel.marks) drawMark(inside, mark, arrays[mark.x].map(x), arrays[mark.y].map(y));
  add(place, "div", { class: "explore-xlabel" }).innerHTML = tex(panel.xlabel);
  const legend = add(place, "div", { class: "explore-legend" });
  for (const mark of names) {
    const item = add(legend, "span");
    drawMark(addSvg(item, "svg", { width: 26, height: 10 }), mark, mark.dots ? [13] : [1, 25], [5, 5]);
    add(item, "span").innerHTML = tex(mark.label);
  }
}

function drawMark(svg, mark, x, y) {
  const quiet = mark.colour === null;
  const colour = quiet ? "quiet" : `colour-${mark.colour % COLOURS}`;
  if (mark.dots) {
    const seen = (_, i) => Number.isFinite(x[i]) && Number.isFinite(y[i]);
    x.map((_, i) => i).filter(seen).forEach((i) =>
      addSvg(svg, "circle", { class: `dot ${colour}`, cx: x[i], cy: y[i], r: 3 }));
    return;
  }
  let path = "";
  let pen = "M"; // a number that is missing lifts the pen
  x.forEach((px, i) => {
    const drawn = Number.isFinite(px) && Number.isFinite(y[i]);
    if (drawn) path += `${pen}${px.toFixed(1)} ${y[i].toFixed(1)}`;
    pen = drawn ? "L" : "M";
  });
  addSvg(svg, "path", { class: `line ${colour}${mark.dashed ? " dashed" : ""}`, d: path });
}

// A function from data to pixels, with its ticks. Values far outside are cut, for the browser's sake.
function scale([low, high], [from, to], log) {
  const place = log ? Math.log10 : (value) => value;
  const position = (value) => {
    if (value === null || (log && value <= 0)) return NaN;
    const share = (place(value) - place(low)) / (place(high) - place(low));
    return from + Math.max(-9, Math.min(10, share)) * (to - from);
  };
  position.ticks = log ? decades(low, high) : steps(low, high);
  return position;
}

function steps(low, high) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((k) => k * unit >= rough * 0.999) * unit;
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}

function decades(low, high) {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const skip = Math.max(1, Math.ceil((last - first) / 5));
  const ticks = [];
  for (let k = first; k <= last; k += skip) ticks.push(10 ** k);
  return ticks;
}

// ---- boards ----

function drawBoard(place, board, arrays, width) {
  const [rows, columns] = board.box;
  const side = rows * columns;
  const cell = Math.min(34, (width - 4) / side);
  const size = side * cell + 4;
  add(place, "div", { class: "explore-ylabel" }).textContent = board.title;
  const svg = addSvg(place, "svg", { width: size, height: size, viewBox: `-2 -2 ${size} ${size}` });
  const sure = board.shade === null ? [] : arrays[board.shade];
  arrays[board.digits].forEach((digit, i) => {
    const [left, top] = [(i % side) * cell, Math.floor(i / side) * cell];
    const kind = ["given", "answer", "error"][arrays[board.kinds][i]];
    const bar = { x: left + 0.18 * cell, y: top + 0.77 * cell, height: 0.08 * cell };
    if (sure.length) addSvg(svg, "rect", { ...bar, width: 0.64 * cell * sure[i], class: "sure" });
    if (kind === "error") {
      const gap = cell * 0.1;
      const frame = { x: left + gap, y: top + gap, width: cell - 2 * gap, height: cell - 2 * gap };
      addSvg(svg, "rect", { ...frame, class: "error-frame" });
    }
    if (!digit) return;
    const text = addText(svg, left + cell / 2, top + cell * 0.69, "middle", digit);
    text.setAttribute("class", kind);
    text.setAttribute("font-size", cell * 0.55);
  });
  for (let k = 0; k <= side; k++) {
    const line = (thick, d) => addSvg(svg, "path", { class: thick ? "wall" : "fence", d });
    line(k % rows === 0, `M0 ${k * cell}H${side * cell}`);
    line(k % columns === 0, `M${k * cell} 0V${side * cell}`);
  }
}

// A square of coloured cells: -1 is blank, -2 a wall, others are colours of the course.
function drawGrid(place, grid, arrays, width) {
  const cell = Math.min(30, (width - 4) / grid.side);
  const size = grid.side * cell + 4;
  add(place, "div", { class: "explore-ylabel" }).textContent = grid.title;
  const svg = addSvg(place, "svg", { width: size, height: size, viewBox: `-2 -2 ${size} ${size}` });
  const outline = grid.side * cell;
  arrays[grid.colours].forEach((colour, i) => {
    const [left, top] = [(i % grid.side) * cell, Math.floor(i / grid.side) * cell];
    const kind = colour === -1 ? "blank" : colour === -2 ? "stone" : `colour-${colour % COLOURS}`;
    addSvg(svg, "rect", { x: left, y: top, width: cell, height: cell, class: `cell ${kind}` });
    if (grid.letters[i] !== " ") {
      const text = addText(svg, left + cell / 2, top + cell * 0.69, "middle", grid.letters[i]);
      text.setAttribute("class", "given");
      text.setAttribute("font-size", cell * 0.6);
    }
    if (arrays[grid.wrong][i]) {
      const gap = cell * 0.12;
      const frame = { x: left + gap, y: top + gap, width: cell - 2 * gap, height: cell - 2 * gap };
      addSvg(svg, "rect", { ...frame, class: "error-frame" });
    }
  });
  addSvg(svg, "path", { class: "fence", fill: "none", d: `M0 0H${outline}V${outline}H0Z` });
}

// ---- small things ----

function add(parent, tag, attributes = {}) {
  return append(parent, document.createElement(tag), attributes);
}

function addSvg(parent, tag, attributes = {}) {
  return append(parent, document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
}

function addText(svg, x, y, anchor, text) {
  const node = addSvg(svg, "text", { x, y, "text-anchor": anchor });
  node.textContent = text;
  return node;
}

function append(parent, node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return parent.appendChild(node);
}

// 4 significant digits, without the noise of binary fractions and trailing zeros.
function short(value) {
  const text = String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
}

function power(value) {
  const digits = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return "10" + [...String(Math.round(Math.log10(value)))].map((c) => digits[c]).join("");
}

// A parameter called z0 is shown as the letter z with the index 0.
function symbol(name) {
  const index = name.slice(1);
  if (!/^[a-zA-Z]\d*$/.test(name)) return tex(name.replaceAll("_", " "));
  return tex(index ? `$${name[0]}_{${index}}$` : `$${name}$`);
}

// The little of TeX that labels use: $z_{n+1}$, $\lambda^2$.
function tex(text) {
  const safe = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const script = (_, kind, raw, inner) =>
    kind === "_" ? `<sub>${inner ?? raw}</sub>` : `<sup>${inner ?? raw}</sup>`;
  const formula = (part) =>
    part
      .replace(/\\([a-zA-Z]+)/g, (_, word) => GREEK[word] ?? word)
      .replace(/([_^])(\{([^}]*)\}|[^{])/g, script);
  return safe.split("$").map((part, i) => (i % 2 ? `<i>${formula(part)}</i>` : part)).join("");
}
