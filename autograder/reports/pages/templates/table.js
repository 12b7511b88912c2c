
// Sorting and filtering of the class table. Without it the table is complete, in order of name.
(() => {
  const table = document.getElementById("students");
  if (!table) return;
  const body = table.tBodies[0];
  const things = table.dataset.of || "submissions";
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return cell.classList.contains("cell") ? parseFloat(cell.textContent) : cell.textContent.trim();
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === (column ? "descending" : "ascending");
      const first = column ? "descending" : "ascending";
      const second = column ? "ascending" : "descending";
      const order = down ? second : first;
      const sign = order === "ascending" ? 1 : -1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      body.append(...[...body.rows].sort((a, b) => sign * compare(key(a, column), key(b, column))));
    });
  });

  const form = document.querySelector("form.filters");
  if (!form) return;
  const fields = form.elements;
  const chosen = (name) => (fields[name] ? fields[name].value : "");
  const has = (row, name, wanted) => !wanted || (row.dataset[name] || "").split(" ").includes(wanted);
  const show = () => {
    const name = fields.name.value.trim().toLowerCase();
    const late = fields.late && fields.late.checked;
    let count = 0;
    for (const row of body.rows) {
      const matches =
        row.cells[0].textContent.toLowerCase().includes(name) &&
        has(row, "outcomes", chosen("outcome")) &&
        has(row, "causes", chosen("cause")) &&
        (!late || "late" in row.dataset);
      row.hidden = !matches;
      count += matches;
    }
    const total = body.rows.length;
    form.querySelector("output").textContent =
      count === total ? `${total} ${things}` : count ? `${count} of ${total} ${things}` : "Nothing found";
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  show();

  // A cause names its submissions; one click shows them in the table.
  for (const cause of document.querySelectorAll("[data-cause]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = "show in the table";
    button.addEventListener("click", () => {
      form.reset();
      fields.cause.value = cause.dataset.cause;
      show();
      document.getElementById("by-submission").scrollIntoView();
    });
    cause.append(button);
  }
})();
