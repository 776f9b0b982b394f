"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
document.documentElement.classList.remove("plain");

/* tables: every row can be opened, every column sorted */
const toggle = (button, open) => {
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
};
for (const button of all(".more")) {
  toggle(button, false);
  button.addEventListener("click", () => toggle(button, button.getAttribute("aria-expanded") === "false"));
}

const sortBy = (header, first) => {
  const table = header.closest("table"), column = header.cellIndex;
  const other = first === "descending" ? "ascending" : "descending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  for (const cell of all("th[aria-sort]", table)) cell.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const value = (body) => body.rows[0].cells[column].dataset.sort;
  const compare = (a, b) => {
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1; // what has no value comes last, either way
    const difference = isNaN(a) || isNaN(b) ? a.localeCompare(b) : Number(a) - Number(b);
    return order === "ascending" ? difference : -difference;
  };
  const bodies = [...table.tBodies].sort((a, b) => compare(value(a), value(b)));
  table.append(...bodies);
};
for (const button of all(".sort"))
  button.addEventListener("click", () => sortBy(button.closest("th"), button.dataset.first || "ascending"));

/* copying, also where a page from a file may not use the clipboard */
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
for (const button of all("[data-copy]"))
  button.addEventListener("click", async () => {
    await copy(document.getElementById(button.dataset.copy).value);
    button.parentElement.querySelector(".status").textContent = `${button.textContent.replace(/^Copy (the )?/, "")} copied`;
    button.focus();
  });

/* one method among the curves */
const highlight = (number) => {
  document.body.classList.toggle("highlighting", number !== null);
  for (const group of all("[data-series]")) group.classList.toggle("on", group.dataset.series === number);
};
const pressed = () => document.querySelector("[data-highlight][aria-pressed=true]")?.dataset.highlight ?? null;
for (const button of all("[data-highlight]")) {
  const show = () => highlight(button.dataset.highlight);
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") === "false";
    for (const other of all("[data-highlight]")) other.setAttribute("aria-pressed", String(on && other === button));
    highlight(pressed());
  });
  button.addEventListener("pointerenter", show);
  button.addEventListener("pointerleave", () => highlight(pressed()));
}

/* pictures: two of a scene, divided by a slider */
const viewer = document.querySelector(".viewer");
if (viewer) {
  const scenes = all(".scene"), stage = viewer.querySelector(".stage"), slider = stage.querySelector("input");
  const chosen = { left: viewer.querySelector("#left"), right: viewer.querySelector("#right") };
  const critic = viewer.querySelector("#critic");
  const names = new Map(all(".picture").map(({ dataset }) => [dataset.key, dataset.label]));
  for (const select of Object.values(chosen)) for (const [key, name] of names) select.append(new Option(name, key));
  chosen.left.value = [...names.keys()][0]; // the photo, where there is one
  chosen.right.value = names.has(viewer.dataset.best) ? viewer.dataset.best : [...names.keys()][1] ?? chosen.left.value;
  const scene = () => scenes[Number(viewer.querySelector("[name=scene]:checked").value)];

  const divide = () => {
    stage.style.setProperty("--split", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % ${names.get(chosen.left.value)}, ${100 - slider.value} % ${names.get(chosen.right.value)}`);
  };
  const draw = () => {
    for (const one of scenes) one.hidden = one !== scene();
    for (const patches of all(".patches")) patches.classList.toggle("on", critic?.value === patches.dataset.critic);
    for (const side of ["left", "right"]) {
      const key = chosen[side].value, name = names.get(key);
      const picture = all(".picture", scene()).find((one) => one.dataset.key === key);
      const parts = picture ? all("img, .patches", picture).map((part) => part.cloneNode(true)) : [];
      stage.querySelector(`.half.${side}`).replaceChildren(...parts);
      stage.querySelector(`.tag.${side}`).textContent = picture ? name : `${name}: none`;
    }
    for (const picture of all(".picture")) {
      const shown = [chosen.left.value, chosen.right.value].includes(picture.dataset.key);
      picture.querySelector(".pick").setAttribute("aria-pressed", String(shown));
    }
    const { width, height } = scene().querySelector(".picture").dataset;
    stage.style.aspectRatio = `${width} / ${height}`;
    divide();
  };
  for (const picture of all(".picture"))
    picture.querySelector(".pick").addEventListener("click", () => {
      chosen.right.value = picture.dataset.key;
      draw();
    });
  for (const control of all("select, [name=scene]", viewer)) control.addEventListener("change", draw);
  slider.addEventListener("input", divide);
  viewer.hidden = false;
  draw();
}
