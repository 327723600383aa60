
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("matrix");
  const head = table.tHead.rows[0];
  const body = table.tBodies[0];
  const detail = byId("detail");
  const hint = detail.textContent;
  const RANK = { direct: 0, pattern: 1, inherited: 2, rule: 3, denied: 4 };
  const BEFORE = 2; // the role's name, and how many permissions it has
  const rank = (cell) => RANK[cell.textContent] ?? 5;

  const columns = [...head.cells].slice(BEFORE).map((th, place) => ({ th, place, name: th.textContent, shown: true }));
  const rows = [...body.rows].map((tr, place) => ({
    tr, place, th: tr.cells[0], name: tr.cells[0].textContent, granted: Number(tr.cells[1].textContent),
    cells: [...tr.cells].slice(BEFORE), shown: true,
  }));

  const words = (input) => input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (name, wanted) => wanted.every((word) => name.toLowerCase().includes(word));
  const seen = (items, word) => `${items.filter((item) => item.shown).length} of ${items.length} ${word}`;

  function filter() {
    const compact = byId("compact").checked;
    const roles = words(byId("find-role"));
    const names = words(byId("find-permission"));
    for (const row of rows) row.shown = fits(row.name, roles);
    for (const column of columns) column.shown = fits(column.name, names);
    if (compact) {
      const filled = (row, column) => row.cells[column.place].textContent !== "";
      for (const row of rows) row.shown &&= columns.some((column) => column.shown && filled(row, column));
      for (const column of columns) column.shown &&= rows.some((row) => row.shown && filled(row, column));
    }
    for (const row of rows) row.tr.hidden = !row.shown;
    for (const { th, place, shown } of columns) {
      if (th.hidden === !shown) continue;
      th.hidden = !shown;
      for (const row of rows) row.cells[place].hidden = !shown;
    }
    const whole = [...rows, ...columns].every((item) => item.shown);
    byId("shown").textContent = whole ? "" : `shown: ${seen(rows, "roles")}, ${seen(columns, "permissions")}`;
  }

  function sorted(items, turn, compare) {
    const order = [...items];
    if (turn) order.sort((one, other) => (turn === 1 ? 1 : -1) * compare(one, other) || one.place - other.place);
    return order;
  }

  function orderRows(th, turn, compare) {
    for (const each of head.cells) each.removeAttribute("aria-sort");
    const up = (th === corner) === (turn === 1); // names begin with the first, cells with what is granted
    if (turn) th.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...sorted(rows, turn, compare).map((row) => row.tr));
    rowOrder = { th, turn };
  }

  function orderColumns(row, turn) {
    for (const each of rows) each.th.classList.toggle("sorted", each === row && turn > 0);
    const order = sorted(columns, turn, (one, other) => rank(row.cells[one.place]) - rank(row.cells[other.place]));
    head.append(...order.map((column) => column.th));
    for (const each of rows) each.tr.append(...order.map((column) => each.cells[column.place]));
    columnOrder = { th: row?.th, turn };
  }

  // Sorting by the same thing again turns the order round, and a third time brings back that of the policy.
  let rowOrder = { th: null, turn: 0 };
  let columnOrder = { th: null, turn: 0 };
  const next = (last, th) => (last.th === th ? (last.turn + 1) % 3 : 1);
  const sortRows = (th, compare) => orderRows(th, next(rowOrder, th), compare);

  const [corner, granted] = head.cells;
  corner.onclick = () => sortRows(corner, (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
  granted.onclick = () => sortRows(granted, (one, other) => other.granted - one.granted);
  for (const { th, place } of columns) {
    th.onclick = () => sortRows(th, (one, other) => rank(one.cells[place]) - rank(other.cells[place]));
  }
  for (const row of rows) row.th.onclick = () => orderColumns(row, next(columnOrder, row.th));

  const where = new Map();
  for (const row of rows) for (const [place, cell] of row.cells.entries()) where.set(cell, [row, columns[place]]);
  let marked = [];

  function mark(cell) {
    for (const each of marked) each.classList.remove("over", "at");
    const [row, column] = where.get(cell) ?? [];
    marked = row ? [column.th, ...rows.map((each) => each.cells[column.place])] : [];
    for (const each of marked) each.classList.add("over");
    if (row) { cell.classList.add("at"); row.th.classList.add("at"); marked.push(row.th); }
    detail.className = row ? "found" : "";
    const about = cell?.closest("th")?.title;
    detail.textContent = row ? `${row.name} / ${column.name}: ${cell.title || "nothing"}` : about || hint;
  }

  table.onmouseover = (event) => mark(event.target.closest("td, th"));
  table.onmouseleave = () => mark(null);
  table.onfocusin = (event) => mark(event.target.closest("td, th"));

  byId("find-role").oninput = filter;
  byId("find-permission").oninput = filter;
  byId("compact").onchange = filter;
  byId("reset").onclick = () => {
    for (const id of ["find-role", "find-permission"]) byId(id).value = "";
    byId("compact").checked = false;
    orderRows(null, 0, () => 0);
    orderColumns(null, 0);
    filter();
  };

  byId("tools").hidden = false;
  filter();
})();
