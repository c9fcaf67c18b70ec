// Puts the parts of a sweep's page together.
"use strict";

function showFailed(failed) {
  byId("failed").hidden = !failed.length;
  const errors = Map.groupBy(failed, (row) => row.error);
  byId("failed-table").append(element("div", { className: "wide" }, element("table", {}, element("tbody", {}, ...[...errors].map(([error, rows]) =>
    element("tr", {}, element("th", { scope: "row" }, plural(rows.length, "point")), element("td", {}, error)))))));
}

async function start() {
  sweep = JSON.parse(new TextDecoder().decode(await unpacked("sweep-data")));
  const every = sweep.rows.map((_, n) => n).filter((n) => sweep.rows[n].status === "ok");
  const engine = sweep.engine === "model" ? "counted by the cycle model" : `simulated on the RTL by ${sweep.engine}`;
  document.title = `${sweep.title}: sweep`;
  byId("title").textContent = `${sweep.title} on ${plural(sweep.rows.length, "machine")}`;
  byId("summary").textContent = `Cycles ${engine}. ${plural(sweep.rows.length - every.length, "point")} failed.`;
  byId("command").textContent = sweep.command ?? "the Python interface";
  byId("about").textContent = `Made by ${sweep.made}.`;
  showFailed(sweep.rows.filter((row) => row.status !== "ok"));
  const found = axes(every.map((n) => sweep.rows[n]));
  const choose = (n) => { showPoint(n); scatter.mark(n); table.mark(n); };
  const scatter = new Scatter(found[0].values, choose), table = new PointTable(found, choose);
  const options = () => Object.entries(MEASURES).map(([name, one]) => element("option", { value: name }, one.title));
  byId("across").append(...options());
  byId("up").append(...options());
  byId("up").value = "cycles_per_image";
  const show = () => {
    const numbers = every.filter((n) => filter.shows(sweep.rows[n]));
    byId("shown").textContent = `${count(numbers.length)} of ${plural(every.length, "machine")} shown.`;
    scatter.show(numbers, byId("across").value, byId("up").value);
    table.show(numbers);
  };
  const filter = new Filter(found, show);
  byId("across").onchange = byId("up").onchange = show;
  window.addEventListener("resize", show);
  show();
  const [best] = scatter.front(every, MEASURES.cycles_per_image, MEASURES.pes);
  if (best !== undefined) choose(best);
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  byId("problem").textContent = `The sweep could not be shown: ${error.message}.`;
  byId("problem").hidden = false;
});
