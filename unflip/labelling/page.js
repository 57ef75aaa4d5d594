"use strict";

// Text from outside comes in runs, [text, hidden], and is only ever set as text.
const KEYS = { c: "correct", w: "wrong", s: "skip", b: "back", q: "stop" };
const SAID = { correct: "correct", wrong: "wrong", skip: "cannot tell" };
const LOOK_FIRST = 250; // ms: a key pressed twice does not answer what nobody has seen

const find = (id) => document.getElementById(id);
const buttons = [...document.querySelectorAll("button")];
let key = null;
let back = false;
let busy = true;
let since = 0;

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function nodes(runs) {
  return runs.map(([text, hidden]) => (hidden ? element("i", text) : document.createTextNode(text)));
}

function fill(place, part) {
  const cut = part.before ? [element("small", `… ${part.before.toLocaleString("en")} characters before\n`)] : [];
  place.replaceChildren(...cut, ...(part.runs.length ? nodes(part.runs) : [element("small", "empty")]));
}

function reference(part, at) {
  const line = document.createElement("p");
  line.className = "said";
  line.dir = "auto";
  fill(line, part);
  return at ? [element("small", "or"), line] : [line];
}

function show(state) {
  find("lines").replaceChildren(
    ...state.lines.map((runs) => {
      const line = document.createElement("li");
      line.replaceChildren(...nodes(runs));
      return line;
    }),
  );
  find("far").hidden = !state.lines.length;
  if (state.over || !state.question) return end(state);
  ask(state.question, state);
}

function ask(question, state) {
  const changed = key !== question.key;
  key = question.key;
  back = state.back;
  find("place").textContent = `${question.number} of ${question.of}`;
  find("progress").max = question.of;
  find("progress").value = state.done;
  find("asked").hidden = !question.prompt.runs.length;
  fill(find("prompt"), question.prompt);
  fill(find("completion"), question.completion);
  find("references").replaceChildren(...question.references.flatMap(reference));
  if (!question.references.length) find("references").append(element("small", "There is none"));
  for (const button of buttons) button.toggleAttribute("aria-current", button.dataset.do === question.said);
  find("note").textContent = question.said ? `You said: ${SAID[question.said]}` : "";
  find("main").hidden = find("desk").hidden = false;
  if (!changed) return;
  since = performance.now();
  for (const box of document.querySelectorAll(".from-end")) box.scrollTop = 0;
  window.scrollTo(0, 0);
}

function end(state) {
  const many = state.answered === 1 ? "answer" : "answers";
  close(
    state.question ? "Stopped" : "That was all",
    `${state.answered} ${many} given and kept. You can close this page.`,
  );
  find("place").textContent = `${state.done} answered`;
  find("progress").value = state.done;
}

function close(headline, advice) {
  key = null;
  find("headline").textContent = headline;
  find("advice").textContent = advice;
  find("main").hidden = find("desk").hidden = true;
  find("place").textContent = "";
}

function wait(waiting) {
  busy = waiting;
  document.body.toggleAttribute("aria-busy", waiting);
  for (const button of buttons) button.disabled = waiting || (button.dataset.do === "back" && !back);
}

async function talk(path, options) {
  wait(true);
  try {
    const reply = await fetch(path, options);
    if (!reply.ok && reply.status !== 409) throw new Error(reply.statusText);
    show(await reply.json());
    if (reply.status === 409) find("note").textContent = "This page was behind: nothing was labelled.";
  } catch {
    close("This sitting has ended", "The program that asked is gone. What you answered is kept.");
  }
  wait(false);
}

function act(what) {
  if (busy || key === null || (what === "back" && !back)) return;
  talk("act", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key, do: what }),
  });
}

for (const button of buttons) button.addEventListener("click", () => act(button.dataset.do));
document.addEventListener("keydown", (event) => {
  const what = KEYS[event.key.toLowerCase()];
  if (!what || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (performance.now() - since > LOOK_FIRST) act(what);
});
talk("state");
