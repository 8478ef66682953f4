// The topology: lines, queues and rate groups light up with what the server says; the drawing itself stays as it is.
"use strict";
window.kittiwakeTopology = (() => {
  const BOUNDS = [1, 4, 16, 64, 256];
  const LEAST_PX = 4, MOST_ZOOM = 8, LEAST_SCALE = 0.4, MOST_SCALE = 1.4, READABLE_SCALE = 0.8;
  let svg = null, tip = null, facts = { nodes: [], edges: [] }, figures = null;
  let home = null, view = null, chosen = -1, shownGroup = "", drag = null, dragged = false;
  let nodes = [], lines = [], tags = [];

  const host = () => document.querySelector(".kw-topology-host");
  const place = (name) => facts.nodes.findIndex((one) => one.name === name);

  // The drawing is in the page a moment after the server has sent it.
  function begin(given, tries = 50) {
    facts = given;
    svg = host()?.querySelector("svg.kw-topology");
    if (!svg) {
      if (tries && host()) setTimeout(() => begin(given, tries - 1), 40);
      return;
    }
    nodes = [...svg.querySelectorAll(".kw-node")];
    lines = [...svg.querySelectorAll(".kw-line")];
    tags = [...svg.querySelectorAll(".kw-tag")].map((text) => ({ text, edges: text.dataset.edges.split(" ").map(Number) }));
    const box = svg.viewBox.baseVal;
    home = { x: box.x, y: box.y, width: box.width, height: box.height };
    fit();
    // On a telephone the whole of it could not be read: it begins at its upper left corner.
    if (host().clientWidth / view.width < LEAST_SCALE) {
      view = { x: home.x, y: home.y, width: host().clientWidth / READABLE_SCALE, height: 0 };
      apply();
    }
    new ResizeObserver(() => {
      const whole = !svg.classList.contains("kw-zoomed");
      if (whole) fit();
      else apply();
    }).observe(host());
    tip = document.createElement("div");
    tip.className = "kw-topology-tip";
    tip.hidden = true;
    host().append(tip);
    for (const kind of ["click", "wheel", "pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave", "keydown", "focusin", "focusout"]) {
      svg.addEventListener(kind, handlers[kind], kind === "wheel" ? { passive: false } : undefined);
    }
    if (figures) update(figures);
    applyMarks();
  }

  // Figures

  // A cycle a second is no less where a report came a little late.
  const level = (rate) => (rate > 0 ? 1 + BOUNDS.filter((bound) => rate * 1.05 >= bound).length : 0);
  const rateText = (rate) => (rate < 10 ? rate.toFixed(1).replace(/\.0$/, "") : rate.toFixed(0));

  // Calls a second of some connections, or null where nothing is known.
  function rateOf(connections) {
    const known = figures ? connections.filter((at) => at < figures.rates.length) : [];
    return known.length ? known.reduce((sum, at) => sum + figures.rates[at], 0) : null;
  }

  const edgeRate = (number) => rateOf(facts.edges[number].connections);

  function words(rate, connections = []) {
    if (rate === null) return "";
    return `${connections.some((at) => figures.full.includes(at)) ? "≥ " : ""}${rateText(rate)}/s`;
  }

  function setLevel(element, rate) {
    const wanted = rate === null ? "" : String(level(rate));
    if (element.dataset.level !== wanted) element.dataset.level = wanted;
  }

  function update(given) {
    figures = given;
    if (!svg) return;
    svg.dataset.state = figures.state;
    for (const line of lines) setLevel(line, edgeRate(Number(line.dataset.edge)));
    for (const { text, edges } of tags) setLevel(text, rateOf(edges.flatMap((one) => facts.edges[one].connections)));
    nodes.forEach(updateNode);
    if (tip && !tip.hidden) tip.hidden = true;
  }

  function updateNode(element, number) {
    const node = facts.nodes[number];
    const queue = figures.queues[node.name], slips = figures.slips[node.name];
    const fill = element.querySelector(".kw-queue-fill"), high = element.querySelector(".kw-queue-high");
    if (fill) {
      const share = (count) => (queue ? Math.min(count / node.depth, 1) : 0);
      fill.setAttribute("width", (queue ? share(queue[0]) : 0) * Number(fill.dataset.width));
      fill.dataset.full = queue && share(queue[0]) > 0.8 ? "1" : "";
      high.setAttribute("x", Number(high.dataset.left) + share(queue ? queue[1] : 0) * (Number(high.dataset.width) - 2));
      high.style.visibility = queue && queue[1] ? "visible" : "hidden";
    }
    const marks = [];
    if (slips && slips[0]) marks.push(`${slips[0]} ${slips[0] === 1 ? "slip" : "slips"}`);
    if (queue && queue[2]) marks.push(`${queue[2]} dropped`);
    const badge = element.querySelector(".kw-badge"), text = marks.join(", ");
    if (badge.textContent !== text) badge.textContent = text;
    element.dataset.slip = slips && slips[0] ? (slips[1] ? "fresh" : "old") : "";
    element.dataset.dropped = queue && queue[2] ? "1" : "";
    element.setAttribute("aria-label", [...nodeLines(number)].join(", "));
  }

  function nodeLines(number) {
    const node = facts.nodes[number], said = [node.name];
    if (node.component) said.push(`${node.component} (${node.kind})`);
    for (const [end, verb] of [["target", "called"], ["source", "calls"]]) {
      const places = facts.edges.filter((edge) => edge[end] === number).flatMap((edge) => edge.connections);
      const rate = rateOf(places);
      if (rate !== null) said.push(`${verb} ${words(rate, places)}`);
    }
    const queue = figures?.queues[node.name], slips = figures?.slips[node.name];
    if (queue) said.push(`queue: ${queue[0]} of ${node.depth} waited, at most ${queue[1]}${queue[2] ? `, ${queue[2]} dropped` : ""}`);
    if (slips) said.push(`${slips[0]} slips`);
    return said;
  }

  function edgeLines(number) {
    const edge = facts.edges[number], short = (one) => facts.nodes[one].name;
    const said = [`${short(edge.source)} → ${short(edge.target)}`, `${edge.group}${words(edgeRate(number), edge.connections) && `: ${words(edgeRate(number), edge.connections)}`}`];
    edge.ports.slice(0, 8).forEach((ports, at) => said.push(`${ports}  ${words(rateOf([edge.connections[at]]), [edge.connections[at]])}`));
    if (edge.ports.length > 8) said.push(`and ${edge.ports.length - 8} more`);
    return said;
  }

  // Marks: what was chosen, found, or left out

  function applyMarks() {
    if (!svg) return;
    svg.classList.toggle("kw-has-choice", chosen >= 0);
    const near = new Set([chosen]);
    facts.edges.forEach((edge) => {
      if (edge.source === chosen) near.add(edge.target);
      if (edge.target === chosen) near.add(edge.source);
    });
    nodes.forEach((element, number) => {
      element.classList.toggle("kw-chosen", number === chosen);
      element.classList.toggle("kw-near", near.has(number));
      element.setAttribute("aria-pressed", String(number === chosen));
    });
    for (const line of lines) {
      const edge = facts.edges[Number(line.dataset.edge)];
      line.classList.toggle("kw-near", chosen >= 0 && (edge.source === chosen || edge.target === chosen));
      line.classList.toggle("kw-left-out", Boolean(shownGroup) && edge.group !== shownGroup);
    }
    for (const { text, edges } of tags) text.classList.toggle("kw-left-out", Boolean(shownGroup) && facts.edges[edges[0]].group !== shownGroup);
  }

  function mark(name) {
    chosen = place(name);
    applyMarks();
    if (chosen >= 0 && svg) reveal(nodes[chosen]);
  }

  function show(group) {
    shownGroup = group;
    applyMarks();
  }

  function search(text) {
    const wanted = text.trim().toLowerCase();
    svg?.classList.toggle("kw-searching", Boolean(wanted));
    nodes.forEach((element, number) => {
      const { name, component } = facts.nodes[number];
      element.classList.toggle("kw-found", Boolean(wanted) && `${name} ${component}`.toLowerCase().includes(wanted));
    });
  }

  function chooseFound() {
    const found = nodes.findIndex((element) => element.classList.contains("kw-found"));
    if (found >= 0) choose(found);
  }

  function choose(number) {
    const name = number < 0 ? "" : facts.nodes[number].name;
    mark(name);
    if (number >= 0) enter(number);
    host().dispatchEvent(new CustomEvent("kw-choose", { detail: { instance: name } }));
  }

  // A button that names an instance or a channel, in the table or in the details.
  function go(event, emit) {
    const button = event.target.closest(".kw-go");
    if (button) emit({ ...button.dataset });
  }

  // Looking closer

  // The view has the shape of its place on the screen: wide, or high on a telephone.
  function shape() {
    const box = host().getBoundingClientRect();
    return box.width && box.height ? box.height / box.width : home.height / home.width;
  }

  // All of it, and no larger than it can be read with ease.
  const widest = () => Math.max(home.width, home.height / shape(), host().clientWidth / MOST_SCALE);

  function within(start, length, from, size) {
    return length >= size ? from + (size - length) / 2 : Math.min(Math.max(start, from), from + size - length);
  }

  function apply() {
    view.width = Math.min(Math.max(view.width, home.width / MOST_ZOOM), widest());
    view.height = view.width * shape();
    view.x = within(view.x, view.width, home.x, home.width);
    view.y = within(view.y, view.height, home.y, home.height);
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    svg.classList.toggle("kw-zoomed", view.width < widest() * 0.999);
  }

  function fit() {
    if (!svg) return;
    view = { x: home.x, y: home.y, width: widest(), height: 0 };
    apply();
  }

  function zoom(factor, point) {
    if (!svg) return;
    const at = point || { x: view.x + view.width / 2, y: view.y + view.height / 2 };
    const before = view.width;
    view.width = Math.min(Math.max(before / factor, home.width / MOST_ZOOM), widest());
    const share = view.width / before;
    view.x = at.x - (at.x - view.x) * share;
    view.y = at.y - (at.y - view.y) * share;
    apply();
  }

  function pointOf(event) {
    const matrix = svg.getScreenCTM().inverse();
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
  }

  // Brings a box that lies outside of the view into it.
  function reveal(element) {
    const box = element.getBBox();
    if (box.x < view.x || box.x + box.width > view.x + view.width) view.x = box.x + box.width / 2 - view.width / 2;
    if (box.y < view.y || box.y + box.height > view.y + view.height) view.y = box.y + box.height / 2 - view.height / 2;
    apply();
  }

  // Keyboard: one box takes part in the order of tabs, arrows go on from it

  function enter(number) {
    nodes.forEach((element, at) => element.setAttribute("tabindex", at === number ? "0" : "-1"));
  }

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function step(from, [x, y]) {
    const middle = (element) => {
      const box = element.querySelector(".kw-box").getBBox();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const [left, top] = middle(nodes[from]);
    let best = -1, least = Infinity;
    nodes.forEach((element, number) => {
      const [right, bottom] = middle(element);
      const along = (right - left) * x + (bottom - top) * y, across = Math.abs((right - left) * y) + Math.abs((bottom - top) * x);
      if (number !== from && along > 1 && along + 2.5 * across < least) {
        least = along + 2.5 * across;
        best = number;
      }
    });
    return best;
  }

  function showTip(texts, x, y) {
    tip.replaceChildren(...texts.filter(Boolean).map((text) => Object.assign(document.createElement("div"), { textContent: text })));
    tip.hidden = false;
    const box = host().getBoundingClientRect();
    tip.style.left = `${Math.min(x - box.left + 12, box.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.min(y - box.top + 14, box.height - tip.offsetHeight - 4)}px`;
  }

  function tellOf(target, x, y) {
    const node = target.closest?.(".kw-node"), line = target.closest?.(".kw-line");
    if (node) showTip(nodeLines(Number(node.dataset.node)), x, y);
    else if (line && !line.classList.contains("kw-left-out")) showTip(edgeLines(Number(line.dataset.edge)), x, y);
    else tip.hidden = true;
    for (const one of lines) one.classList.toggle("kw-pointed", one === line);
  }

  const handlers = {
    click(event) {
      if (dragged) return;
      const node = event.target.closest(".kw-node");
      choose(node && Number(node.dataset.node) !== chosen ? Number(node.dataset.node) : -1);
    },
    wheel(event) {
      if (!event.ctrlKey && !event.metaKey && window.innerWidth < 900) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 400), pointOf(event));
    },
    pointerdown(event) {
      dragged = false;
      if (event.button || (event.pointerType === "touch" && !svg.classList.contains("kw-zoomed"))) return;
      drag = { x: event.clientX, y: event.clientY, view: { ...view } };
    },
    pointermove(event) {
      if (!drag) {
        if (event.pointerType !== "touch") tellOf(event.target, event.clientX, event.clientY);
        return;
      }
      const right = event.clientX - drag.x, down = event.clientY - drag.y;
      if (!dragged && Math.hypot(right, down) < LEAST_PX) return;
      if (!dragged) svg.setPointerCapture(event.pointerId);
      dragged = true;
      tip.hidden = true;
      const scale = svg.getScreenCTM().a;
      view.x = drag.view.x - right / scale;
      view.y = drag.view.y - down / scale;
      apply();
    },
    pointerup() { drag = null; },
    pointercancel() { drag = null; },
    pointerleave() {
      if (!drag) tip.hidden = true;
    },
    keydown(event) {
      const node = event.target.closest(".kw-node");
      if (event.altKey || event.ctrlKey || event.metaKey || !node) return;
      const number = Number(node.dataset.node);
      if (WAYS[event.key]) {
        const next = step(number, WAYS[event.key]);
        if (next >= 0) {
          enter(next);
          reveal(nodes[next]);
          nodes[next].focus({ preventScroll: true });
        }
      } else if (event.key === "Enter" || event.key === " ") choose(number === chosen ? -1 : number);
      else if (event.key === "Escape") choose(-1);
      else if (event.key === "+" || event.key === "=") zoom(1.4);
      else if (event.key === "-") zoom(1 / 1.4);
      else if (event.key === "Home") fit();
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    focusin(event) {
      const node = event.target.closest(".kw-node");
      if (!node?.matches(":focus-visible")) return;
      const box = node.getBoundingClientRect();
      showTip(nodeLines(Number(node.dataset.node)), box.left, box.bottom);
    },
    focusout() { tip.hidden = true; },
  };

  return { begin, update, mark, show, search, chooseFound, choose, go, zoom, fit, rateOf: (at) => rateOf([at]) };
})();
