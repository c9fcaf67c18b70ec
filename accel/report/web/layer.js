// One layer: its shapes, the formula of its multiplications, its counters, maps, filters, histogram.
"use strict";

function picture(bytes, shape, zero, scale, flat) {
  const [high, wide, channels] = shape;
  const values = new Int8Array(fromBase64(bytes).buffer);
  const most = values.reduce((a, byte) => Math.max(a, Math.abs(byte - zero)), 1);
  const columns = Math.max(1, Math.min(channels, flat ? 32 : Math.floor(660 / (wide * scale + 4))));
  const canvas = element("canvas", { width: columns * (wide * scale + 4), height: Math.ceil(channels / columns) * (high * scale + 4), role: "img" });
  const context = canvas.getContext("2d");
  for (let c = 0; c < channels; ++c) {
    const one = [];
    for (let n = 0; n < high * wide; ++n) one.push(values[n * channels + c] - zero);
    drawValues(context, one, wide, high, (c % columns) * (wide * scale + 4), Math.floor(c / columns) * (high * scale + 4), scale, most);
  }
  return canvas;
}

function maps(title, shown, zero) {
  const [high, wide, channels] = shown.shape;
  const flat = high * wide === 1;
  const canvas = picture(shown.bytes, shown.shape, zero, flat ? 14 : Math.max(2, Math.round(84 / wide)), flat);
  canvas.setAttribute("aria-label", `${title}: ${channels} maps`);
  const gaps = shown.step > 1 ? `, every ${shown.step}th pixel` : "";
  return element("figure", {}, canvas, element("figcaption", {},
    `${title}: ${channels < shown.of ? `the first ${channels} of ${shown.of}` : shown.of} channels of the first image${gaps}`));
}

function histogram(bars) {
  const wide = 320, high = 90, most = Math.max(...bars, 1);
  const canvas = element("canvas", { width: wide, height: high, role: "img", "aria-label": "How often each byte occurs, from -128 to 127" });
  const context = canvas.getContext("2d");
  context.fillStyle = "#0072b2";
  bars.forEach((value, n) => {
    const tall = value ? Math.max(1, high * Math.log(1 + value) / Math.log(1 + most)) : 0;
    context.fillRect(n * wide / bars.length, high - tall, wide / bars.length - 1, tall);
  });
  return element("figure", {}, canvas, element("figcaption", {}, "How often each byte occurs, −128 to 127, on a logarithmic scale"));
}

function filterPictures({ bytes, shape: [outputs, high, wide, depth] }) {
  const values = new Int8Array(fromBase64(bytes).buffer), scale = 6;
  const most = values.reduce((a, byte) => Math.max(a, Math.abs(byte)), 1);
  const canvas = element("canvas", { width: depth * (wide * scale + 3), height: outputs * (high * scale + 3), role: "img",
                                     "aria-label": `${outputs} filters` });
  for (let o = 0; o < outputs; ++o) {
    for (let c = 0; c < depth; ++c) {
      const one = [];
      for (let n = 0; n < high * wide; ++n) one.push(values[(o * high * wide + n) * depth + c]);
      drawValues(canvas.getContext("2d"), one, wide, high, c * (wide * scale + 3), o * (high * scale + 3), scale, most);
    }
  }
  return element("figure", {}, canvas, element("figcaption", {}, "Filters, one in a row; blue adds, orange takes"));
}

// The formula of a convolution's multiplications, with its numbers.
function formula({ conv }) {
  const [high, wide] = conv.pixels, { images } = conv;
  const all = images * wide * high * conv.outputs * conv.kernel[0] * conv.kernel[1] * conv.depth;
  return element("p", { className: "sum", id: "formula", "data-images": images },
    `${wide} × ${high} pixels × ${conv.outputs} channels × ${conv.kernel[1]} × ${conv.kernel[0]} taps × ${conv.depth} inputs` +
    `${images > 1 ? ` × ${images} images` : ""} = `, element("strong", {}, count(all)), " multiplications" +
    (conv.groups > 1 ? `; in ${conv.groups} groups, so a channel sees ${conv.depth} of ${conv.depth * conv.groups} inputs` : ""));
}

function showLayer(number) {
  const row = about.report.layers[number];
  const inside = about.layers[row.name];
  const parts = [element("h3", { id: "layer-name" }, row.name),
    element("p", {}, `${row.op.replaceAll("_", " ").replaceAll("+", " and ")}, on the ${row.where}; output ${row.output_shape.join(" × ")}` +
      (row.reason ? `; on the host because ${row.reason}` : ""))];
  if (row.inputs?.length) parts.push(element("p", { className: "hint" }, `Reads ${row.inputs.join(", ")}.`));
  if (row.conv) parts.push(formula(row));
  if (row.where !== "host") {
    const spent = { busy: row.busy_cycles, ...row.own_idle };
    parts.push(element("p", {}, `${count(row.own_cycles)} cycles of its own, ${share(row.own_utilisation)} of the unit's multipliers used; ` +
      `${count(row.bytes_read)} bytes read, ${count(row.bytes_written)} written. Bound by ${row.bound}.`),
      element("div", { className: "causes", "aria-hidden": "true" }, ...Object.entries(spent).map(([name, value]) => element("span", {
        style: `width: ${100 * value / (row.own_cycles || 1)}%; background: ${(CAUSES[name] ?? ["#999"])[0]}`, title: `${name}: ${value}` }))),
      element("p", { className: "hint" }, Object.entries(spent).map(([name, value]) => `${name} ${count(value)}`).join(", ")));
  }
  if (inside) {
    parts.push(element("p", { id: "differ" }, inside.near
      ? "Its bytes stay on the chip, for the layer that reads them; shown are the golden model's."
      : inside.differ === undefined ? ""
      : inside.differ ? `${count(inside.differ)} bytes of the first image differ from the golden model's.`
        : "Every byte of the first image is the golden model's."));
    parts.push(maps(inside.near ? "The golden model" : "What the machine computed", inside.maps, inside.zero));
    if (inside.golden) parts.push(maps("The golden model", inside.golden, inside.zero));
    parts.push(element("div", { className: "figures" }, histogram(inside.histogram),
      ...(inside.filters ? [filterPictures(inside.filters)] : [])));
  }
  byId("layer").replaceChildren(...parts);
}
