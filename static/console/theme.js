// The chosen theme, or that of the system. Runs before the first paint, so nothing flashes.
document.documentElement.classList.add("scripts");
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
// A key of our own: Django's admin keeps its choice under "theme".
const THEME = "pushlog-theme";
const chosenTheme = () => localStorage.getItem(THEME) || "system";
function applyTheme() {
  const chosen = chosenTheme();
  document.documentElement.dataset.bsTheme = chosen === "system" ? (systemIsDark.matches ? "dark" : "light") : chosen;
}
systemIsDark.addEventListener("change", applyTheme);
applyTheme();
