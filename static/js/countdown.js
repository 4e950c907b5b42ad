/* What is left until an instant: <span data-ends-at="ISO 8601" data-over="words">01:23:45</span>, counted down. Without it the
   page says what was left when it was made. Nothing is announced at each second: the instant itself stands beside. */

const two = (number) => String(number).padStart(2, "0");

/* "23:59:41"; longer than a day as the page wrote it, with the days before. */
function left(seconds) {
  const days = Math.floor(seconds / 86400);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return days ? `${days} ${document.documentElement.lang.startsWith("fr") ? "j" : "d"} ${clock}` : clock;
}

function countDown(span) {
  const end = Date.parse(span.dataset.endsAt);
  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    if (seconds <= 0) span.parentElement.textContent = span.dataset.over;
    else span.textContent = left(seconds);
    if (seconds > 0 && span.isConnected) setTimeout(tick, 1000);
  };
  tick();
}

const begin = (root) => root.querySelectorAll("[data-ends-at]").forEach(countDown);
document.addEventListener("htmx:load", ({ detail }) => detail.elt !== document.body && begin(detail.elt));
begin(document);
