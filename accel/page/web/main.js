// Puts it all together: the network's description, the machine in its worker, and the parts of the
// page.
"use strict";

// The parts of the page, for whoever looks at it from the browser's console, or from a test.
const page = {};

function problem(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = false;
}

// Writes a picture into the program's memory.
function withPicture(bytes) {
  const { address, shape: [high, wide, channels], pixel, row: pitch } = about.tensors[about.input.tensor];
  const space = about.image.slice();
  let n = 0;
  for (let y = 0; y < high; ++y) {
    for (let x = 0; x < wide; ++x) {
      for (let c = 0; c < channels; ++c) space[address + y * pitch + x * pixel + c] = bytes[n++];
    }
  }
  return space;
}

async function start() {
  about = JSON.parse(new TextDecoder().decode(await unpacked("network-data")));
  about.image = fromBase64(about.program.image);
  for (const layer of about.layers) {
    if (layer.conv) layer.conv.weights = new Int8Array(fromBase64(layer.conv.weights).buffer);
  }
  document.title = `${about.name} on the accelerator`;
  byId("network-name").textContent = about.name;
  byId("machine-size").textContent = `${about.machine.rows} × ${about.machine.cols}`;
  byId("about").textContent = `Made by ${about.made}. Before it was written, the first picture was computed: ` +
    `${count(about.check.compared)} of ${count(about.check.compared)} bytes equal the golden model's, in ` +
    `${count(about.check.cycles)} cycles.`;

  const machine = new Machine();
  const ready = machine.load();
  const blocks = new Blocks();
  let chosen = null;                          // the pixel that is explained
  const stepper = new Stepper(machine, (state, done) => {
    blocks.show(state, done);
    layers.show(state.space, done.space);
  });
  Object.assign(page, { machine, blocks, stepper });
  const go = async (cycle, vector) => {
    blocks.followed = vector;
    await stepper.seek(cycle);
    byId("machine").scrollIntoView({ behavior: "smooth" });
  };
  const explain = () => {
    for (const layer of about.layers) {
      if (layer.maps && layer !== chosen?.layer) { layer.maps.marked = false; layer.maps.draw(); }
    }
    if (!chosen || !stepper.done) return;
    layers.frame(chosen.layer, explainPixel(stepper.done, chosen.layer, chosen.at, go));
  };
  const layers = new Layers((layer, at) => {
    chosen = { layer, at };
    // What is explained is the whole run: its maps are complete.
    if (stepper.state.cycle !== stepper.done.cycle) stepper.shown(stepper.done);
    explain();
    byId("pixel").scrollIntoView({ behavior: "smooth", block: "nearest" });
  });

  // A new picture: compute it as soon as the one before is done; of several, only the newest.
  let running = false, wanted = null;
  const compute = async (bytes, name) => {
    wanted = [bytes, name];
    if (running) return;
    running = true;
    await ready;
    while (wanted) {
      const [picture, called] = wanted;
      wanted = null;
      const done = await machine.ask("run", { space: withPicture(picture) });
      showAnswer(done, called);
      stepper.begin(done);
      explain();
    }
    running = false;
    document.body.dataset.ready = "yes";
  };
  const pad = new Pad((bytes, name) => compute(bytes, name).catch((error) => problem(error.message)));
  showSamples(pad);
  if (about.samples.length) pad.take(about.samples[0], "the first picture");
  else pad.clear();
  await ready;
}

start().catch((error) => problem(`The machine could not be started: ${error.message}. A newer browser may help.`));
