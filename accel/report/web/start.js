// Puts the parts of the report together.
"use strict";

async function start() {
  about = JSON.parse(new TextDecoder().decode(await unpacked("report-data")));
  const { report } = about;
  document.title = `${report.network}: report`;
  const engine = report.engine === "model" ? "predicted by the cycle model" : `simulated on the RTL by ${report.engine}`;
  byId("title").textContent = `${report.network} on ${report.array.rows} × ${report.array.cols} multipliers`;
  byId("summary").textContent = `${plural(report.images, "image")}, ${count(report.total.cycles)} cycles, ${engine}` +
    (report.total.mismatches === null ? "." : report.total.mismatches === 0 ? "; every byte is the golden model's."
      : `; ${count(report.total.mismatches)} bytes differ from the golden model's.`) +
    (report.weights ? ` Its weights are ${report.weights}.` : "");
  byId("command").textContent = report.command ?? "the Python interface";
  byId("about").textContent = `Made by ${about.made}. The graph is laid out by dagre (MIT licence, @dagrejs/dagre).`;
  const marked = [];
  const choose = (number) => {
    showLayer(number);
    for (const part of marked) part.mark(number);
    for (const row of document.querySelectorAll("#layer-table tbody tr")) row.classList.toggle("chosen", Number(row.dataset.row) === number);
  };
  showTotals();
  showMachine();
  showLayers(choose);
  marked.push(new Network(choose), new Roofline(choose));
  if (report.timeline.length) new Timeline(choose);
  const first = report.layers.findIndex((row) => row.where !== "host");
  if (first >= 0) choose(first);
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  byId("problem").textContent = `The report could not be shown: ${error.message}.`;
  byId("problem").hidden = false;
});
