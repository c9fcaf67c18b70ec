// What was learnt: the first layer's filters by epoch, and the answers to the images held back.
"use strict";

function showFilters() {
  byId("filters").hidden = !trained.filters;
  if (!trained.filters) return;
  const { layer, shape: [epochs, filters, channels, high, wide], bytes } = trained.filters;
  const values = new Float32Array(fromBase64(bytes).buffer);
  const most = values.reduce((a, value) => Math.max(a, Math.abs(value)), 0);
  const size = filters * channels * high * wide, scale = Math.max(2, Math.round(44 / wide)), gap = 8;
  const each = channels * (wide * scale + 2) + gap, columns = Math.max(1, Math.floor(660 / each));
  const canvas = byId("filters-canvas"), slider = byId("epoch");
  canvas.width = Math.min(columns, filters) * each;
  canvas.height = Math.ceil(filters / columns) * (high * scale + gap);
  byId("filters-layer").textContent = layer;
  const first = trained.epochs.length + 1 - epochs;   // of a resumed run of an earlier version they begin later
  const show = () => {
    const n = Number(slider.value), context = canvas.getContext("2d"), at = n + first;
    byId("filters-epoch").textContent = at ? `After epoch ${at} of ${trained.epochs.length}` : "Before the first epoch";
    canvas.setAttribute("aria-label", `${plural(filters, "filter")} of ${layer}, epoch ${at}`);
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let f = 0; f < filters; ++f) {
      for (let c = 0; c < channels; ++c) {
        const begin = n * size + (f * channels + c) * high * wide;
        drawValues(context, Array.from(values.subarray(begin, begin + high * wide)), wide, high,
          f % columns * each + c * (wide * scale + 2), Math.floor(f / columns) * (high * scale + gap), scale, most);
      }
    }
  };
  slider.max = epochs - 1;
  slider.value = epochs - 1;
  slider.oninput = show;
  show();
}

function showAnswers() {
  const { images, wrong, table, worst } = trained.answers;
  byId("answers-summary").textContent = wrong
    ? `${count(wrong)} of ${plural(images, "image")} held back. ${worst.length < wrong ? `The ${worst.length} of which it was surest` : "All of them"} are below.`
    : `None of the ${plural(images, "image")} held back.`;
  if (table) {
    byId("answers-table").append(element("p", { className: "hint" }, "Images by what they are (lines) and what the network says (columns)."),
      element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": "Answers" }, element("table", {},
        element("thead", {}, element("tr", {}, element("th", {}, ""), ...table.map((_, n) => element("th", { scope: "col" }, String(n))))),
        element("tbody", {}, ...table.map((row, label) => element("tr", {}, element("th", { scope: "row" }, String(label)),
          ...row.map((number, answer) => element("td", {
            "data-label": label, "data-answer": answer, className: number ? "" : "none",
            style: number ? `background: ${label === answer ? "#e2eef7" : "#fde7d6"}` : "" }, count(number)))))))));
  }
  byId("worst").append(...worst.map((one) => {
    const [high, wide, channels] = one.image.shape, bytes = fromBase64(one.image.bytes);
    const canvas = element("canvas", { width: wide, height: high, role: "img", "aria-label": `An image of class ${one.label}` });
    const picture = new ImageData(wide, high);
    for (let n = 0; n < high * wide; ++n) {
      const colour = channels === 3 ? bytes.subarray(3 * n, 3 * n + 3) : [bytes[n], bytes[n], bytes[n]];
      picture.data.set([...colour, 255], 4 * n);
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
    return element("figure", {}, canvas, element("figcaption", {}, `${one.label}, taken for ${one.answer}: ${share(one.sure)}`));
  }));
}
