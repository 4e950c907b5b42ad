/* Whether a private key file belongs to a certificate: found out in the page, without sending either. */

import { KeyFileError, available, fingerprintOfKeyFile } from "./keymaker.js";

const MAX_BYTES = 64 * 1024;

const form = document.querySelector("[data-key-match]");
const part = (name) => form.querySelector(`[data-part="${name}"]`);

async function compare() {
  const [file] = part("file").files;
  if (!file) return "no-file";
  if (file.size > MAX_BYTES) return "no-key";
  try {
    const found = await fingerprintOfKeyFile(await file.text(), part("passphrase").value);
    return found === form.dataset.keyMatch ? "yes" : "no";
  } catch (error) {
    if (error instanceof KeyFileError) return error.reason;
    throw error;
  }
}

async function answer(event) {
  event.preventDefault();
  event.stopPropagation(); // nothing is sent, so nothing has to be kept from being sent twice
  for (const one of form.querySelectorAll("[data-answer]")) one.hidden = true;
  const reason = await compare();
  form.querySelector(`[data-answer="${reason}"]`).hidden = false;
}

if (available()) {
  form.hidden = false;
  form.addEventListener("submit", answer);
}
