// Drags bookings on the board to another time or place, through the form that is below it.
const form = document.querySelector("[data-move]");
const board = document.querySelector("[data-board]");
let dragged = null;

document.querySelector("[data-go]")?.addEventListener("change", (event) => {
  location.href = event.target.value;
});

// A column of the week is a date, and the time of day stays; one of the day is an hour, and the
// minutes stay.
const getStart = (at, from) => (at.length === 10 ? at + from.slice(10) : at + from.slice(13));

const clear = () => board.querySelectorAll(".over").forEach((cell) => cell.classList.remove("over"));

if (form && board) {
  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-booking]");
    event.dataTransfer?.setData("text/plain", dragged?.dataset.booking ?? "");
  });
  board.addEventListener("dragover", (event) => {
    const cell = event.target.closest("[data-at]");
    if (!dragged || !cell) return;
    event.preventDefault();
    clear();
    cell.classList.add("over");
  });
  board.addEventListener("dragend", clear);
  board.addEventListener("drop", (event) => {
    const cell = event.target.closest("[data-at]");
    if (!dragged || !cell) return;
    event.preventDefault();
    fill(dragged, getStart(cell.dataset.at, dragged.dataset.from), cell.dataset.resource);
    form.requestSubmit();
  });
  form.elements.booking.addEventListener("change", choose);
  choose();
}

function fill(chip, start, resource) {
  form.elements.booking.value = chip.dataset.booking;
  form.elements.starts_at.value = start;
  form.elements.resource.value = resource;
}

// The form begins with where the chosen booking is.
function choose() {
  const chip = board.querySelector(`[data-booking="${form.elements.booking.value}"]`);
  if (chip) fill(chip, chip.dataset.from, chip.closest("[data-resource]").dataset.resource);
}
