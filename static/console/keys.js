// Keys for people who work in lists all day. One switch turns them off: speech input types letters.
"use strict";
(() => {
  const help = document.getElementById("keys");
  const setting = document.getElementById("keys-on");
  if (!help || !setting) return;
  // The server keeps the switch, for every browser of this person.
  setting.addEventListener("change", async () => {
    const { action } = setting.form;
    const body = new FormData(setting.form);
    const isKept = await fetch(action, { method: "POST", body, headers: { "HX-Request": "true" } }).then(
      (answer) => answer.status === 204,
      () => false,
    );
    if (isKept) return;
    setting.checked = !setting.checked;
    announce("The switch was not kept. Load the page again, then try again.", true);
  });
  document.getElementById("keys-help").addEventListener("click", (event) => {
    event.preventDefault();
    help.showModal();
  });

  const follow = (id) => document.getElementById(id)?.click();
  const openers = () => [...document.querySelectorAll(".listing-row .opener, .task-row th a")];
  const current = () => document.activeElement.closest(".message, .task-row");

  function move(step) {
    const all = openers();
    const row = current();
    const here = row ? all.findIndex((opener) => row.contains(opener)) : step > 0 ? -1 : all.length;
    all[Math.min(Math.max(here + step, 0), all.length - 1)]?.focus();
  }

  // The open row with the focus, the only open one, or the message of this page.
  function copyForTicket() {
    const inside = current()?.querySelector("[data-copies-from]");
    const all = document.querySelectorAll(".message .detail-row:not([hidden]) .detail, main > .card .detail");
    (inside || (all.length === 1 ? all[0].querySelector("[data-copies-from]") : null))?.click();
  }

  const KEYS = {
    "/": () => {
      const field = document.querySelector("#search input[type=text]");
      field?.focus();
      field?.select();
    },
    j: () => move(1),
    k: () => move(-1),
    o: () => current()?.querySelector(".opener, th a").click(),
    c: copyForTicket,
    n: () => follow("next-top"),
    p: () => follow("previous-top"),
    "?": () => help.showModal(),
  };
  const AFTER_G = { m: "tab-messages", t: "tab-tasks", s: "tab-status-codes" };

  let goes = 0; // when "g" was pressed
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !setting.checked || help.open) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) return;
    const tab = event.timeStamp - goes < 1500 && AFTER_G[event.key];
    goes = event.key === "g" ? event.timeStamp : 0;
    const act = tab ? () => follow(tab) : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
