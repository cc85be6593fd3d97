// The page beside the door: pairs once, then shows its room. Reading order: start, pair, run.

import { Link } from "./link.js";
import { UNKNOWN, draw, drawClock, drawLink, showMessage, view } from "./screen.js";

const $ = (id) => document.getElementById(id);
const TOKEN_KEY = "holdfast.panel.token";

function start() {
  const token = localStorage.getItem(TOKEN_KEY);
  if (token) run(token);
  else askForCode("");
}

// pairing

function askForCode(why) {
  document.body.dataset.state = "pairing";
  $("panel").hidden = true;
  $("pairing").hidden = false;
  $("pairing-message").textContent = why;
  $("code").focus();
}

$("pairing").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? $("pairing").querySelector("button");
  button.disabled = true;
  const { status, body } = await new Link("", {}).call("POST", "pair/", { code: $("code").value });
  button.disabled = false;
  if (status === 200) {
    localStorage.setItem(TOKEN_KEY, body.token);
    $("code").value = "";
    run(body.token);
  } else {
    const why = { 0: "No connection. Try again.", 429: "Too many wrong codes. Wait a while." };
    $("pairing-message").textContent = why[status] ?? "This code is not valid. Codes live for ten minutes.";
    $("code").select();
  }
});

// running

function run(token) {
  $("pairing").hidden = true;
  $("panel").hidden = false;
  let state = null;
  let known = false;
  let ahead = []; // how far the server's clock is ahead of ours, in ms, by the last states
  let lostAt = null;

  const now = () => Date.now() + Math.max(...ahead); // a state may have been read a while ago
  const redraw = () => {
    draw(state && known ? view(state, now()) : UNKNOWN, state?.room);
    drawClock(state ? now() : null, state?.room.time_zone);
  };

  const link = new Link(token, {
    now,
    state(found) {
      ahead = [Date.parse(found.at) - Date.now(), ...ahead].slice(0, 8);
      state = found;
      known = true;
      redraw();
    },
    link(kind) {
      if (kind === "lost" && lostAt === null) lostAt = new Date();
      if (kind !== "lost") lostAt = null;
      known = kind !== "lost" && state !== null;
      const zone = state?.room.time_zone;
      const since = lostAt?.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
      drawLink(kind, since);
      redraw();
    },
    revoked() {
      link.end();
      clearInterval(timer);
      localStorage.removeItem(TOKEN_KEY);
      askForCode("This panel was unpaired.");
    },
  });

  async function post(path, body) {
    const buttons = document.querySelectorAll("#actions button");
    for (const button of buttons) button.disabled = true;
    showMessage("");
    const { status, body: answer } = await link.call("POST", path, body);
    for (const button of buttons) button.disabled = false;
    if (status === 200 || status === 201) link.show(answer);
    else {
      showMessage(status === 0 ? "No answer. Nothing may have happened; look again." : answer?.detail ?? "That did not work.");
      setTimeout(() => showMessage(""), 6_000);
      link.read();
    }
  }

  $("check-in").onclick = () => post("check-in/", { booking: view(state, now()).checkIn });
  $("end").onclick = () => post("end/", { booking: view(state, now()).end });
  for (const button of document.querySelectorAll(".book")) {
    button.onclick = () => post("book/", { minutes: Number(button.dataset.minutes) });
  }

  const timer = setInterval(redraw, 1_000);
  redraw();
  link.start();
  keepAwake();
}

async function keepAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // the tablet decides
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !$("panel").hidden) keepAwake();
});

start();
