// What all the other scripts use: elements, numbers, colours.
"use strict";

const byId = (id) => document.getElementById(id);

// An element with properties and children.  Strings become text, never markup: a layer may be called
// anything.
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const count = (number) => Number(number).toLocaleString("en-US");
const percent = (part, whole) => (whole ? `${(100 * part / whole).toFixed(1)} %` : "0 %");
const plural = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

function fromBase64(text) {
  const raw = atob(text.trim());
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

async function unpacked(id) {
  const packed = new Blob([fromBase64(byId(id).textContent)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Colours that people with any kind of colour vision can tell apart.
const CAUSES = {
  busy: ["#0072B2", "busy", "a vector enters the array"],
  fill: ["#999999", "fill", "nothing to do yet, or no more: the machine fills and drains"],
  weight: ["#E69F00", "weight", "a weight tile is still on its way into the array's cells"],
  memory: ["#D55E00", "memory", "data is still on its way from memory"],
  post: ["#CC79A7", "post", "both banks of sums wait for post-processing"],
  sync: ["#F0E442", "sync", "waiting for another engine, or for a command"],
};

const mixed = (from, to, share) => from.map((low, n) => Math.round(low + (to[n] - low) * share));
const WHITE = [255, 255, 255], BLUE = [5, 80, 140], ORANGE = [190, 90, 0];

// Negative numbers are orange, positive ones blue, 0 is white; `most` has the full colour.
function signedColour(value, most) {
  const share = Math.min(1, Math.sqrt(Math.abs(value) / (most || 1)));
  return mixed(WHITE, value < 0 ? ORANGE : BLUE, share);
}
const css = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;
// Black or white text, whichever can be read on that colour.
const ink = ([red, green, blue]) => (0.3 * red + 0.6 * green + 0.1 * blue > 130 ? "#111" : "#fff");

// Draws values as a picture of `wide` by `high` pixels at a place of a canvas.
function drawValues(context, values, wide, high, x, y, scale, most) {
  const small = new ImageData(wide, high);
  values.forEach((value, n) => small.data.set([...signedColour(value, most), 255], 4 * n));
  const picture = element("canvas", { width: wide, height: high });
  picture.getContext("2d").putImageData(small, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, x, y, wide * scale, high * scale);
}
