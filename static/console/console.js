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
    noteOpenRows(detail);
    return;
  }
  // Who comes back from where this link leads wants to be at this row again.
  const detail = event.target.closest(".detail-row");
  if (detail && event.target.closest("a")) noteOpenRows(detail);
  // The whole row opens it too, or leads to its page, unless the click was on a link or the end of a selection.
  const row = event.target.closest(".listing-row");
  if (row && !event.target.closest("a, button") && getSelection().isCollapsed) {
    // With the keys that were held: they may ask for a new tab.
    row.querySelector(".opener, th a").dispatchEvent(new MouseEvent("click", event));
  }
});

// Rows that are open stand in the address, behind the #, the one used last at the end. So they are open again after a
// reload, on the way back from a task, and for a colleague who gets the link; and nothing has to be stored, as the
// address alone says what is shown. It holds message IDs, as addresses of pages do, and no server or log gets this part
// of it. The entry of the history is replaced: opening a row is no page to go back from.
const OPEN = "#open=";
const PREFIX = "detail-";
function noteOpenRows(last) {
  const open = [...document.querySelectorAll(".detail-row:not([hidden])")].filter((detail) => detail !== last);
  if (!last.hidden) open.push(last);
  const ids = open.map((detail) => detail.id.slice(PREFIX.length)).join();
  history.replaceState(history.state, "", ids ? OPEN + ids : location.pathname + location.search);
}

// Opens them again. One that is on this page no more stays in the address until another row opens or closes.
function openNotedRows() {
  if (!location.hash.startsWith(OPEN)) return;
  const noted = location.hash.slice(OPEN.length).split(",").map((id) => document.getElementById(PREFIX + id));
  const closed = [...new Set(noted)].filter((detail) => detail && detail.hidden);
  const last = closed.at(-1);
  if (!last) return;
  // It may be far down, and those above it grow when they are loaded. Of one that is too tall, the top is shown.
  last.addEventListener("htmx:afterSettle", () => {
    const message = last.parentElement;
    message.scrollIntoView({ block: message.offsetHeight > innerHeight / 2 ? "start" : "nearest" });
  });
  for (const detail of closed) document.querySelector(`[aria-controls="${detail.id}"]`).click();
}
// After the browser has scrolled to where it was, which knew nothing of the rows.
addEventListener("pageshow", openNotedRows);
addEventListener("hashchange", openNotedRows);

// A button that copies a text of the page. Browsers allow it only under HTTPS, and on this machine itself.
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
      announce("Copied.", false);
      button.textContent = "Copied";
    } catch {
      announce("Copying failed. Select the text instead.", true);
    }
  });
}

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
    announce(`The list ${reason}. You still see the previous list.`, true);
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
