// The reader's choice of light or dark, kept on this device. Without a choice the system decides.
// Loaded with blocking="render", so that a page never flashes in the other theme.

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is switched off: the system decides
  }
}

function keep(theme) {
  try {
    if (theme) localStorage.setItem("theme", theme);
    else localStorage.removeItem("theme");
  } catch {
    // the choice then lasts for this page only
  }
}

function apply(theme) {
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

export function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
}

function announce() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isDark()));
  }
  document.dispatchEvent(new CustomEvent("themechange", { detail: { dark: isDark() } }));
}

apply(stored());
system.addEventListener("change", announce);

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const wanted = isDark() ? "light" : "dark";
  const asSystem = (wanted === "dark") === system.matches;
  apply(asSystem ? null : wanted);
  keep(asSystem ? null : wanted);
  announce();
});

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", announce);
else announce();
