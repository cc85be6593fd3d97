/**
 * Signs in, looks for a free hour, books it, is refused the same hour once more, takes what was
 * offered instead, and cancels both.
 *
 *     node built/example.js http://127.0.0.1:8000 user@example.com holdfast-demo
 */

import { randomUUID } from "node:crypto";

import { type Booking, type Holdfast, Refusal, connect, got, signIn } from "./client.js";

const [url = "http://127.0.0.1:8000", email = "user@example.com", password = "holdfast-demo"] =
  process.argv.slice(2);
const DAY = 24 * 3600 * 1000;
const HOUR = 3600 * 1000;

interface Slot {
  starts_at: string;
  ends_at: string;
}

/** The first free hour from the day after tomorrow on, and where. */
async function findFreeHour(holdfast: Holdfast): Promise<[number, Slot]> {
  const rooms = got(
    await holdfast.GET("/api/v1/resources/", { params: { query: { venue: "circletime" } } }),
  );
  const start = new Date(Math.ceil(Date.now() / HOUR) * HOUR + 2 * DAY).toISOString();
  const end = new Date(Date.parse(start) + 2 * DAY).toISOString();
  for (const room of rooms.results) {
    const { free } = got(
      await holdfast.GET("/api/v1/resources/{id}/availability/", {
        params: { path: { id: room.id }, query: { start, end, duration: "01:00:00" } },
      }),
    );
    for (const { starts_at } of free) {
      const ends_at = new Date(Date.parse(starts_at) + HOUR).toISOString();
      console.log(`${room.name} is free at ${starts_at}`);
      return [room.id, { starts_at, ends_at }];
    }
  }
  throw new Error("no room is free for an hour");
}

/** With a key of its own a request may be sent again until it is answered: it is done once. */
async function book(holdfast: Holdfast, resource: number, slot: Slot, key: string) {
  return await holdfast.POST("/api/v1/bookings/", {
    body: { resource, ...slot, title: "Planning" },
    headers: { "Idempotency-Key": key },
  });
}

/** Books the slot or, where somebody was faster, the nearest one that is offered instead. */
async function bookNear(holdfast: Holdfast, resource: number, slot: Slot): Promise<Booking> {
  const { data, error } = await book(holdfast, resource, slot, randomUUID());
  if (data) return data;
  const [nearest] = error.alternatives ?? [];
  if (error.code !== "slot_taken" || !nearest) throw new Refusal(error);
  console.log(`taken, and ${nearest.starts_at} is offered instead`);
  return got(await book(holdfast, resource, nearest, randomUUID()));
}

async function main(): Promise<void> {
  const holdfast = connect(url);
  const refresh = await signIn(holdfast, email, password);
  const [room, slot] = await findFreeHour(holdfast);

  const key = randomUUID();
  const first = got(await book(holdfast, room, slot, key));
  const again = got(await book(holdfast, room, slot, key));
  console.log(`booked: ${first.id} is ${first.status}; sent twice it is still ${again.id}`);

  const second = await bookNear(holdfast, room, slot);
  console.log(`booked: ${second.id} at ${second.starts_at}`);

  for (const { id } of [first, second]) {
    const gone = got(
      await holdfast.POST("/api/v1/bookings/{id}/cancel/", { params: { path: { id } } }),
    );
    console.log(`cancelled: ${gone.id} is ${gone.status}`);
  }
  await holdfast.POST("/api/v1/auth/logout/", { body: { refresh } });
}

await main();
