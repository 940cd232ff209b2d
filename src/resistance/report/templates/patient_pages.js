(function () {
  "use strict";
  var parts = Array.prototype.slice.call(document.querySelectorAll("details.patient"));
  var words = parts.map(function (part) { return part.textContent.toLowerCase(); });
  var box = document.querySelector("#find input"), told = document.querySelector("#find output");
  box.addEventListener("input", function () {
    var wanted = box.value.trim().toLowerCase(), n = 0;
    parts.forEach(function (part, i) {
      part.hidden = wanted !== "" && words[i].indexOf(wanted) < 0;
      if (!part.hidden) { n += 1; }
    });
    told.textContent = wanted === "" ? "" : n + " of " + parts.length;
  });
  function open() {
    var part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (part && part.open === false) { part.open = true; part.scrollIntoView(); }
  }
  window.addEventListener("hashchange", open);
  window.addEventListener("beforeprint", function () { parts.forEach(function (part) { part.open = true; }); });
  open();
}());
