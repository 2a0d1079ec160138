// Talks to the server that this page came from, and to nobody else.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function checked(response) {
  if (response.ok) return response;
  let message = `${response.status} ${response.statusText}`;
  try {
    const text = await response.text();
    try { message = JSON.parse(text).error ?? text; } catch { message = text || message; }
  } catch { /* the status says enough */ }
  throw new ApiError(response.status, message.trim());
}

export async function getJson(path, signal) {
  return (await checked(await fetch(path, { signal }))).json();
}

// Null where the server has nothing to say (204).
export async function getBytes(path, signal) {
  const response = await checked(await fetch(path, { signal }));
  return response.status === 204 ? null : { data: await response.arrayBuffer(), headers: response.headers };
}

export async function post(path, body = {}) {
  const headers = { "content-type": "application/json" };
  return (await checked(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }))).json();
}

// Sends the newest of many requests, one at a time: what comes while one is under way replaces what waits.
export class Latest {
  constructor(send, done, failed) {
    Object.assign(this, { send, done, failed, waiting: null, busy: false });
  }

  ask(what) {
    this.waiting = what;
    if (!this.busy) this.run();
  }

  drop() {
    this.waiting = null;
  }

  async run() {
    this.busy = true;
    while (this.waiting !== null) {
      const what = this.waiting;
      this.waiting = null;
      try { this.done(await this.send(what), what); } catch (error) { this.failed(error, what); }
    }
    this.busy = false;
  }
}

// Listens for what happens; comes back by itself when the server does.
export function listen(heard, lost) {
  let source;
  const open = () => {
    source = new EventSource("/api/events");
    source.onmessage = (event) => heard(JSON.parse(event.data));
    source.onerror = () => {
      source.close();
      lost();
      setTimeout(open, 700);
    };
  };
  open();
  addEventListener("pagehide", () => source.close());
}
