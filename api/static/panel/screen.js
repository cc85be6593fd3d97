// What a state looks like. Nothing here knows where it comes from.

const $ = (id) => document.getElementById(id);
const MINUTE = 60_000;

// Only what differs is written: a screen reader speaks what changed, and the focus stays.
function setText(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

function clockFormat(zone) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
}

const ordinal = (n) => {
  const ending = n % 100 > 10 && n % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] ?? "th";
  return `${n}${ending}`;
};

function describeLocation(room) {
  const floor = room.floor === 0 ? "ground floor" : room.floor > 0 ? `${ordinal(room.floor)} floor` : "basement";
  const people = room.capacity === 1 ? "1 person" : `${room.capacity} people`;
  return [room.building, floor, people].filter(Boolean).join(" · ");
}

const awaited = (meeting, now) =>
  meeting?.check_in_until && Date.parse(meeting.check_in_from) <= now && now < Date.parse(meeting.check_in_until);

// The meeting at this door now: the one that runs, or the next once it may be checked in to. Of
// several units nobody has the door.
function getMeeting(state, now) {
  if (state.room.units > 1) return [state.current, state.next].find((one) => awaited(one, now)) ?? null;
  return state.current ?? (awaited(state.next, now) || state.status === "upcoming" ? state.next : null);
}

const STATUS_LABELS = { available: "Free", upcoming: "Free", due: "Check in", occupied: "Occupied", blocked: "Blocked", offline: "Closed" };

const countFree = (state) => (state.room.units > 1 ? `${state.free_units} of ${state.room.units}` : "");

// Meetings and blocks that are still to come, by start.
function listUpcoming(state, meeting, now) {
  const meetings = state.upcoming
    .filter((one) => one.id !== meeting?.id)
    .map((one) => ({ ...one, what: one.title || "Booked" }));
  const blocks = (state.blocked ?? [])
    .filter((one) => Date.parse(one.starts_at) > now)
    .map((one) => ({ ...one, what: "Blocked" }));
  return [...meetings, ...blocks].sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
}

// Everything that is shown, as plain values.
export function view(state, now) {
  const time = (text) => clockFormat(state.room.time_zone).format(Date.parse(text));
  const meeting = getMeeting(state, now);
  const due = state.status !== "offline" && awaited(meeting, now);
  const kind = due ? "due" : state.status;
  const left = due ? Math.max(1, Math.ceil((Date.parse(meeting.check_in_until) - now) / MINUTE)) : 0;
  const free = state.status === "available" || state.status === "upcoming";
  const room = state.free_until ? Date.parse(state.free_until) - now : Infinity;
  const until = {
    available: countFree(state) || (state.free_until ? `until ${time(state.free_until)}` : "rest of the day"),
    upcoming: state.free_until ? `until ${time(state.free_until)}` : "",
    due: meeting && (state.current ? `booked until ${time(meeting.ends_at)}` : `begins ${time(meeting.starts_at)}`),
    occupied: countFree(state) || (meeting && `until ${time(meeting.ends_at)}`),
    blocked: state.blocked?.[0] && `until ${time(state.blocked[0].ends_at)}`,
    offline: "not in use",
  }[kind];
  return {
    kind,
    label: STATUS_LABELS[kind],
    until,
    title: meeting ? meeting.title || "Booked" : "",
    who: meeting ? `${meeting.organizer}${kind === "upcoming" ? `, from ${time(meeting.starts_at)}` : ""}` : "",
    note: due ? `Within ${left} ${left === 1 ? "minute" : "minutes"}, or the room is given to others` : "",
    checkIn: due ? meeting.id : null,
    end: state.room.units === 1 && state.current?.may_end ? state.current.id : null,
    minutes: free ? room / MINUTE : 0,
    upcoming: listUpcoming(state, meeting, now)
      .map((one) => ({ time: `${time(one.starts_at)} – ${time(one.ends_at)}`, what: one.what })),
  };
}

export const UNKNOWN = {
  kind: "unknown", label: "Unknown", until: "no connection", title: "", who: "",
  note: "Whether this room is free is not known now.", checkIn: null, end: null, minutes: 0, upcoming: [],
};

export function draw(shown, room) {
  document.body.dataset.state = shown.kind;
  setText("room", room?.name ?? "");
  setText("location", room ? describeLocation(room) : "");
  for (const id of ["label", "until", "title", "who", "note"]) setText(id, shown[id]);
  $("check-in").hidden = shown.checkIn === null;
  $("end").hidden = shown.end === null;
  for (const button of document.querySelectorAll(".book")) {
    // a tap takes a moment to arrive; a slot that ends within it is not offered
    button.hidden = Number(button.dataset.minutes) > shown.minutes + 0.02;
  }
  const rows = shown.kind === "unknown" ? [] : shown.upcoming.slice(0, 5);
  const drawn = JSON.stringify([shown.kind === "unknown", rows]);
  if ($("upcoming").dataset.drawn !== drawn) {
    $("upcoming").dataset.drawn = drawn;
    $("upcoming").replaceChildren(...rows.map(line), ...(rows.length ? [] : [nothing(shown.kind)]));
  }
}

function line({ time, what }) {
  const item = document.createElement("li");
  for (const [name, text] of [["time", time], ["what", what]]) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = text;
    item.append(part);
  }
  return item;
}

function nothing(kind) {
  const item = document.createElement("li");
  item.className = "nothing";
  item.textContent = kind === "unknown" ? "Not known" : "Nothing more";
  return item;
}

export function drawClock(now, zone) {
  setText("clock", now ? clockFormat(zone).format(now) : "");
}

const LINK_LABELS = {
  live: () => "Live",
  reading: () => "Live updates are away; reading every few seconds",
  lost: (since) => `No connection since ${since}`,
};

export function drawLink(kind, since) {
  $("link").dataset.link = kind;
  setText("link", LINK_LABELS[kind](since));
}

export function showMessage(text) {
  setText("message", text);
}
