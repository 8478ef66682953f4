// The timeline: a click chooses a mark, a drag over the lanes zooms into what was dragged over.
"use strict";
window.kittiwakeTimeline = (() => {
  const LEAST_PX = 8;
  let drag = null, dragged = false;

  function moment(lane, x) {
    const lanes = lane.closest(".kw-lanes"), box = lane.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (x - box.left) / box.width));
    const start = Number(lanes.dataset.start), end = Number(lanes.dataset.end);
    return Math.round(start + (end - start) * share);
  }

  function begin(event) {
    const lane = event.target.closest(".kw-lane");
    dragged = false;
    if (!lane || event.button) return;
    const shade = document.createElement("div");
    shade.className = "kw-drag";
    drag = { lane, from: event.clientX, shade, host: event.currentTarget };
    event.preventDefault();
  }

  document.addEventListener("mousemove", (event) => {
    if (!drag) return;
    const box = drag.lane.getBoundingClientRect();
    const [left, right] = [drag.from, event.clientX].sort((one, other) => one - other).map((x) => Math.min(Math.max(x, box.left), box.right));
    if (right - left < LEAST_PX) return;
    dragged = true;
    drag.lane.append(drag.shade);
    Object.assign(drag.shade.style, { left: `${left - box.left}px`, width: `${right - left}px` });
  });

  document.addEventListener("mouseup", (event) => {
    if (!drag) return;
    const { lane, from, shade, host } = drag;
    drag = null;
    shade.remove();
    if (!dragged) return;
    const [start, end] = [moment(lane, from), moment(lane, event.clientX)].sort((one, other) => one - other);
    host.dispatchEvent(new CustomEvent("kw-zoom", { detail: { start, end } }));
  });

  function click(event, emit) {
    const mark = event.target.closest(".kw-point");
    if (mark && !dragged) emit({ ...mark.dataset });
  }

  return { begin, click };
})();
