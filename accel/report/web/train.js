// Puts the parts of a training run's page together.
"use strict";

async function start() {
  trained = JSON.parse(new TextDecoder().decode(await unpacked("train-data")));
  const last = trained.epochs.at(-1);
  document.title = `${trained.name}: training`;
  byId("title").textContent = `${trained.name}: ${share(last.held_back_accuracy)} of the held-back images right`;
  byId("summary").textContent = `After ${plural(last.epoch, "epoch")}, ${plural(last.iterations, "iteration")}; loss ${short(last.loss)}.`;
  byId("images").textContent = `Images: ${trained.images}.`;
  byId("note").textContent = trained.note;
  byId("command").textContent = trained.command ?? "the Python interface";
  byId("about").textContent = `Made by ${trained.made}.`;
  showCurves();
  showEpochs();
  showFilters();
  showAnswers();
  byId("settings").tBodies[0].append(...Object.entries(trained.settings).map(([name, value]) => element("tr", {},
    element("th", { scope: "row" }, name.replaceAll("_", " ")), element("td", {}, value === null ? "–" : String(value)))));
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  byId("problem").textContent = `The training run could not be shown: ${error.message}.`;
  byId("problem").hidden = false;
});
