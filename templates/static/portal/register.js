// The lists of the registration form follow the region at once; the server checks everything again.
"use strict";

const form = document.querySelector("[data-register]");
const { province, city, name } = form.elements;
const listed = document.getElementById("names");
const contact = form.querySelector("[data-contact]");

async function look() {
  const asked = new URLSearchParams({ province: province.value, city: city.value });
  const answer = await fetch(`${form.dataset.register}?${asked}`, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : { cities: [], names: [], contact: "" };
}

function show(names) {
  listed.replaceChildren(...names.map((value) => Object.assign(document.createElement("option"), { value })));
  name.disabled = !city.value;
  name.placeholder = city.value ? `输入或选择，共 ${names.length} 所` : "先选省和市，再从名录中选择";
}

province.addEventListener("change", async () => {
  city.value = "";
  const found = await look();
  const first = city.options[0];
  city.replaceChildren(first, ...found.cities.map(([value, word]) => new Option(word, value)));
  city.disabled = !province.value;
  contact.textContent = found.contact || "本省教育行政部门";
  name.value = "";
  show([]);
});
city.addEventListener("change", async () => {
  name.value = "";
  show((await look()).names);
  if (city.value) name.focus();
});
show([...listed.options].map((option) => option.value));
