// The connection of a panel: live by WebSocket, by reading while that is away, and honest about
// what it does not know. The rule: a state is shown as long as something vouches for it, then not.

const BEATS = 6_000; // ms without a word after which the socket counts as dead; it beats every 2 s
const READ_EVERY = 3_000; // while there is no socket
const PATIENCE = 4_000; // for an answer over HTTP
const RETRY = [500, 1_000, 2_000, 4_000, 8_000];

export class Link {
  // told: { state(state), link("live" | "reading" | "lost"), revoked(), now() }
  constructor(token, told) {
    this.token = token;
    this.told = told;
    this.version = null;
    this.heardAt = 0;
    this.readAt = 0;
    this.tries = 0;
    this.socket = null;
    this.ended = false;
    this.changes = 0;
  }

  start() {
    this.read();
    this.open();
    this.timer = setInterval(() => this.look(), 500);
    addEventListener("online", () => this.look());
    addEventListener("offline", () => this.told.link("lost"));
  }

  end() {
    this.ended = true;
    clearInterval(this.timer);
    clearTimeout(this.changes);
    this.socket?.close();
  }

  open() {
    if (this.ended) return;
    const url = new URL("/api/v1/panels/ws/", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    // as a subprotocol the token stays out of addresses, and so out of logs
    const socket = new WebSocket(url, ["panel", this.token]);
    this.socket = socket;
    socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    socket.onclose = () => this.lost(socket);
  }

  hear(message) {
    this.heardAt = performance.now();
    this.tries = 0;
    if (message.type === "state") {
      // whatever is not the next version means that something was missed: read it
      const gap = this.version !== null && message.version - this.version !== 1;
      const older = this.version !== null && message.version < this.version;
      this.version = message.version;
      if (!older) this.show(message.state);
      if (gap) this.read();
    } else if (message.type === "beat" && message.version !== this.version) {
      this.version = message.version;
      this.read();
    }
    this.told.link("live");
  }

  lost(socket) {
    if (socket !== this.socket || this.ended) return;
    this.socket = null;
    this.version = null;
    this.heardAt = 0;
    this.read(); // also when the token was revoked: the last word on it is had over HTTP
    const wait = RETRY[Math.min(this.tries++, RETRY.length - 1)];
    setTimeout(() => this.open(), wait * (0.7 + 0.6 * Math.random()));
  }

  get live() {
    return this.socket !== null && performance.now() - this.heardAt < BEATS;
  }

  look() {
    if (this.ended || this.live) return;
    if (this.socket?.readyState === WebSocket.OPEN && this.heardAt) {
      const silent = this.socket;
      this.told.link("lost");
      this.lost(silent);
      silent.close();
    }
    if (performance.now() - this.readAt >= READ_EVERY) this.read();
  }

  async read() {
    this.readAt = performance.now();
    const { status, body } = await this.call("GET", "state/");
    if (this.ended) return;
    if (status === 200) {
      this.show(body);
      if (!this.live) this.told.link("reading");
    } else if (status === 401) {
      this.told.revoked();
    } else if (!this.live) {
      this.told.link("lost");
    }
  }

  show(state) {
    this.told.state(state);
    // when time alone changes the state, it is read again: a little later, not all at once
    clearTimeout(this.changes);
    const wait = Math.max(0, Date.parse(state.changes_at) - this.told.now());
    this.changes = setTimeout(() => this.read(), Math.min(wait + 100 + 400 * Math.random(), 2 ** 31 - 1));
  }

  // Resolves to { status, body } and never rejects; status 0: nobody answered.
  async call(method, path, body) {
    try {
      const answer = await fetch(`/api/v1/panels/${path}`, {
        method,
        headers: { Authorization: `Panel ${this.token}`, ...(body && { "Content-Type": "application/json" }) },
        body: body && JSON.stringify(body),
        cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE),
      });
      return { status: answer.status, body: await answer.json() };
    } catch {
      return { status: 0, body: null };
    }
  }
}
