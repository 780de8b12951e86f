// Every page works without this file.
"use strict";

// The theme: light, dark, or that of the system.
for (const choice of document.querySelectorAll("[name=theme]")) {
  choice.checked = choice.value === chosenTheme();
  choice.addEventListener("change", () => {
    if (choice.value === "system") localStorage.removeItem(THEME);
    else localStorage.setItem(THEME, choice.value);
    applyTheme();
  });
}

// The menu closes at a click elsewhere, and at Escape.
const menu = document.getElementById("menu");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// Paper says where it came from, and when.
addEventListener("beforeprint", () => {
  const printed = document.getElementById("printed");
  if (printed) printed.textContent = ` · ${location.href} · printed at ${new Date().toISOString()}`;
});

// Choices of a list act at once. “Custom” opens the fields of times.
document.addEventListener("click", (event) => {
  if (event.target.id !== "range-custom") return;
  event.preventDefault();
  const field = document.getElementById("id_created_from");
  field.closest("details").open = true;
  field.focus();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("#filter-form select")) event.target.form.requestSubmit();
});
// A suggestion acts when it is chosen. What is typed waits for Enter.
document.addEventListener("input", (event) => {
  const isChosen = !event.inputType || event.inputType === "insertReplacementText";
  if (event.target.id === "id_status" && isChosen) event.target.form.requestSubmit();
});

// A row opens in place. htmx loads its details at the first click.
document.addEventListener("click", (event) => {
  const opener = event.target.closest(".opener");
  if (opener) {
    const detail = document.getElementById(opener.getAttribute("aria-controls"));
    detail.hidden = !detail.hidden;
    opener.setAttribute("aria-expanded", String(!detail.hidden));
    noteOpenRows(detail);
    return;
  }
  // Following a link, and coming back, should open this row again.
  const detail = event.target.closest(".detail-row");
  if (detail && event.target.closest("a")) noteOpenRows(detail);
  // A click anywhere in the row works too, but not on a link, nor at the end of a selection.
  const row = event.target.closest(".listing-row");
  if (!row || event.target.closest("a, button") || !getSelection().isCollapsed) return;
  // A held key may ask for a new tab.
  const open = () => row.querySelector(".opener, th a").dispatchEvent(new MouseEvent("click", event));
  // A double click on an ID selects it, and does not open the row.
  if (!event.target.closest(".col-target_id")) open();
  else if (event.detail === 1) waiting = setTimeout(open, 300);
});
let waiting;
document.addEventListener("dblclick", (event) => {
  const id = event.target.closest(".col-target_id, .facts code");
  if (!id) return;
  clearTimeout(waiting);
  getSelection().selectAllChildren(id);
});

// The fragment of the address lists the open rows by message ID, the last one used at the end. They open again after a
// reload, on the way back, and for a colleague with the link. Browsers do not send the fragment to servers.
const OPEN = "#open=";
const PREFIX = "detail-";
function noteOpenRows(last) {
  const open = [...document.querySelectorAll(".detail-row:not([hidden])")].filter((detail) => detail !== last);
  if (!last.hidden) open.push(last);
  const ids = open.map((detail) => detail.id.slice(PREFIX.length)).join();
  history.replaceState(history.state, "", ids ? OPEN + ids : location.pathname + location.search);
}

// IDs of rows that left the page stay in the address until another row opens or closes.
function openNotedRows() {
  if (!location.hash.startsWith(OPEN)) return;
  const noted = location.hash.slice(OPEN.length).split(",").map((id) => document.getElementById(PREFIX + id));
  const closed = [...new Set(noted)].filter((detail) => detail && detail.hidden);
  const last = closed.at(-1);
  if (!last) return;
  // The rows above it grow when they are loaded. Of a tall one, the top is shown.
  last.addEventListener("htmx:afterSettle", () => {
    const message = last.parentElement;
    message.scrollIntoView({ block: message.offsetHeight > innerHeight / 2 ? "start" : "nearest" });
  });
  for (const detail of closed) document.querySelector(`[aria-controls="${detail.id}"]`).click();
}
// After the browser has restored its scroll position, without open rows.
addEventListener("pageshow", openNotedRows);
addEventListener("hashchange", openNotedRows);

// Copy buttons. They copy the text of an element, the address of a link, or what an address answers. Without HTTPS,
// browsers have no navigator.clipboard.
async function copy(button) {
  try {
    const source = document.getElementById(button.dataset.copies);
    const text = source ? source.href || source.textContent : await answerOf(button.dataset.copiesFrom);
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    announce("Copied.", false);
    mark(button);
  } catch {
    announce("Copying failed. Select the text instead.", true);
  }
}
async function answerOf(address) {
  const answer = await fetch(address);
  if (!answer.ok || answer.redirected) throw new Error("no text");
  return answer.text();
}
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("refused");
}
function mark(button) {
  if ("copied" in button.dataset) return;
  const before = button.innerHTML;
  button.dataset.copied = "";
  button.textContent = "Copied";
  setTimeout(() => {
    button.innerHTML = before;
    delete button.dataset.copied;
  }, 2000);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies], [data-copies-from]");
  if (button) copy(button);
});

// The search. Escape empties it, so that the last caller's ID does not narrow the next one's.
const search = document.getElementById("search");
if (search) {
  const fields = search.querySelectorAll("input[type=text]");
  if ("takesFocus" in search.dataset && !location.hash) fields[0].focus();
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const field of fields) field.value = "";
    fields[0].focus();
  });
}

// People paste addresses into tickets, so empty filters are left out.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});

// htmx stores the last address even with its history off.
const forget = () => sessionStorage.removeItem("htmx-current-path-for-history");
forget();
document.addEventListener("htmx:pushedIntoHistory", forget);

// Errors show where the content would be.
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  explain(event, status === 503 ? "took too long to load" : `could not be loaded (error ${status})`);
});
document.addEventListener("htmx:sendError", (event) => explain(event, "could not be loaded: there is no connection"));
function explain(event, reason) {
  const target = event.detail.target;
  if (target.tagName === "TD") {
    const again = document.createElement("button");
    again.type = "button";
    again.className = "btn btn-sm";
    again.textContent = "Try again";
    const path = event.detail.pathInfo.requestPath;
    again.addEventListener("click", () => {
      target.textContent = "Loading…";
      htmx.ajax("GET", path, { target, swap: "innerHTML" });
    });
    target.replaceChildren(`The details ${reason}. `, again);
    again.focus();
  } else if (target.id === "results") {
    announce(`The list ${reason}. You still see the previous list.`, true);
  } else {
    announce(`The answer ${reason}. Try again.`, true);
  }
}

// For screen readers; failures for everybody.
function announce(words, failed) {
  const announcement = document.getElementById("announcement");
  if (!announcement) return;
  announcement.className = failed ? "failure" : "visually-hidden";
  announcement.textContent = words;
}
document.addEventListener("htmx:beforeRequest", () => announce("", false));

// If a swap removed the focused link, the heading gets the focus.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "results" && document.activeElement === document.body) {
    document.getElementById("results-heading").focus({ preventScroll: true });
  }
});

// A passkey that was cancelled or refused.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey-problem").textContent = "The passkey was not used. Try again, or choose another way.";
});
