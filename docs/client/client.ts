/** Holdfast as TypeScript knows it: every path, body, answer and problem is typed. */

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./v1.js";

export type Booking = components["schemas"]["Booking"];
export type Problem = components["schemas"]["Problem"];
export type Holdfast = Client<paths>;

/** Nobody yet: signs in with `signIn`. */
export function connect(baseUrl: string): Holdfast {
  return createClient<paths>({ baseUrl });
}

/** From now on this client is that person. Returns the refresh token, which is good once. */
export async function signIn(holdfast: Holdfast, email: string, password: string): Promise<string> {
  const { data, error } = await holdfast.POST("/api/v1/auth/login/", { body: { email, password } });
  if (!data) throw new Refusal(error);
  holdfast.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${data.access}`);
    },
  });
  return data.refresh;
}

/** An answer that is none: what is the matter is in `problem.code`. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

/** The data of an answer; throws `Refusal`. */
export function got<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error) throw new Refusal(answer.error);
  return answer.data as T;
}
