// Strip charts. Live values are pushed by the server; what was before is fetched from the API in buckets, as fine as
// the chart is wide, and again when somebody zooms in.
"use strict";
window.kittiwakeCharts = (() => {
  const BUCKETS = 600;
  const MOST_POINTS = 4000; // of a channel
  const DEBOUNCE_MS = 250;
  let state = null;

  const now = () => kittiwake.now();
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const palette = () => document.body.classList.contains("body--dark")
    ? ["#63b0ff", "#4cc38a", "#ffab70", "#c9a2ff", "#f5d565", "#ff8a87", "#5fd7e0", "#f29bd4"]
    : ["#0b6bcb", "#1a7f4b", "#b5530a", "#7a3fc4", "#8a6a00", "#b3161b", "#0c7f8a", "#a8327f"];
  const chart = () => state && getElement(state.id)?.chart;
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

  function numberText(value) {
    if (!isNumber(value)) return "";
    const size = Math.abs(value);
    if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(3);
    return value.toLocaleString("en", { maximumFractionDigits: size < 1 ? 5 : size < 1000 ? 3 : 1 });
  }

  const axisText = (value) => Math.abs(value) >= 1e5 && Math.abs(value) < 1e15
    ? value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 2 }) : numberText(value);

  // begin({id, deployment, channels: [{name, unit}], live, start, end, windowS, stacked, overMs}): with `overMs` the
  // time so much earlier is drawn below the one that is shown, and the axis is the time since the start.
  function begin(wanted) {
    const kept = state && state.live && wanted.live && state.windowS === wanted.windowS ? state.points : {};
    state = { overMs: 0, ...wanted, points: {}, earlier: {}, serial: (state?.serial ?? 0) + 1, timer: 0 };
    for (const { name } of state.channels) if (kept[name]) state.points[name] = kept[name];
    if (!state.live) state.view = [state.start, state.end];
    remember();
    whenReady(state.serial, () => {
      draw();
      load();
    });
  }

  function whenReady(serial, then, tries = 200) {
    if (serial !== state.serial) return;
    if (chart()) then();
    else if (tries) setTimeout(() => whenReady(serial, then, tries - 1), 25);
  }

  function remember() {
    const query = new URLSearchParams({ channels: state.channels.map((one) => one.name).join(",") });
    query.set("span", state.live ? state.windowS : Math.round((state.end - state.start) / 1000));
    if (!state.live) query.set("live", "0");
    if (!state.stacked) query.set("stacked", "0");
    if (state.overMs) query.set("over", Math.round(state.overMs / 1000));
    if (state.overMs && state.endGiven) query.set("end", Math.round(state.end / 1000));
    const place = location.origin + location.pathname + "?" + query;
    history.replaceState(null, "", kittiwake.isPast() ? kittiwake.pastPlace(place) : place);
  }

  async function load() {
    const serial = state.serial;
    const [start, end] = state.live ? [now() - state.windowS * 1000, kittiwake.isPast() ? now() : null] : state.view;
    const missing = state.live ? state.channels.filter(({ name }) => !state.points[name]) : state.channels;
    setNote(missing.length ? "Loading…" : "");
    await Promise.all(missing.flatMap(({ name }) => [0, ...(state.overMs ? [state.overMs] : [])].map(async (overMs) => {
      try {
        const found = fromBuckets(await buckets(name, start - overMs, end && end - overMs));
        if (serial !== state.serial) return;
        if (overMs) state.earlier[name] = found.map(([time, ...rest]) => [time + overMs, ...rest]);
        else state.points[name] = state.live ? merged(found, state.points[name]) : found;
      } catch (fault) {
        if (serial === state.serial) setNote(`${name}: ${fault.message}`);
      }
    })));
    if (serial !== state.serial) return;
    const empty = state.channels.every(({ name }) => !state.points[name]?.length);
    setNote(empty && state.channels.length ? "No values in this time." : "");
    draw();
  }

  async function buckets(name, start, end) {
    const query = new URLSearchParams({ buckets: BUCKETS, start_us: Math.max(0, Math.floor(start * 1000)) });
    if (end) query.set("end_us", Math.ceil(end * 1000));
    const answer = await fetch(`/api/v1/deployments/${state.deployment}/channels/${encodeURIComponent(name)}/history?${query}`);
    if (!answer.ok) throw new Error((await answer.json()).detail);
    return answer.json();
  }

  // A point is [milliseconds, mean, least, greatest].
  const fromBuckets = (found) => found.start_us.map((startUs, index) =>
    [startUs / 1000 + found.width_us / 2000, found.avg[index], found.min[index], found.max[index]].map((one) => isNumber(one) ? one : null));

  const merged = (older, newer) => {
    if (!newer?.length) return older;
    return [...older.filter((one) => one[0] < newer[0][0]), ...newer];
  };

  // push({name: [[milliseconds, value], ...]}): points that fall into the same pixel become one with least and greatest.
  function push(fresh) {
    if (!state?.live) return;
    const bin = (state.windowS * 1000) / MOST_POINTS;
    const oldest = now() - state.windowS * 1000;
    for (const { name } of state.channels) {
      const points = (state.points[name] ??= []);
      for (const [time, value] of fresh[name] ?? []) {
        const last = points.at(-1);
        if (last && time < last[0]) continue;
        if (last && isNumber(value) && last[1] !== null && Math.floor(time / bin) === Math.floor(last[0] / bin)) {
          points[points.length - 1] = [last[0], value, Math.min(last[2], value), Math.max(last[3], value)];
        } else points.push([time, value, value, value]);
      }
      // One point before the window stays, so that the line begins at its edge.
      let first = 0;
      while (first + 1 < points.length && points[first + 1][0] < oldest) first++;
      if (first) points.splice(0, first);
      if (points.length > MOST_POINTS) points.splice(0, points.length - MOST_POINTS);
    }
    draw();
  }

  // Saves the values of the time that is shown, all of them, as CSV.
  function save() {
    if (!state?.channels.length) return;
    const [start, end] = state.live ? [now() - state.windowS * 1000, now()] : state.view;
    const query = new URLSearchParams({ start_us: Math.floor(start * 1000), end_us: Math.ceil(end * 1000) });
    for (const { name } of state.channels) query.append("name", name);
    location.href = `/api/v1/deployments/${state.deployment}/export/samples?${query}`;
  }

  function setNote(text) {
    const note = document.getElementById("kw-chart-note");
    if (note) note.textContent = text;
  }

  function series(points, index, color, hold) {
    const panel = state.stacked ? index : 0;
    const shared = { type: "line", xAxisIndex: panel, yAxisIndex: panel, showSymbol: false, animation: false, silent: true };
    const shown = hold && points.length ? [...points, [hold, ...points.at(-1).slice(1)]] : points;
    const isBand = shown.some((one) => one[2] !== one[3]);
    const name = state.channels[index].name;
    const made = [{
      ...shared, id: `line ${index}`, name, data: shown.map((one) => [one[0], one[1]]), color,
      lineStyle: { width: 1.6, color }, step: state.live ? "end" : false,
    }];
    // Least and greatest as a band: an unseen line at the least with the difference stacked on it.
    const band = { ...shared, stack: `band ${index}`, stackStrategy: "all", lineStyle: { opacity: 0 }, tooltip: { show: false } };
    made.push({ ...band, id: `low ${index}`, data: isBand ? shown.map((one) => [one[0], one[2]]) : [] });
    made.push({
      ...band, id: `high ${index}`, areaStyle: { color, opacity: 0.2 },
      data: isBand ? shown.map((one) => [one[0], one[2] === null ? null : one[3] - one[2]]) : [],
    });
    made.push({
      ...shared, id: `then ${index}`, name: `${name} (earlier)`, color, lineStyle: { width: 1.4, color, type: "dashed", opacity: 0.75 },
      data: state.overMs ? (state.earlier[name] ?? []).map((one) => [one[0], one[1]]) : [],
    });
    return made;
  }

  function axes(range) {
    const count = state.stacked ? Math.max(1, state.channels.length) : 1;
    const height = getElement(state.id).$el.clientHeight, width = getElement(state.id).$el.clientWidth;
    const top = 30, bottom = state.live ? 30 : 74, gap = 40;
    const each = (height - top - bottom - gap * (count - 1)) / count;
    const muted = colour("--kw-muted"), line = colour("--kw-line");
    const left = width < 500 ? 52 : 60;
    const grid = [], xAxis = [], yAxis = [], title = [];
    const colours = palette();
    for (let index = 0; index < count; index++) {
      const above = top + index * (each + gap);
      grid.push({ left, right: 16, top: above, height: each, outerBoundsMode: "none" });
      xAxis.push({
        type: "time", gridIndex: index, min: range[0], max: range[1], axisLine: { lineStyle: { color: line } },
        axisTick: { show: false }, splitLine: { show: !state.overMs, lineStyle: { color: line, opacity: 0.6 } },
        axisLabel: {
          ...(state.overMs ? { customValues: sinceTicks(width) } : {}), show: index === count - 1, color: muted, hideOverlap: true, formatter: timeText,
        },
        splitNumber: width < 500 ? 3 : 7, axisPointer: { label: { show: false } },
      });
      yAxis.push({
        type: "value", gridIndex: index, scale: true, axisLabel: { color: muted, formatter: axisText },
        splitNumber: each < 130 ? 2 : 4, splitLine: { lineStyle: { color: line } },
      });
      if (state.stacked && state.channels[index]) {
        const { name, unit } = state.channels[index];
        title.push({
          text: (width < 500 ? name.split(".").slice(-2).join(".") : name) + (unit ? `  ${unit}` : ""), left: left - 5, top: above - 26,
          textStyle: { fontSize: 13, fontWeight: 500, color: colours[index], overflow: "truncate", width: width - left - 20 },
        });
      }
    }
    return { grid, xAxis, yAxis, title };
  }

  const two = (number) => String(number).padStart(2, "0");

  // Since the start of what is shown, where two times lie over one another.
  function sinceText(time) {
    const seconds = Math.round((time - state.start) / 1000);
    const days = Math.floor(seconds / 86400), clock = new Date((seconds - days * 86400) * 1000).toISOString();
    return `+${days ? `${days} d ` : ""}${clock.slice(11, state.view[1] - state.view[0] <= 20 * 60000 ? 19 : 16)}`;
  }

  // Whole steps since the start, not of the clock.
  function sinceTicks(width) {
    const [first, last] = state.view, most = width < 500 ? 3 : 7;
    const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000];
    const step = 1000 * (steps.find((one) => (last - first) / 1000 / one <= most) ?? steps.at(-1));
    const ticks = [];
    for (let time = state.start + Math.ceil((first - state.start) / step) * step; time <= last; time += step) ticks.push(time);
    return ticks;
  }

  function timeText(time) {
    if (state.overMs) return sinceText(time);
    const date = new Date(time);
    const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
    const span = state.live ? state.windowS * 1000 : state.view[1] - state.view[0];
    if (span <= 20 * 60000) return `${clock}:${two(date.getUTCSeconds())}`;
    return span < 30 * 3600000 ? clock : `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())} ${clock}`;
  }

  function tooltip(items) {
    const shown = items.filter((one) => /^(line|then)/.test(one.seriesId) && one.value);
    if (!shown.length) return "";
    const dated = (time) => new Date(time).toISOString().replace("T", " ").slice(0, 23);
    const moment = shown[0].axisValue;
    const time = state.overMs ? `${sinceText(moment)}: ${dated(moment)}, over ${dated(moment - state.overMs)}` : dated(moment);
    const rows = shown.map((one) => {
      const { name, unit } = state.channels[Number(one.seriesId.slice(5))];
      const text = `${numberText(one.value[1])} ${unit}`;
      const whose = one.seriesId.startsWith("then") ? " (earlier)" : "";
      return `<div class="kw-tip">${one.marker}<span>${kittiwakeGrid.escape(name + whose)}</span><b>${kittiwakeGrid.escape(text)}</b></div>`;
    });
    return `<div class="kw-muted">${time} UTC</div>${rows.join("")}`;
  }

  function draw() {
    const drawn = chart();
    if (!drawn) return;
    const moment = now();
    const range = state.live ? [moment - state.windowS * 1000, moment] : [state.start, state.end];
    const colours = palette();
    // A value holds until the next one comes; in history nobody knows what came between.
    const hold = state.live ? moment : 0;
    const all = state.channels.flatMap(({ name }, index) => series(state.points[name] ?? [], index, colours[index % 8], hold));
    const panels = state.stacked ? state.channels.map((_, index) => index) : [0];
    const option = {
      animation: false, useUTC: true, backgroundColor: "transparent", textStyle: { fontFamily: "Roboto, sans-serif" },
      ...axes(range), series: all, axisPointer: { link: [{ xAxisIndex: "all" }] },
      tooltip: {
        trigger: "axis", formatter: tooltip, backgroundColor: colour("--kw-surface"), borderColor: colour("--kw-line"),
        textStyle: { color: colour("--kw-text"), fontSize: 13 }, confine: true, axisPointer: { lineStyle: { color: colour("--kw-muted") } },
      },
      legend: {
        show: !state.stacked, top: 0, left: 8, type: "scroll", textStyle: { color: colour("--kw-text") },
        data: state.channels.flatMap((one) => [one.name, ...(state.overMs ? [`${one.name} (earlier)`] : [])]),
      },
      dataZoom: state.live ? [] : [
        { type: "inside", xAxisIndex: panels, filterMode: "none", startValue: state.view[0], endValue: state.view[1] },
        {
          type: "slider", xAxisIndex: panels, filterMode: "none", height: 26, bottom: 8, showDataShadow: false,
          startValue: state.view[0], endValue: state.view[1], borderColor: colour("--kw-line"),
          fillerColor: colour("--kw-accent-soft"), textStyle: { color: colour("--kw-muted") }, labelFormatter: timeText,
          handleStyle: { borderColor: colour("--kw-accent"), color: colour("--kw-surface") }, brushSelect: false,
        },
      ],
    };
    const shape = JSON.stringify([state.live, state.stacked, state.overMs, state.channels.map((one) => one.name)]);
    drawn.setOption(option, { replaceMerge: shape === state.shape ? [] : ["grid", "xAxis", "yAxis", "series", "title", "dataZoom"], lazyUpdate: true });
    state.shape = shape;
    listen(drawn);
  }

  function listen(drawn) {
    if (drawn.kittiwakeListens) return;
    drawn.kittiwakeListens = true;
    drawn.on("datazoom", () => {
      if (!state || state.live) return;
      const zoom = drawn.getOption().dataZoom[0];
      state.view = [zoom.startValue, zoom.endValue];
      clearTimeout(state.timer);
      state.timer = setTimeout(load, DEBOUNCE_MS);
    });
    new ResizeObserver(() => draw()).observe(getElement(state.id).$el);
    new MutationObserver(() => draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  // The newest moment and the number of points of every channel, for whoever looks from outside.
  const summary = () => state && { view: state.view, range: chart()?.getOption().xAxis[0], points: state.channels.map(({ name }) => (state.points[name] ?? []).length),
    earlier: state.channels.map(({ name }) => (state.earlier[name] ?? []).length) };

  return { begin, push, save, summary };
})();
