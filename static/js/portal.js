/* Comfort for pages that work without it. Nothing here decides anything; what is hidden without script is marked
   `hidden` in the page and shown here. */

const all = (root, selector) => [...root.querySelectorAll(selector)];

/* Show and set up what needs script in a page, or in a fragment that htmx has put into it. */
function enhance(root) {
  for (const button of all(root, "[data-copy]")) button.hidden = !navigator.clipboard;
  for (const counter of all(root, "[data-count-for]")) count(counter);
  for (const catalogue of all(root, "[data-catalogue]")) openCatalogue(catalogue);
  for (const part of all(root, "[data-without-script]")) part.hidden = true;
  for (const button of all(root, "[data-print]")) button.hidden = false;
  reveal(root);
  elapse(root);
  root.querySelector("[data-focus]")?.focus();
}

/* A fragment that takes another's place: what the reader unfolded in it stays unfolded */

const unfolded = new Map();

function remember(root) {
  for (const details of all(root, "details[id]")) unfolded.set(details.id, details.open);
}

function refold(root) {
  for (const details of all(root, "details[id]")) details.open = unfolded.get(details.id) ?? details.open;
}

/* Copying */

async function copy(button) {
  const text = button.querySelector("[data-copy-text]") ?? button;
  const before = text.textContent;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  text.textContent = button.dataset.done;
  setTimeout(() => (text.textContent = before), 2000);
}

/* Fields that matter only for some choices: <input data-reveals="names of fields of the same form"> */

function reveal(root) {
  const shown = new Map();
  for (const input of all(root, "[data-reveals]")) {
    const prefix = input.name.slice(0, input.name.lastIndexOf("-") + 1);
    for (const name of input.dataset.reveals.split(" ")) {
      const block = input.form.querySelector(`[name="${CSS.escape(prefix + name)}"]`)?.closest(".field");
      if (block) shown.set(block, shown.get(block) || input.checked);
    }
  }
  for (const [block, wanted] of shown) block.hidden = !wanted && !block.matches(".field--error");
}

/* Seconds that pass: <span data-seconds="as the server counted" data-text="{n} s">, counted on from there */

function elapse(root) {
  for (const span of all(root, "[data-seconds]")) {
    const began = performance.now() - 1000 * span.dataset.seconds;
    const timer = setInterval(() => {
      if (!span.isConnected) clearInterval(timer);
      span.textContent = span.dataset.text.replace("{n}", Math.floor((performance.now() - began) / 1000));
    }, 1000);
  }
}

/* Characters left */

function count(counter) {
  const field = document.getElementById(counter.dataset.countFor);
  const left = Number(counter.dataset.max) - field.value.length;
  counter.textContent = (left < 0 ? counter.dataset.over : counter.dataset.left).replace("{n}", Math.abs(left));
  counter.classList.toggle("is-over", left < 0);
  counter.hidden = false;
}

/* Dropping a file: the input takes the drop by itself, this shows that it will, and what it took */

function dragging(event, over) {
  event.target.closest?.("[data-drop]")?.classList.toggle("is-over", over);
}

function chosen(input) {
  const note = input.closest("[data-drop]").querySelector("[data-drop-note]");
  note.textContent = [...input.files].map((file) => `${file.name} · ${(file.size / 1024).toFixed(1)} kB`).join(", ");
  note.hidden = !note.textContent;
}

/* The catalogue */

const boxes = (root) => all(root, "input:is([type=checkbox], [type=radio]):enabled");

function openCatalogue(catalogue) {
  const parts = "[data-catalogue-bar], [data-catalogue-all], [data-catalogue-total]";
  for (const part of all(catalogue, parts)) part.hidden = false;
  tally(catalogue);
}

function tally(catalogue) {
  const total = catalogue.querySelector("[data-catalogue-total]");
  if (!total) return;
  for (const group of all(catalogue, "[data-catalogue-group]")) {
    const options = boxes(group);
    if (!options.length) continue;
    const n = options.filter((box) => box.checked).length;
    const label = group.querySelector("[data-catalogue-count]");
    label.textContent = label.dataset.text.replace("{n}", n).replace("{total}", options.length);
    const button = group.querySelector("[data-catalogue-all]");
    const words = n === options.length ? button.dataset.none : button.dataset.all;
    button.querySelector("[data-catalogue-all-text]").textContent = words;
  }
  total.textContent = total.dataset.text.replace("{n}", boxes(catalogue).filter((box) => box.checked).length);
}

function chooseGroup(button) {
  const options = boxes(button.closest("[data-catalogue-group]"));
  const on = options.some((box) => !box.checked);
  for (const box of options) box.checked = on;
  tally(button.closest("[data-catalogue]"));
  button.form?.dispatchEvent(new Event("change"));
}

function filter(input) {
  const catalogue = input.closest("[data-catalogue]");
  const wanted = input.value.trim().toLocaleLowerCase();
  let any = false;
  for (const group of all(catalogue, "[data-catalogue-group]")) {
    const options = all(group, "[data-catalogue-option]");
    for (const option of options) option.hidden = !option.textContent.toLocaleLowerCase().includes(wanted);
    group.hidden = options.every((option) => option.hidden);
    group.open = wanted ? !group.hidden : boxes(group).some((box) => box.checked);
    any ||= !group.hidden;
  }
  catalogue.querySelector("[data-catalogue-none]").hidden = any;
}

/* A second click while the first one travels does nothing. Released after a while: the answer may be a download. */

function once(event) {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-disabled", "true");
  setTimeout(() => release(form), 4000);
}

function release(form) {
  delete form.dataset.sent;
  for (const button of all(form, "[aria-disabled]")) button.removeAttribute("aria-disabled");
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-catalogue-all], [data-print]");
  if (target?.matches("[data-print]")) window.print();
  if (target?.matches("[data-copy]")) copy(target);
  if (target?.matches("[data-catalogue-all]")) {
    event.preventDefault();
    chooseGroup(target);
  }
  for (const menu of all(document, ".account[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  // The list is filtered already: Enter would send the form.
  if (event.key === "Enter" && event.target.matches("[data-catalogue-filter]")) event.preventDefault();
  const menu = event.key === "Escape" && document.querySelector(".account[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-catalogue-filter]")) filter(event.target);
  const counter = event.target.id && document.querySelector(`[data-count-for="${CSS.escape(event.target.id)}"]`);
  if (counter) count(counter);
});
document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.closest("[data-drop]")) chosen(input);
  if (input.closest("[data-catalogue-option]")) tally(input.closest("[data-catalogue]"));
  if (input.form) reveal(input.form);
});
document.addEventListener("dragover", (event) => dragging(event, true));
document.addEventListener("dragleave", (event) => dragging(event, false));
document.addEventListener("drop", (event) => dragging(event, false));
document.addEventListener("submit", once);
window.addEventListener("pageshow", (event) => event.persisted && all(document, "form[data-sent]").forEach(release));
// What is asked for again and again is not asked for while nobody looks: it would count as read.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-while-seen]")) event.preventDefault();
});
// Nor does it lead away from what is being typed when the session has ended: sending it asks for the sign-in, and keeps it.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { elt, xhr } = event.detail;
  if (!elt.matches("[data-while-seen]") || !xhr.getResponseHeader("HX-Redirect")) return;
  event.preventDefault();
  elt.remove();
});
document.addEventListener("htmx:beforeSwap", (event) => remember(event.detail.target));
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt === document.body) return;
  refold(detail.elt);
  enhance(detail.elt);
});
enhance(document);
