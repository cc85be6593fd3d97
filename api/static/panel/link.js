// The connection of a panel: pushed to by WebSocket, polling over HTTP while there is none, and
// "lost" when neither answers, so that no stale state is shown.

const HEARTBEAT_TIMEOUT = 6_000; // ms; the server sends a heartbeat every 2 s
const POLL_INTERVAL = 3_000; // while there is no socket
const FETCH_TIMEOUT = 4_000; // ms
const RETRY_DELAYS = [500, 1_000, 2_000, 4_000, 8_000];

export class Link {
  // callbacks: { state(state), link("live" | "reading" | "lost"), revoked(), now() }
  constructor(token, callbacks) {
    this.token = token;
    this.callbacks = callbacks;
    this.version = null;
    this.receivedAt = 0;
    this.readAt = 0;
    this.tries = 0;
    this.socket = null;
    this.ended = false;
    this.changes = 0;
  }

  start() {
    this.read();
    this.open();
    this.timer = setInterval(() => this.checkConnection(), 500);
    addEventListener("online", () => this.checkConnection());
    addEventListener("offline", () => this.callbacks.link("lost"));
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
    socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    socket.onclose = () => this.onClose(socket);
  }

  onMessage(message) {
    this.receivedAt = performance.now();
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
    this.callbacks.link("live");
  }

  onClose(socket) {
    if (socket !== this.socket || this.ended) return;
    this.socket = null;
    this.version = null;
    this.receivedAt = 0;
    this.read(); // over HTTP a revoked token is answered with 401
    const wait = RETRY_DELAYS[Math.min(this.tries++, RETRY_DELAYS.length - 1)];
    setTimeout(() => this.open(), wait * (0.7 + 0.6 * Math.random()));
  }

  get live() {
    return this.socket !== null && performance.now() - this.receivedAt < HEARTBEAT_TIMEOUT;
  }

  checkConnection() {
    if (this.ended || this.live) return;
    if (this.socket?.readyState === WebSocket.OPEN && this.receivedAt) {
      const silent = this.socket;
      this.callbacks.link("lost");
      this.onClose(silent);
      silent.close();
    }
    if (performance.now() - this.readAt >= POLL_INTERVAL) this.read();
  }

  async read() {
    this.readAt = performance.now();
    const { status, body } = await this.call("GET", "state/");
    if (this.ended) return;
    if (status === 200) {
      this.show(body);
      if (!this.live) this.callbacks.link("reading");
    } else if (status === 401) {
      this.callbacks.revoked();
    } else if (!this.live) {
      this.callbacks.link("lost");
    }
  }

  show(state) {
    this.callbacks.state(state);
    // when time alone changes the state, it is read again: a little later, not all at once
    clearTimeout(this.changes);
    const wait = Math.max(0, Date.parse(state.changes_at) - this.callbacks.now());
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
        signal: AbortSignal.timeout(FETCH_TIMEOUT),
      });
      return { status: answer.status, body: await answer.json() };
    } catch {
      return { status: 0, body: null };
    }
  }
}
