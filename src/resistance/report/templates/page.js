(function () {
  "use strict";
  var draw = window.resistanceDraw;
  delete window.resistanceDraw;

  document.querySelectorAll(".chart").forEach(function (place) {
    var spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    // "ast" interprets Vega's expressions instead of compiling them, which a strict content policy forbids
    draw(place, spec, { renderer: "svg", actions: false, ast: true }).then(function () {
      place.dataset.drawn = "true";
    }, function (error) {
      place.textContent = "This figure could not be drawn (" + error.message + "). Its numbers are in report.json.";
      place.dataset.drawn = "failed";
    });
  });

  // what is folded on the screen is printed too
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });

  function valueOf(row, column) {
    var cell = row.children[column], value = cell.dataset.v;
    if (value === undefined) { return cell.textContent.trim().toLowerCase(); }
    return value === "" ? null : Number(value);
  }

  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0], heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    var given = Array.prototype.slice.call(body.rows);
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") || "none"];
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        var rows = given.slice();
        if (next !== "none") {
          head.setAttribute("aria-sort", next);
          var sign = next === "ascending" ? 1 : -1;
          rows.sort(function (a, b) {
            var x = valueOf(a, column), y = valueOf(b, column);
            if (x === null || y === null) { return (x === null) - (y === null); }  // what is not known stays last
            return x < y ? -sign : x > y ? sign : 0;
          });
        }
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });

  document.querySelectorAll(".controls").forEach(function (controls) {
    var table = document.getElementById(controls.dataset.table), shown = controls.querySelector("output");
    function apply() {
      var words = controls.querySelector("[type=search]").value.toLowerCase(), count = 0;
      Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
        var keep = row.textContent.toLowerCase().indexOf(words) >= 0;
        controls.querySelectorAll("select").forEach(function (select) {
          if (select.value && row.dataset[select.name] !== select.value) { keep = false; }
        });
        var only = controls.querySelector("[type=checkbox]");
        if (only && only.checked && row.classList.contains("no-answer")) { keep = false; }
        row.hidden = !keep;
        count += keep;
      });
      shown.textContent = count + (count === 1 ? " row" : " rows");
    }
    controls.addEventListener("input", apply);
    apply();
  });
})();
