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

/* Until when there is time: the server has said how long; the seconds are counted here. */

function tick() {
  for (const clock of document.querySelectorAll("[data-until]")) {
    const seconds = Math.max(0, Math.floor((Date.parse(clock.dataset.until) - Date.now()) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const days = Math.floor(seconds / 86400);
    const time = [seconds / 3600, seconds / 60, seconds].map(Math.floor);
    clock.textContent = `${days} ${clock.dataset.day} ${two(time[0] % 24)}:${two(time[1] % 60)}:${two(time[2] % 60)}`;
    clock.hidden = false;
  }
}

if (document.querySelector("[data-until]")) {
  tick();
  setInterval(tick, 1000);
}
