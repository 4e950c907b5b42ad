/* The page on which the browser makes a private key. What the reader does: make, save, submit; in that order.

   The key exists in this page alone, and leaves it only encrypted, as the file that is saved. The form that is sent
   has the certificate request and nothing else; the fields of the passphrase have no names and are in no such form. */

import { available, encryptKey, makeKey, makeRequest } from "./keymaker.js";

const MIN_LENGTH = 12;

const page = document.querySelector("[data-keymaker]");
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const making = part("make");
const working = part("work");
const saving = part("save");
const passphrase = part("passphrase");
const repeated = part("repeated");
let unsaved = false;

/* From 0, too short, to 3: how long, and of how many different characters. */
function strength(value) {
  if (value.length < MIN_LENGTH) return 0;
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(value)).length;
  const varied = new Set(value).size;
  if (varied < 6) return 1;
  const score = Math.min(value.length, varied * 2) + kinds * 2;
  return score >= 26 ? 3 : score >= 18 ? 2 : 1;
}

function hint() {
  const note = part("strength");
  note.textContent = passphrase.value && note.dataset[`strength${strength(passphrase.value)}`];
}

/* Show what is wrong with a field, or nothing. Returns whether something is. */
function complain(field, problem) {
  const note = document.getElementById(`${field.id}_error`);
  note.hidden = !problem;
  note.querySelector("[data-text]").textContent = problem;
  field.closest(".field").classList.toggle("field--error", Boolean(problem));
  field.setAttribute("aria-invalid", Boolean(problem));
  return Boolean(problem);
}

function problems() {
  const short = strength(passphrase.value) === 0;
  const differs = !short && repeated.value !== passphrase.value;
  return [
    complain(passphrase, short ? passphrase.dataset.short : "") && passphrase,
    complain(repeated, differs ? repeated.dataset.differs : "") && repeated,
  ].filter(Boolean);
}

function show(step) {
  for (const one of [making, working, saving]) one.hidden = one !== step;
}

function progress(step) {
  part("step").textContent = working.dataset[step];
}

async function make(event) {
  event.preventDefault();
  event.stopPropagation(); // nothing is sent, so nothing has to be kept from being sent twice
  part("failed").hidden = true;
  const [wrong] = problems();
  if (wrong) {
    wrong.focus();
    return;
  }
  show(working);
  try {
    await produce(new FormData(making).get("key"), JSON.parse(document.getElementById("subject").textContent));
  } catch {
    show(making);
    part("failed").hidden = false;
    part("failed").focus();
  }
}

async function produce(kind, subject) {
  progress("key");
  const pair = await makeKey(kind);
  progress("request");
  const request = await makeRequest(pair, subject);
  progress("encrypt");
  const file = await encryptKey(pair.privateKey, passphrase.value);
  passphrase.value = repeated.value = "";
  unsaved = true;
  part("request").value = request;
  part("download").href = URL.createObjectURL(new Blob([file], { type: "application/x-pem-file" }));
  show(saving);
  saving.querySelector("h2").focus();
}

/* Not before the download has been asked for: without the file, the certificate would be of no use. */
function saved() {
  unsaved = false;
  part("submit").hidden = false;
  part("download").classList.remove("button--primary"); // one main step at a time
}

if (available()) {
  part("unavailable").hidden = true;
  show(making);
  making.addEventListener("submit", make);
  making.addEventListener("input", hint);
  part("download").addEventListener("click", saved);
  window.addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
}
