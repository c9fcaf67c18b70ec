// Drawings as SVG.
"use strict";

const SVG = "http://www.w3.org/2000/svg";     // a name, not an address that is asked

function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
