// The network's arithmetic once more, in JavaScript: to explain the machine's numbers, and to be held
// against them.
"use strict";

// A user's number as the network's first byte: q = round(x / scale) + zero, in float32.
function quantised(value) {
  const { scale, zero } = about.tensors[about.input.tensor];
  const { dtype, away } = about.input;
  if (dtype !== "float32") return Math.max(-128, Math.min(127, Math.round(value) - (dtype === "uint8" ? 128 : 0)));
  const scaled = Math.fround(Math.fround(value) / Math.fround(scale));
  const whole = away ? Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5) : roundHalfEven(scaled);
  return Math.max(-128, Math.min(127, whole + zero));
}

function roundHalfEven(value) {
  const low = Math.floor(value);
  const over = value - low;
  if (over !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

// The same, halves to the odd neighbour: FLOAT_ODD.
const roundHalfOdd = (value) => roundHalfEven(value + 1) - 1;

// An int32 sum to an int8, and how: the same rules as accel/quant.py.
function requantised(sum, conv, channel) {
  const multiplier = conv.multiplier[channel], shift = conv.shift[channel];
  const steps = [];
  let value;
  if (conv.rounding.startsWith("FLOAT")) {
    const odd = conv.rounding === "FLOAT_ODD";
    const factor = Math.fround(multiplier * 2 ** (shift - 31));
    const product = Math.fround(Math.fround(sum) * factor);
    value = odd ? roundHalfOdd(product) : roundHalfEven(product);
    steps.push([`${count(sum)} × ${factor.toPrecision(7)} = ${product.toPrecision(7)}`,
                "the channel's factor: input scale × weight scale ÷ output scale, in float32"]);
    steps.push([`rounded, halves to ${odd ? "odd" : "even"}: ${count(value)}`, "to a whole number"]);
  } else {
    const product = BigInt(sum) * BigInt(multiplier);
    if (conv.rounding === "DOUBLE" && shift < 0) {
      const high = (product + (1n << 30n)) >> 31n;
      const up = (1n << BigInt(-shift - 1)) - (high < 0n ? 1n : 0n);
      value = Number((high + up) >> BigInt(-shift));
    } else {
      const away = conv.rounding === "AWAY" && product < 0n ? 1n : 0n;
      value = Number((product - away + (1n << BigInt(30 - shift))) >> BigInt(31 - shift));
    }
    steps.push([`${count(sum)} × ${count(multiplier)} × 2^${shift - 31} ≈ ` +
                (sum * multiplier * 2 ** (shift - 31)).toPrecision(7),
                `the channel's factor as a whole number and a shift (${conv.rounding})`]);
    steps.push([`rounded: ${count(value)}`, "to a whole number"]);
  }
  steps.push([`${count(value)} + (${conv.zero}) = ${count(value + conv.zero)}`,
              "the byte that means 0 is added"]);
  const byte = Math.max(conv.lo, Math.min(conv.hi, value + conv.zero));
  steps.push([`between ${conv.lo} and ${conv.hi}: ${byte}`, "what does not fit is cut off (a ReLU, too)"]);
  return { byte, steps };
}

// The sum of one output of a convolution before pooling: bias and products.
function summed(space, layer, y, x, channel) {
  const conv = layer.conv;
  const input = about.tensors[conv.input];
  const values = tensor(space, conv.input);
  const [high, wide, channels] = input.shape;
  // A group of outputs looks at a group of the input's channels; a depthwise one at a single channel.
  const [outputs, kh, kw, depth] = conv.shape;
  const first = Math.floor(channel / (outputs / conv.groups)) * depth;
  const terms = [];
  let sum = conv.bias[channel];
  for (let ky = 0; ky < kh; ++ky) {
    for (let kx = 0; kx < kw; ++kx) {
      const row = y * conv.stride[0] - conv.padding[0] + ky * conv.dilation[0];
      const column = x * conv.stride[1] - conv.padding[1] + kx * conv.dilation[1];
      const inside = row >= 0 && row < high && column >= 0 && column < wide;
      for (let n = 0; n < depth; ++n) {
        const c = first + n;
        const byte = inside ? values[(row * wide + column) * channels + c] : input.zero;
        const weight = conv.weights[((channel * kh + ky) * kw + kx) * depth + n];
        const product = (byte - input.zero) * weight;
        sum += product;
        terms.push({ ky, kx, c, row, column, inside, byte, weight, product });
      }
    }
  }
  return { sum, terms, zero: input.zero, bias: conv.bias[channel] };
}

// A byte of one of two operands less its zero, times its scale over the output's: in steps of 2^-20 and less.
function scaled(number, [multiplier, shift]) {
  const product = (BigInt(number) << 20n) * BigInt(multiplier);
  const upper = (product + (1n << 30n)) >> 31n;
  const half = shift ? (1n << BigInt(-shift - 1)) - (upper < 0n ? 1n : 0n) : 0n;
  return Number((upper + half) >> BigInt(-shift));
}

// An element of two tensors' sum, difference, product, largest or smallest.
function paired(space, { pair }, row, column, channel) {
  const terms = pair.inputs.map((name) => {
    const { shape: [high, wide, channels], zero } = about.tensors[name];
    const place = high * wide === 1 ? channel : (row * wide + column) * channels + channel;
    const byte = tensor(space, name)[place];
    return { name, byte, zero, number: byte - zero };
  });
  const [one, other] = terms;
  if (pair.op === "max" || pair.op === "min") {
    const byte = Math.max(pair.lo, Math.min(pair.hi, Math[pair.op](one.byte, other.byte)));
    return { terms, byte, steps: [] };
  }
  let sum = one.number * other.number;
  if (pair.operands) {
    terms.forEach((term, n) => { term.scaled = scaled(term.number, pair.operands[n]); });
    other.scaled += pair.offset;
    sum = pair.op === "sub" ? one.scaled - other.scaled : one.scaled + other.scaled;
  }
  const found = requantised(sum, pair, 0);
  found.steps[0][1] = "the factor that takes it to the output's steps";
  return { terms, sum, ...found };
}

// One pixel before a layer's pooling: the convolution's, or the input's where there is none, and behind
// it what a table makes of the byte.
function before(space, layer, row, column, channel) {
  let found;
  if (layer.pair) {
    found = paired(space, layer, row, column, channel);
  } else if (layer.conv) {
    found = summed(space, layer, row, column, channel);
    Object.assign(found, requantised(found.sum, layer.conv, channel));
  } else {
    const [, wide, channels] = about.tensors[layer.input].shape;
    found = { byte: tensor(space, layer.input)[(row * wide + column) * channels + channel], steps: [] };
  }
  if (layer.table) {
    const { name, values } = layer.table, byte = values[found.byte + 128];
    found.steps.push([`${name.replaceAll("_", " ")}: ${found.byte} becomes ${byte}`,
                      `entry ${found.byte + 128} of a table of 256, the function of every byte there is`]);
    found.byte = byte;
  }
  return { row, column, ...found };
}

// A stored output, from the layer's input on: the pixels that pooling looks at, and the chosen (of an
// average the first).
function explained(space, layer, y, x, channel) {
  const { pool } = layer;
  const [high, wide] = layer.conv ? sumsShape(layer) : about.tensors[layer.input].shape;
  const places = [];
  if (!pool) places.push([y, x]);
  else {
    for (let py = 0; py < pool.kernel[0]; ++py) {
      for (let px = 0; px < pool.kernel[1]; ++px) {
        const row = y * pool.stride[0] - pool.padding[0] + py;
        const column = x * pool.stride[1] - pool.padding[1] + px;
        if (row >= 0 && row < high && column >= 0 && column < wide) places.push([row, column]);
      }
    }
  }
  const pixels = places.map(([row, column]) => before(space, layer, row, column, channel));
  if (pool?.average) return { pixels, chosen: pixels[0], ...averaged(pool, pixels) };
  const chosen = pixels.reduce((a, b) => (b.byte > a.byte ? b : a));
  const byte = pool ? Math.max(pool.lo, Math.min(pool.hi, chosen.byte)) : chosen.byte;
  return { pixels, chosen, byte };
}

// The average of pixels: the sum of what they are above 0, times one by their number, which is a factor
// like a convolution's.
function averaged(pool, pixels) {
  const { factors, from, zero, rounding } = pool.average;
  const sum = pixels.reduce((all, one) => all + one.byte - from, 0);
  const [multiplier, shift] = factors[pixels.length];
  const found = requantised(sum, { multiplier: [multiplier], shift: [shift], zero, rounding, lo: pool.lo, hi: pool.hi }, 0);
  found.steps[0][1] = `one by ${pixels.length}, and the step from the input's scale to the output's`;
  return { sum, from, byte: found.byte, steps: found.steps };
}

// Height and width of a layer's sums, before pooling.
function sumsShape(layer) {
  const { conv } = layer;
  const [high, wide] = about.tensors[conv.input].shape;
  const [, kh, kw] = conv.shape;
  const along = (size, kernel, before, behind, stride, dilation) =>
    Math.floor((size + before + behind - dilation * (kernel - 1) - 1) / stride) + 1;
  const [top, left, bottom, right] = conv.padding;
  return [along(high, kh, top, bottom, conv.stride[0], conv.dilation[0]),
          along(wide, kw, left, right, conv.stride[1], conv.dilation[1])];
}

// What the host does behind the machine: bytes to numbers, and numbers to shares of 1.
function shares(space) {
  const { tensor: name } = about.output;
  const { scale, zero } = about.tensors[name];
  const bytes = Array.from(tensor(space, name));
  const numbers = bytes.map((byte) => (byte - zero) * scale);
  const most = Math.max(...numbers);
  const powers = numbers.map((number) => Math.exp(number - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return { bytes, numbers, shares: powers.map((power) => power / total) };
}

// Which place of the kernel and which channel an EXEC command's reduction index is.
function tapOf(exec, i) {
  const width = exec.taps[0][3] - exec.taps[0][2];
  const [ky, kx, first] = exec.taps[Math.floor(i / width)];
  return { ky, kx, c: first + i % width };
}

// Where the array computed a sum: for each of its vectors, the cycle, and what its lanes hold.
function vectorsOf(layer, y, x, channel) {
  const { rows } = about.machine;
  for (const block of layer.blocks ?? []) {
    const number = (y - block.y) * block.width + (x - block.x) - block.first;
    const here = x >= block.x && x < block.x + block.width && y >= block.y;
    if (!here || number < 0 || number >= block.count) continue;
    if (channel < block.channel || channel >= block.channel + block.cols) continue;
    const found = [];
    for (const exec of block.execs) {
      const { k, base, nx, step_x, step_y, seg, seg_skip } = exec.fields;
      const pixel = base + (number % nx) * step_x + Math.floor(number / nx) * step_y;
      for (let tile = 0; tile * rows < k; ++tile) {
        const lanes = [];
        for (let lane = 0; lane < rows && tile * rows + lane < k; ++lane) {
          const i = tile * rows + lane;
          const address = pixel + i + Math.floor(i / seg) * seg_skip * rows;
          lanes.push({ i, ...tapOf(exec, i), address: address % about.machine.input_bytes });
        }
        found.push({ vector: exec.vector + tile * block.count + number, tile, lanes });
      }
    }
    return { column: channel - block.channel, vectors: found };
  }
  return null;
}
