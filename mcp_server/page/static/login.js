// A link with the token behind its # signs in by itself; the token leaves the address at once and is sent in the body alone.
"use strict";

const token = decodeURIComponent(location.hash.slice(1));
if (token !== "") {
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = token;
  document.getElementById("login").submit();
}
