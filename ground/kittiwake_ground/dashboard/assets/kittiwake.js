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

  const showClock = () => {
    const clock = document.getElementById("kw-clock");
    if (clock) clock.textContent = new Date(Date.now() + kittiwake.clockOffset).toISOString().slice(11, 19) + " UTC";
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

  return { clockOffset: 0, setClock, toggleDark, logIn, logOut };
})();
