/* Passkeys. A form with data-passkey ("create" or "get") is sent once the browser has made or used one; what it is
   asked for stands in data-options, or comes from data-options-from. webauthnJSON is of django-allauth's package. */

const problem = document.querySelector("[data-passkey-problem]");

function complain(what) {
  problem.textContent = problem.dataset[what];
  problem.hidden = false;
}

async function options(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.dataset.optionsFrom, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new TypeError(answer.statusText);
  return (await answer.json()).request_options;
}

async function ask(form) {
  problem.hidden = true;
  try {
    const credential = await window.webauthnJSON[form.dataset.passkey](await options(form));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    if (error.name === "InvalidStateError") complain("known");
    else if (error.name === "TypeError") complain("unreachable");
    else if (error.name === "SecurityError" || error.name === "NotSupportedError") complain("unable");
    else complain("refused");
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (window.PublicKeyCredential) form.hidden = false;
  else if (form.dataset.passkey === "create" || !form.dataset.optionsFrom) complain("unable");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    ask(form);
  });
}
