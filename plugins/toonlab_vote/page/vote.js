"use strict";
const at = (id) => document.getElementById(id);
const KEYS = { ArrowLeft: "left", ArrowRight: "right", " ": "tie", Backspace: "back" };
let state = null, since = 0, busy = false;

async function ask(path, given) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

function loaded(image, address) {
  if (image.getAttribute("src") === address) return Promise.resolve();
  return new Promise((resolve, reject) => {
    image.onload = () => {
      image.classList.toggle("pixels", image.naturalWidth <= 192);
      resolve();
    };
    image.onerror = () => reject(new Error("A picture could not be loaded. Reload the page."));
    image.src = address;
  });
}

async function show(told) {
  state = told;
  at("start").hidden = true;
  at("vote").hidden = Boolean(told.finished);
  at("end").hidden = !told.finished;
  if (told.finished) return at("thanks").focus();
  at("progress").max = told.steps;
  at("progress").value = told.step;
  at("count").textContent = `${told.step + 1} of ${told.steps}`;
  at("question").textContent = told.question;
  document.querySelector('#vote [data-answer="back"]').disabled = told.step === 0;
  at("vote").classList.add("waiting");
  await Promise.all(Object.entries(told.pictures).map(([name, address]) => loaded(at(name), address)));
  at("vote").classList.remove("waiting");
  at("question").focus({ preventScroll: true });
  since = performance.now();
  for (const address of told.next) new Image().src = address;
}

async function attempt(work) {
  if (busy) return;
  busy = true;
  at("error").textContent = "";
  try {
    await show(await work());
  } catch (error) {
    at("error").textContent = error instanceof TypeError ? "Not saved: the server does not answer. Try again." : error.message;
  }
  busy = false;
}

function answer(word) {
  const seconds = (performance.now() - since) / 1000;
  return attempt(() => ask("answer", { rater: state.rater, step: state.step, answer: word, seconds }));
}

function begin(code) {
  return attempt(async () => {
    const told = await ask("begin", { rater: code });
    history.replaceState(null, "", `#${told.rater}`);
    return told;
  });
}

at("start").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(at("code").value);
});
for (const button of document.querySelectorAll("[data-answer]"))
  button.addEventListener("click", () => answer(button.dataset.answer));
document.addEventListener("keydown", (event) => {
  const word = KEYS[event.key];
  if (!state || !word || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === " " && document.activeElement.closest("button")) return; // the key of the button that has the focus
  if (state.finished && word !== "back") return;
  event.preventDefault();
  answer(word);
});
if (location.hash.length > 1) begin(decodeURIComponent(location.hash.slice(1)));
