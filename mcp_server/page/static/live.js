// What the live page adds to the frozen one: figures are drawn again after each change, and a lost host is said.
"use strict";

const lost = document.getElementById("lost");
const failing = new Set(); // the sections that could not be had; they are asked for again until they can

function say(words) {
  lost.textContent = words;
  lost.hidden = words === "";
}

document.addEventListener("htmx:after:settle", () => draw(document));
document.addEventListener("htmx:after:request", (event) => {
  const { request, response } = event.detail.ctx;
  const status = response?.raw?.status ?? 0;
  const path = new URL(request.action, location.href).pathname;
  if (path.startsWith("/sections/") && status >= 500) failing.add(path);
  else if (status !== 0) failing.delete(path);
  if (status === 401) say("This page is signed out, since its host was started anew: open the printed link again.");
  else if (status >= 500 || failing.size > 0) say("The host could not answer; the page shows what it last said.");
  else if (status !== 0) say("");
  if (path === "/sections/now" && status < 400 && failing.size > 0) document.body.dispatchEvent(new Event("grown"));
});
document.addEventListener("htmx:error", () => say("The host no longer answers: the page shows its last state."));
document.addEventListener("click", (event) => {
  const chosen = event.target.closest(".kinds button");
  if (chosen === null) return;
  for (const button of chosen.parentElement.children) button.setAttribute("aria-pressed", String(button === chosen));
  document.getElementById("failure-count").textContent = chosen.dataset.count;
});
document.addEventListener("asked", () => {
  document.getElementById("why").value = "";
});
