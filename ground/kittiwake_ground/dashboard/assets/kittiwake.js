// What the dashboard does in the browser itself: clock, keyboard, theme, log-in.
"use strict";
window.kittiwake = (() => {
  const isTyping = (element) =>
    element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);

  // An element with data-key="x" is what the key x presses; a field gets the focus instead.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!found) return;
    event.preventDefault();
    const field = found.matches("input, textarea") ? found : found.querySelector("input, textarea");
    if (field) field.focus();
    else found.click();
  });

  // The page's address says what it was narrowed down to, so that it can be kept and passed on.
  function rememberQuery(values) {
    const address = new URL(location.href);
    for (const [name, value] of Object.entries(values)) {
      if (value) address.searchParams.set(name, value);
      else address.searchParams.delete(name);
    }
    history.replaceState(history.state, "", address);
  }

  // The time that the page shows: the ground station's, or that of a replay, which goes on at its speed.
  const now = () => past
    ? past.at + (past.paused ? 0 : Math.min((performance.now() - past.since) * past.speed, 3000 * past.speed))
    : Date.now() + kittiwake.clockOffset;
  let past = null;

  // setPast({at, speed, paused}): this page shows the past. The server says so again and again.
  function setPast(state) {
    const isFirst = !past;
    past = { ...state, since: performance.now() };
    if (isFirst) {
      setInterval(showPast, 250);
      setInterval(rememberPast, 2000);
    }
    showPast();
  }

  const dateText = (time) => new Date(time).toISOString().slice(0, 19).replace("T", " ") + " UTC";

  function showPast() {
    const shown = document.getElementById("kw-past-time"), slider = document.getElementById("kw-past-slider");
    if (!shown || !slider) return;
    const moment = now();
    if (!slider.held) shown.textContent = dateText(moment) + (past.paused ? ", paused" : "");
    if (moment > Number(slider.max)) {
      slider.min = moment;
      slider.max = moment + 3600000;
    }
    if (!slider.held) slider.value = moment;
    showClock();
  }

  // The slider leads to another time once it is let go.
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "kw-past-slider") return;
    target.held = true;
    document.getElementById("kw-past-time").textContent = dateText(Number(target.value));
  }, true);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "kw-past-slider") location.assign(pastPlace(location.href, Number(target.value)));
  }, true);

  // An address with the time of the replay in it.
  function pastPlace(address, moment) {
    const url = new URL(address, location.href), slider = document.getElementById("kw-past-slider");
    url.searchParams.set("at", new Date(moment ?? now()).toISOString());
    url.searchParams.set("speed", past.speed);
    if (past.paused) url.searchParams.set("paused", "1");
    else url.searchParams.delete("paused");
    if (slider) url.searchParams.set("from", Math.round(Number(slider.min)) * 1000);
    return url.href;
  }

  const rememberPast = () => history.replaceState(null, "", pastPlace(location.href));

  // Links to other pages lead to the same time.
  for (const kind of ["mousedown", "click"]) {
    document.addEventListener(kind, (event) => {
      const link = past && event.target.closest?.('a[href^="/d/"]');
      if (link && !link.classList.contains("kw-to-live") && !link.dataset.at) link.href = pastPlace(link.href);
    }, true);
  }

  const showClock = () => {
    const clock = document.getElementById("kw-clock");
    if (clock) clock.textContent = new Date(now()).toISOString().slice(11, 19) + " UTC";
  };
  setInterval(showClock, 1000);
  document.addEventListener("DOMContentLoaded", () => setTimeout(showClock, 300));

  // Ages count by the ground station's clock; what a page takes to load is no difference of clocks.
  function setClock(groundMs) {
    const offset = groundMs - Date.now();
    kittiwake.clockOffset = Math.abs(offset) > 3000 ? offset : 0;
  }

  function toggleDark() {
    Quasar.Dark.toggle();
    const theme = Quasar.Dark.isActive ? "dark" : "light";
    document.cookie = `kittiwake_theme=${theme}; path=/; max-age=31536000; samesite=strict`;
    document.dispatchEvent(new Event("kittiwake-theme"));
  }

  function logIn(form) {
    const fault = document.getElementById("log-in-fault");
    fault.textContent = "";
    const body = JSON.stringify({ name: form.elements.name.value, password: form.elements.password.value });
    fetch("/api/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body })
      .then(async (answer) => {
        if (answer.ok) location.reload();
        else fault.textContent = (await answer.json()).detail;
      })
      .catch(() => { fault.textContent = "the ground station does not answer"; });
    return false;
  }

  async function logOut() {
    const who = await (await fetch("/api/v1/session")).json();
    await fetch("/api/v1/session", { method: "DELETE", headers: { "X-CSRF-Token": who.csrf_token || "" } });
    location.reload();
  }

  return {
    clockOffset: 0, now, setClock, setPast, pastPlace, isPast: () => Boolean(past), rememberQuery, toggleDark, logIn, logOut,
  };
})();
