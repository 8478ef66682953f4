// The tables of channels and of events. Rows come from the server; filters, ages and colours are worked out here.
"use strict";
window.kittiwakeGrid = (() => {
  const NARROW = 700;
  const now = () => kittiwake.now();
  const escape = (text) => {
    const made = document.createElement("span");
    made.textContent = text;
    return made.innerHTML;
  };

  function ageText(receivedUs) {
    if (!receivedUs) return "";
    const seconds = Math.max(0, Math.floor((now() - receivedUs / 1000) / 1000));
    if (seconds < 120) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 120) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }

  // `Topology.instance.` dimmed before the channel's or the event's own name.
  const nameHtml = (name) => {
    const parts = name.split("."), own = parts.pop(), near = parts.pop() ?? "";
    const far = parts.length ? parts.join(".") + "." : "";
    return `<span class="kw-path" title="${escape(name)}"><span class="kw-far">${escape(far)}</span>` +
      `<span class="kw-near">${escape(near && near + ".")}</span><b>${escape(own)}</b></span>`;
  };

  const limitHtml = (row) => {
    const now = row.a ? `<span class="kw-limit kw-limit-${row.a}">${row.a}</span>` : "";
    const latched = row.l
      ? `<span class="kw-latched kw-limit kw-limit-${row.l}" title="It was ${row.l}; acknowledge it">⚑ ${row.l}</span>`
      : "";
    // Where nothing is wrong, what would be.
    return now + latched || `<span class="kw-muted" title="${escape(row.t)}">${escape(row.t)}</span>`;
  };

  const eventHtml = (row) =>
    `<div class="kw-event-row"><div><span class="kw-muted">${escape(row.t)}</span> <span class="kw-severity kw-${row.s}">` +
    `${row.s}</span> <b>${escape(row.n.slice(row.n.lastIndexOf(".") + 1))}</b></div><div>${escape(row.x)}</div></div>`;

  // `columns` by name: shown when the table is narrow (true), when it is wide (false), or always (left out).
  function fit(api, width, columns) {
    const narrow = width < NARROW;
    api.setColumnsVisible(Object.keys(columns).filter((name) => columns[name] === narrow), true);
    api.setColumnsVisible(Object.keys(columns).filter((name) => columns[name] !== narrow), false);
  }

  const compareNumbers = (one, other, rowOne, rowOther) => {
    const left = rowOne.data.v, right = rowOther.data.v;
    if (typeof left === "number" && typeof right === "number") return left - right;
    return String(one).localeCompare(String(other), "en", { numeric: true });
  };

  const filter = { text: "", name: "", kind: "all", severities: null }; // a page has one table
  const has = (text, part) => text.toLowerCase().includes(part.toLowerCase());
  const wordsIn = (text, words) => words.split(/\s+/).every((word) => has(text, word));

  function passesChannel(row) {
    if (filter.kind === "valued" && !row.r) return false;
    if (filter.kind === "alarms" && !row.a && !row.l) return false;
    return wordsIn(`${row.n} ${row.x} ${row.u}`, filter.text);
  }

  function passesEvent(row) {
    if (filter.severities && !filter.severities.includes(row.s)) return false;
    return wordsIn(row.n, filter.name) && wordsIn(row.x, filter.text);
  }

  function change(id, part) {
    Object.assign(filter, part);
    const api = getElement(id)?.api;
    api?.onFilterChanged();
    count(id);
  }

  const typed = (id, field, text) => change(id, { [field]: text || "" });

  function count(id) {
    const api = getElement(id)?.api, shown = document.getElementById("kw-count");
    if (!api || !shown) return;
    let all = 0;
    api.forEachNode(() => all++);
    const visible = api.getDisplayedRowCount();
    shown.textContent = visible === all ? `${all}` : `${visible} of ${all}`;
  }

  function update(id, rows) {
    const api = getElement(id)?.api;
    if (!api) return;
    if (rows.length) api.applyTransaction({ update: rows });
    api.refreshCells({ columns: ["age"] });
  }

  function addEvents(id, rows, most) {
    const api = getElement(id)?.api;
    if (!api) return;
    const known = rows.filter((row) => !api.getRowNode(row.i));
    api.applyTransaction({ add: known.reverse(), addIndex: 0 });
    const old = [];
    api.forEachNode((node, index) => { if (index >= most) old.push(node.data); });
    if (old.length) api.applyTransaction({ remove: old });
    count(id);
  }

  // Text that a spreadsheet would take for a formula gets a quote before it.
  const cell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;

  async function copyCsv(id) {
    const lines = ["time,severity,name,text"];
    getElement(id).api.forEachNodeAfterFilterAndSort(({ data }) => {
      lines.push([data.d ? `${data.d}T${data.t}Z` : data.t, data.s, data.n, data.x].map(cell).join(","));
    });
    const text = lines.join("\n") + "\n";
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    return lines.length - 1;
  }

  return { ageText, nameHtml, limitHtml, eventHtml, escape, fit, compareNumbers, passesChannel, passesEvent, change, typed, count,
    update, addEvents, copyCsv };
})();
