(() => {
  "use strict";
  const input = document.getElementById("search");
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");
  const boxes = [...document.querySelectorAll("[data-kind-box]")];
  const sections = [...document.querySelectorAll("main section")].map((section) => ({
    section,
    link: document.querySelector(`nav a[data-section="${section.dataset.section}"]`),
    entries: [...section.querySelectorAll("article")].map((article) => ({
      article, kind: article.dataset.kind, text: article.textContent.toLowerCase(),
    })),
  }));
  const total = sections.reduce((sum, one) => sum + one.entries.length, 0);

  function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const { section, link, entries } of sections) {
      let here = 0;
      for (const { article, kind, text } of entries) {
        const fits = kinds.has(kind) && words.every((word) => text.includes(word));
        article.hidden = !fits;
        here += fits;
      }
      section.hidden = !here;
      if (link) { link.hidden = !here; }
      shown += here;
    }
    count.textContent = shown === total ? `${total} entries` : `${shown} of ${total} entries`;
    nothing.hidden = shown > 0;
    const query = words.length ? `?q=${encodeURIComponent(input.value.trim())}` : location.pathname;
    try { history.replaceState(null, "", query + location.hash); } catch { /* a file has no history */ }
  }

  function reveal() {
    let id;
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const found = id && document.getElementById(id);
    if (!found) { return; }
    if (found.closest("[hidden]")) {
      input.value = "";
      for (const box of boxes) { box.checked = true; }
      filter();
    }
    found.scrollIntoView();
    // What lies before it gets its true height only now that it is drawn.
    requestAnimationFrame(() => requestAnimationFrame(() => found.scrollIntoView()));
  }

  let waiting = 0;
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 80); });
  for (const box of boxes) { box.addEventListener("change", filter); }
  addEventListener("hashchange", reveal);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); input.select(); }
    if (event.key === "Escape" && document.activeElement === input) { input.value = ""; filter(); }
  });
  document.getElementById("find").addEventListener("submit", (event) => event.preventDefault());
  input.value = new URLSearchParams(location.search).get("q") || "";
  filter();
  reveal();
})();
