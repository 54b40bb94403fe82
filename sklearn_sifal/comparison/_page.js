(function () {
  "use strict";

  // What a cell is sorted by: its number if it has one, else its text.
  function keyOf(row, column) {
    var cell = row.cells[column];
    var value = cell.getAttribute("data-value");
    if (value === null) return cell.textContent.trim().toLowerCase();
    return value === "" ? null : Number(value);
  }

  function compare(a, b) {
    if (a === null || b === null) return null;
    return typeof a === "string" ? a.localeCompare(b) : a - b;
  }

  function sortBy(table, header, column) {
    var ascending = header.getAttribute("aria-sort") === "descending";
    if (!header.hasAttribute("aria-sort")) ascending = header.hasAttribute("data-ascending");
    Array.prototype.forEach.call(header.parentNode.cells, function (other) {
      other.removeAttribute("aria-sort");
    });
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    var body = table.tBodies[0];
    var keyed = Array.prototype.map.call(body.rows, function (row, i) {
      return { row: row, key: keyOf(row, column), i: i };
    });
    keyed.sort(function (a, b) {
      var order = compare(a.key, b.key);
      // Missing values come last, whichever the direction.
      if (order === null) return (a.key === null) - (b.key === null) || a.i - b.i;
      return (ascending ? order : -order) || a.i - b.i;
    });
    keyed.forEach(function (entry) { body.appendChild(entry.row); });
  }

  document.querySelectorAll("table.sortable").forEach(function (table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (header, column) {
      if (header.hasAttribute("data-fixed")) return;
      var button = document.createElement("button");
      button.type = "button";
      while (header.firstChild) button.appendChild(header.firstChild);
      header.appendChild(button);
      button.addEventListener("click", function () { sortBy(table, header, column); });
    });
  });

  // Without this script the parts of all strategies stand below each other.
  document.querySelectorAll(".chooser").forEach(function (chooser) {
    var select = chooser.querySelector("select");
    var parts = document.querySelectorAll("[data-group='" + chooser.dataset.of + "']");
    function show() {
      parts.forEach(function (part) { part.hidden = part.dataset.part !== select.value; });
    }
    chooser.hidden = false;
    select.addEventListener("change", show);
    show();
  });
})();
