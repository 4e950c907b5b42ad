/* Comfort for the guide to the mobile SDK; all of it works without. */

/* Which language code is shown in: CSS goes by the radio button, the browser remembers it. */

const KEY = "code-language";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    /* A browser that keeps nothing shows the first language. */
  }
}

for (const radio of document.querySelectorAll("[data-remember]")) {
  if (radio.value === remembered()) radio.checked = true;
  radio.addEventListener("change", () => remember(radio.value));
}
