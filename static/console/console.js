// Conveniences. Every page works without this file.
"use strict";

// The switch between light and dark. Hidden until here, because without scripts it could do nothing.
const themeSwitch = document.getElementById("theme-switch");
const nameTheme = () => {
  themeSwitch.textContent = document.documentElement.dataset.bsTheme === "dark" ? "Light" : "Dark";
};
themeSwitch.hidden = false;
nameTheme();
themeSwitch.addEventListener("click", () => {
  const theme = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", theme);
  document.documentElement.dataset.bsTheme = theme;
  nameTheme();
});

// A row opens and closes in place. htmx loads its details at the first click.
document.addEventListener("click", (event) => {
  const opener = event.target.closest(".opener");
  if (opener) {
    const detail = document.getElementById(opener.getAttribute("aria-controls"));
    detail.hidden = !detail.hidden;
    opener.setAttribute("aria-expanded", String(!detail.hidden));
    return;
  }
  // The whole row opens it too, unless the click was on a link or the end of a selection.
  const row = event.target.closest(".message-row");
  if (row && !event.target.closest("a, button") && getSelection().isCollapsed) {
    row.querySelector(".opener").click();
  }
});

// What cannot be loaded says so where it was asked for.
document.addEventListener("htmx:responseError", (event) => explain(event, "could not be loaded: " + event.detail.xhr.status));
document.addEventListener("htmx:sendError", (event) => explain(event, "could not be loaded: no connection"));
document.addEventListener("htmx:timeout", (event) => explain(event, "could not be loaded: no answer"));
function explain(event, reason) {
  const target = event.detail.target;
  if (target && target.tagName === "TD") {
    target.textContent = "The details " + reason + ". Open the message's own page, or reload the list.";
  } else {
    document.getElementById("announcement").textContent = "The list " + reason + ".";
    document.getElementById("announcement").classList.remove("visually-hidden");
  }
}

// After a swap the focus stays on the link that was pressed; where that is gone, it goes to the heading.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "results" && document.activeElement === document.body) {
    document.getElementById("results-heading")?.focus({ preventScroll: true });
  }
});
