// A link with the token behind its # signs in by itself; the token leaves the address at once and is sent in the body alone.
"use strict";

function signIn() {
  const token = decodeURIComponent(location.hash.slice(1));
  if (token === "") return;
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = token;
  document.getElementById("login").submit();
}

addEventListener("hashchange", signIn); // the link pasted where this page is open already loads nothing
signIn();
