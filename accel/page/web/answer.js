// What the network answers, and where its cycles went.
"use strict";

function showAnswer(done, name) {
  const found = shares(done.space);
  const best = found.numbers.indexOf(Math.max(...found.numbers));
  const counted = counters(done.values);
  const speed = done.cycle / done.seconds;
  const alone = found.numbers.length === 1;     // a network that answers one question
  const says = alone ? ` is its answer to ${name}. The machine took `
    : ` is what it sees in ${name}, with ${percent(found.shares[best], 1)}. The machine took `;
  byId("answer").replaceChildren(
    element("strong", { className: "class" }, alone ? found.numbers[0].toFixed(3) : String(best)),
    element("span", {}, says,
            element("strong", { id: "cycles" }, count(counted.cycles)), " cycles; this page simulated them in ",
            element("span", { id: "seconds" }, done.seconds.toFixed(3)), ` s, ${count(Math.round(speed))} a second.`),
  );
  byId("answer").dataset.speed = speed;
  showBars(found, best);
  byId("bars").hidden = byId("answer-hint").hidden = alone;
  byId("answer-hint").textContent = `The bytes of the last layer, as the machine wrote them, made shares of 1 ` +
    `by a softmax, which is no work for the machine.`;
  showCauses(counted);
}

function showBars(found, best) {
  const rows = found.shares.map((share, n) => element(
    "div", { className: n === best ? "bar best" : "bar" },
    element("span", { className: "bar-name" }, String(n)),
    element("span", { className: "bar-space" },
            element("span", { className: "bar-share", style: `width: ${100 * share}%` })),
    element("span", { className: "bar-number" }, percent(share, 1)),
    element("span", { className: "bar-byte", title: "the machine's byte" }, String(found.bytes[n])),
  ));
  byId("bars").replaceChildren(...rows);
  byId("bars").setAttribute("aria-label", "Shares of the classes: " + found.shares
    .map((share, n) => `${n}: ${percent(share, 1)}`).join(", "));
}

function showCauses(counted) {
  const names = about.causes.filter((name) => counted[name]);
  byId("causes").replaceChildren(...names.map((name) => element("span", {
    style: `width: ${100 * counted[name] / counted.cycles}%; background: ${CAUSES[name][0]}`,
    title: `${name}: ${counted[name]}`,
  })));
  const rows = about.causes.map((name) => element(
    "tr", { id: `cause-${name}` },
    element("th", { scope: "row" }, element("i", { className: "chip", style: `background: ${CAUSES[name][0]}` }),
            CAUSES[name][1]),
    element("td", { className: "number" }, count(counted[name])),
    element("td", { className: "number" }, percent(counted[name], counted.cycles)),
    element("td", { className: "hint" }, CAUSES[name][2]),
  ));
  byId("cause-table").tBodies[0].replaceChildren(...rows);
}
