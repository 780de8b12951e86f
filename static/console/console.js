// Conveniences. Every page works without this file.
"use strict";

// The switch between light and dark. Hidden until here, because without scripts it could do nothing.
const themeSwitch = document.getElementById("theme-switch");
const nameTheme = () => {
  themeSwitch.textContent = document.documentElement.dataset.bsTheme === "dark" ? "Light theme" : "Dark theme";
};
themeSwitch.hidden = false;
nameTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
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
  const row = event.target.closest(".listing-row");
  if (row && !event.target.closest("a, button") && getSelection().isCollapsed) {
    row.querySelector(".opener").click();
  }
});

// A filter that is not set does not stand in the address, which people paste into tickets.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});

// htmx keeps the address of the last page for a history of its own, which is off. Nothing of ours stays in storage.
const forget = () => sessionStorage.removeItem("htmx-current-path-for-history");
forget();
document.addEventListener("htmx:pushedIntoHistory", forget);

// What cannot be loaded says so where it was asked for.
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  explain(event, status === 503 ? "took too long to load" : `could not be loaded (error ${status})`);
});
document.addEventListener("htmx:sendError", (event) => explain(event, "could not be loaded: there is no connection"));
function explain(event, reason) {
  const target = event.detail.target;
  if (target.tagName === "TD") {
    target.textContent = `The details ${reason}. Open the message's own page, or reload the list.`;
  } else {
    announce(`The list ${reason}. What you see is the list before it.`, true);
  }
}

// The words for screen readers; where something failed, for all eyes.
function announce(words, failed) {
  const announcement = document.getElementById("announcement");
  announcement.className = failed ? "failure" : "visually-hidden";
  announcement.textContent = words;
}
document.addEventListener("htmx:beforeRequest", () => announce("", false));

// After a swap the focus stays on the link that was pressed; where that is gone, it goes to the heading.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "results" && document.activeElement === document.body) {
    document.getElementById("results-heading").focus({ preventScroll: true });
  }
});
