"use strict";
// Finds pages by every word typed: in titles of both languages, in names.
(function () {
  const MOST = 40;
  const form = document.querySelector("form[role=search]"), input = document.getElementById("q");
  const found = document.getElementById("found"), list = found.querySelector("ul"), status = found.querySelector("[role=status]");
  const english = document.documentElement.lang === "en";
  const rows = window.mianshenIndex.map((row) => ({ row, text: row.slice(0, 5).join("\n").toLowerCase() }));

  function rank(row, words) {
    const own = [row[2], row[3], row[4]].map((text) => text.toLowerCase()), typed = words.join(" ");
    if (own.includes(typed)) return 0;
    if (!own.some((text) => text.includes(typed))) return 4;
    return row[1] === "benefit" ? 1 : own.some((text) => text.startsWith(typed)) ? 2 : 3;
  }

  function address(path) {
    const [page, place] = path.split("#");
    return form.dataset.up + page.split("/").map(encodeURIComponent).join("/") + (place ? "#" + encodeURIComponent(place) : "");
  }

  function item(row) {
    const li = document.createElement("li"), a = document.createElement("a"), span = document.createElement("span");
    a.href = address(row[5]);
    a.textContent = row[english ? 3 : 2] || row[4];
    span.className = "soft";
    span.textContent = " " + row[english ? 1 : 0] + " " + row[4];
    li.append(a, span);
    return li;
  }

  function search() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.hidden = words.length === 0;
    if (found.hidden) return;
    const hits = rows.filter(({ text }) => words.every((word) => text.includes(word))).map(({ row }) => row);
    const ranked = hits.map((row, at) => [rank(row, words), at, row]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    status.textContent = form.dataset.found.replace("{n}", String(hits.length));
    list.replaceChildren(...ranked.slice(0, MOST).map(([, , row]) => item(row)));
  }

  input.addEventListener("input", search);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = list.querySelector("a");
    if (first && !found.hidden) first.focus();
  });
  search();
})();
