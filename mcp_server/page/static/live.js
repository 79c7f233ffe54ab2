// What the live page adds to the frozen one: figures are drawn again after each change, and a lost host is said.
"use strict";

const lost = document.getElementById("lost");

function say(words) {
  lost.textContent = words;
  lost.hidden = words === "";
}

document.addEventListener("htmx:after:settle", () => draw(document));
document.addEventListener("htmx:after:request", (event) => {
  const status = event.detail.ctx.response?.raw?.status ?? 0;
  if (status === 401) say("This page is signed out, since its host was started anew: open the printed link again.");
  else if (status >= 500) say("The host could not answer; the page shows what it last said.");
  else if (status !== 0) say("");
});
document.addEventListener("htmx:error", () => say("The host no longer answers: the page shows its last state."));
document.addEventListener("asked", () => {
  document.getElementById("why").value = "";
});
