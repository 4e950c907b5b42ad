/* The queue by keyboard, and all ticks at once. Without it everything is there by Tab, Space and Enter. */

const list = () => document.getElementById("queue");
const links = () => [...list().querySelectorAll("tbody th a[id^=item-]")];
const ticks = () => [...list().querySelectorAll("tbody input[type=checkbox]")];

function ready() {
  const all = list().querySelector("[data-all]");
  if (all) all.hidden = false;
}

/* step: 1 down, -1 up. */
function go(step) {
  const all = links();
  const row = document.activeElement.closest("tr");
  const at = all.findIndex((link) => link.closest("tr") === row);
  all[Math.min(Math.max(at + step, 0), all.length - 1)]?.focus();
}

function tick() {
  document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click();
}

const KEYS = { j: () => go(1), k: () => go(-1), x: tick };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), select, textarea"))
    return;
  // Single letters work only inside the list (WCAG 2.1.4).
  if (KEYS[event.key] && list().contains(event.target)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const one of ticks()) one.checked = event.target.checked;
});

document.addEventListener("htmx:afterSwap", ready);
document.querySelector(".keys").hidden = false;
ready();
