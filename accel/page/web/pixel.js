// How one number comes about: window, im2col column, sum, requantisation, and the cycle.
"use strict";

const row = (...cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, String(cell))));

function table(caption, heads, rows) {
  return element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": caption }, element("table", {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows)));
}

const sign = (number) => (number < 0 ? `(${number})` : String(number));

// Explains a pixel of the finished run `done`; `go(cycle, vector)` takes the machine to a cycle.  Returns
// the output of the convolution that is explained, or of the layer where there is none.
function explainPixel(done, layer, at, go) {
  const { c, y, x } = at;
  const found = explained(done.space, layer, y, x, c);
  const stored = layer.maps.values[(y * layer.maps.wide + x) * layer.maps.channels + c];
  const { chosen } = found;
  const same = found.byte === stored;
  const parts = [
    element("p", { id: "pixel-what", "data-byte": stored, "data-sum": chosen.sum ?? "", "data-same": same },
      `${layer.name}, channel ${c}, row ${y}, column ${x}: the machine wrote `, element("strong", {}, String(stored)),
      same ? ", and the numbers below give the same." : `, but the numbers below give ${found.byte}: please report this.`),
  ];
  if (layer.pool) parts.push(layer.pool.average ? averaging(found, layer) : pooling(found, layer));
  if (layer.conv) parts.push(windowAndSum(layer, chosen));
  if (layer.pair) parts.push(pairOf(layer.pair, chosen));
  if (chosen.steps.length) parts.push(steps("From the sum to a byte", chosen.steps));
  if (layer.conv) parts.push(when(done, layer, chosen, c, go));
  byId("pixel-body").replaceChildren(...parts.filter(Boolean));
  return layer.conv ? chosen : { row: y, column: x };
}

const SOURCE = (layer) => (layer.conv ? "outputs of the convolution" : "bytes of the layer's input");
const places = (pixels) => pixels.slice(0, 40).map((one) => `row ${one.row}, column ${one.column}: ${one.byte}`).join("; ") +
  (pixels.length > 40 ? `; … ${pixels.length - 40} more` : "");
const below = (layer, { row, column }) => (layer.conv ? ` Below is row ${row}, column ${column}.` : "");

function averaging(found, layer) {
  const { pixels, from, sum } = found;
  const shown = pixels.slice(0, 6).map((one) => sign(one.byte - from)).join(" + ");
  return element("div", {}, element("h3", {}, `The average of ${pixels.length}`),
    element("p", {}, `Pooling takes the average of the ${SOURCE(layer)} in its window, less the byte that means 0 (${from}); what lies ` +
      `outside does not count. ${places(pixels)}.`),
    element("p", { className: "sum" }, `${shown}${pixels.length > 6 ? ` + … (${pixels.length - 6} more)` : ""} = `, element("strong", {}, count(sum))),
    steps("From the sum to the average", found.steps),
    layer.conv ? element("p", {}, below(layer, found.chosen)) : "");
}

function pooling(found, layer) {
  const [high, wide] = layer.pool.kernel;
  return element("div", {}, element("h3", {}, `The largest of ${found.pixels.length}`),
    element("p", {}, `Pooling takes the largest of ${wide} × ${high} ${SOURCE(layer)}: ${places(found.pixels)}.` +
      (layer.conv ? below(layer, found.chosen) : ` It is that of row ${found.chosen.row}, column ${found.chosen.column}.`)));
}

function windowAndSum(layer, one) {
  const { terms, zero, bias, sum } = one;
  const less = zero === 0 ? "" : ` − ${sign(zero)}`;
  const { rows } = about.machine;
  const [, kh, kw, channels] = layer.conv.shape;
  const parts = [element("h3", {}, "The window, as a column (im2col)")];
  if (kh * kw > 1) parts.push(pictures(layer, terms, kh, kw, channels, zero));
  parts.push(element("p", {}, `${terms.length} bytes of the input, less the byte that means 0 (${zero}), times as many ` +
    `weights. ` + (layer.unit === "window" ? "The window unit, beside the array, takes some of them each cycle."
      : `${rows} at a time are a vector for the array's ${rows} rows.`)));
  const heads = ["number", "lane", "row, column, channel", `byte${less}`, "weight", "product"];
  const body = terms.map((term, n) => row(n, n % rows,
    `${term.row}, ${term.column}, ${term.c}${term.inside ? "" : " (padding)"}`, term.byte - zero, term.weight, term.product));
  parts.push(table("The column, weight by weight", heads, body));
  const shown = terms.filter((term) => term.product).slice(0, 6);
  const others = terms.filter((term) => term.product).length - shown.length;
  const written = shown.map((term) => `${sign(term.byte - zero)} × ${sign(term.weight)}`).join(" + ");
  parts.push(element("h3", {}, "The sum"), element("p", { className: "sum" },
    `${count(bias)} (bias)${written ? ` + ${written}` : ""}${others > 0 ? ` + … (${others} more that are not 0)` : ""} = `,
    element("strong", {}, count(sum))));
  return element("div", {}, ...parts);
}

const PAIRS = { add: ["The sum of two bytes", " + "], sub: ["The difference of two bytes", " − "],
                mul: ["The product of two bytes", " × "], max: ["The larger of two bytes", ", "],
                min: ["The smaller of two bytes", ", "] };

// Two tensors' bytes at one place, each less the byte that means 0; of a sum, in the output's steps.
function pairOf(pair, { terms, sum }) {
  const [title, between] = PAIRS[pair.op];
  const fine = Boolean(pair.operands);
  const heads = ["byte", "means 0", "less that", ...(fine ? ["in fine steps"] : []), "of"];
  const body = terms.map((term) => [term.byte, term.zero, term.number, ...(fine ? [count(term.scaled)] : []), term.name]);
  const parts = [element("h3", {}, title)];
  if (fine) {
    parts.push(element("p", {}, "Both have scales of their own: each is taken to one fine step, a small part of the output's, before they meet."));
  }
  parts.push(table("The two operands", heads, body.map((cells) => row(...cells))));
  if (sum !== undefined) {
    const written = (number) => (number < 0 ? `(${count(number)})` : count(number));
    const numbers = terms.map((term) => written(fine ? term.scaled : term.number));
    parts.push(element("p", { className: "sum" }, `${numbers.join(between)} = `, element("strong", {}, count(sum))));
  }
  return element("div", {}, ...parts);
}

// Window, weights and products of a convolution, channel by channel.
function pictures(layer, terms, kh, kw, channels, zero) {
  const scale = channels > 2 ? 12 : 24, shown = Math.min(channels, 8);
  const figures = [["the window", (term) => term.byte - zero], ["× the weights", (term) => term.weight],
                   ["= products", (term) => term.product]];
  return element("div", { className: "figures" }, ...figures.map(([name, value]) => {
    const most = terms.reduce((a, term) => Math.max(a, Math.abs(value(term))), 1);
    const canvas = element("canvas", { width: kw * scale, height: shown * (kh * scale + EDGE), role: "img",
                                       "aria-label": `${name}, ${shown} channels` });
    for (let c = 0; c < shown; ++c) {
      drawValues(canvas.getContext("2d"), terms.filter((term) => term.c === terms[0].c + c).map(value), kw, kh, 0,
                 c * (kh * scale + EDGE), scale, most);
    }
    return element("figure", {}, canvas, element("figcaption", {}, name));
  }), ...(channels > shown ? [element("p", { className: "hint" }, `the first ${shown} of ${channels} channels`)] : []));
}

function steps(title, found) {
  return element("div", {}, element("h3", {}, title),
    element("ol", { className: "steps" }, ...found.map(([what, why]) => element("li", {},
      element("strong", {}, what), element("span", { className: "hint" }, ` ${why}`)))));
}

// Where and when the array did it.
function when(done, layer, one, channel, go) {
  const found = vectorsOf(layer, one.row, one.column, channel);
  if (!found) return null;
  const { rows, latencies } = about.machine;
  const issued = cyclesWith(done.log, LOG.issued);
  const enters = latencies.IM2COL_LATENCY;
  const leaves = enters + rows - 1 + latencies.PE_LATENCY + found.column;
  const body = found.vectors.map(({ vector, tile, lanes }) => {
    const cycle = issued[vector];
    const button = element("button", { type: "button" }, "Go there");
    button.onclick = () => go(cycle + enters + MULTIPLIES + found.column, vector);
    return element("tr", { "data-vector": vector }, ...[tile, vector, `${lanes[0].i} to ${lanes.at(-1).i}`, count(cycle),
      count(cycle + enters), count(cycle + leaves)].map((cell) => element("td", {}, String(cell))), element("td", {}, button));
  });
  return element("div", {}, element("h3", {}, "When the array did it"),
    element("p", {}, `In column ${found.column}, in ${plural(found.vectors.length, "vector")}, one for each weight tile; ` +
      "each adds to the sum in the accumulators."),
    table("The vectors of this sum", ["tile", "vector", "numbers", "issued in cycle", "at the array", "sum leaves", ""], body));
}
