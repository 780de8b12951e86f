// The chosen theme, or that of the system. Runs before the first paint, so nothing flashes.
document.documentElement.classList.add("scripts");
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = localStorage.getItem("theme"); // Django's admin keeps "auto" there
    document.documentElement.dataset.bsTheme =
      chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", apply);
  apply();
})();
