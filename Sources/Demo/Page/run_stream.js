// One question and its stream: opens the EventSource, follows its life, and closes it when the answer has ended.

/** What the status light says; also what people read. */
export const Status = Object.freeze({
  idle: 'not connected',
  connecting: 'connecting',
  connected: 'connected',
  failed: 'failed',
});

/** Events of the gateway itself; an EventSource fires them under their own name. */
const gatewayEvents = ['sluice.gap', 'sluice.busy', 'sluice.evicted', 'sluice.expired'];

/** Those after which the gateway wants nobody to come back, and the reasons they stand for. */
const farewells = { 'sluice.evicted': 'evicted', 'sluice.expired': 'expired' };

/** An event as the rest of the page sees it. The id is `<run>.<sequence>`. */
function read(message) {
  const dot = message.lastEventId.lastIndexOf('.');
  const event = {
    run: message.lastEventId.slice(0, Math.max(dot, 0)),
    sequence: message.lastEventId.slice(dot + 1),
    kind: message.type,
    raw: message.data,
    payload: null,
  };
  try {
    event.payload = JSON.parse(event.raw);
  } catch {
    // Not JSON; the raw text is still worth a line in the log.
  }
  if (message.type === 'message') event.kind = kindOf(event);
  return event;
}

/** What an event without a name of its own is, by its data. */
function kindOf({ raw, payload }) {
  if (raw === '[DONE]') return 'completed';
  if (typeof payload?.event === 'string') return payload.event;
  return Array.isArray(payload?.choices) ? 'response_chunk' : 'message';
}

/**
 * The stream of one run at a time.
 *
 * It calls `changed(status)` at every turn of the connection, `arrived(event)` for each event, and once per run
 * `ended(reason, event)`: `completed` or `error` with the event that said so, `evicted` or `expired` likewise, `refused`
 * if the browser gave up, `stopped` if the reader did.
 */
export class RunStream {
  #source = null;
  #run = '';
  #changed;
  #arrived;
  #ended;

  constructor({ changed, arrived, ended }) {
    this.#changed = changed;
    this.#arrived = arrived;
    this.#ended = ended;
  }

  /** Whether a run is under way, connected or not. */
  get isRunning() {
    return this.#source !== null;
  }

  /** Begins a run; one that is under way is stopped first. */
  start(message) {
    this.stop();
    this.#run = '';
    this.#open(`/process/stream?${new URLSearchParams({ message })}`);
  }

  /** Joins a run from its first event: after a reload, or in a second tab. */
  join(run) {
    this.leave();
    this.#run = run;
    this.#open(`/_sluice/runs/${run}`);
  }

  #open(address) {
    const source = new EventSource(address);
    this.#source = source;
    this.#changed(Status.connecting);
    source.onopen = () => this.#changed(Status.connected);
    source.onmessage = (message) => this.#take(message);
    for (const name of gatewayEvents) source.addEventListener(name, (message) => this.#take(message));
    source.onerror = () => {
      // Anything but CLOSED is a dropped connection: EventSource comes back by itself and names the last event it saw.
      if (source.readyState === EventSource.CLOSED) this.#end('refused', Status.failed);
      else this.#changed(Status.connecting);
    };
  }

  /** Ends the run at the reader's wish, for every reader: going away alone would let it linger. */
  stop() {
    if (!this.isRunning) return;
    // Where it can't be said any more, the run ends by itself soon after its last reader.
    if (this.#run) fetch(`/_sluice/runs/${this.#run}`, { method: 'DELETE', keepalive: true }).catch(() => {});
    this.#end('stopped', Status.idle);
  }

  /** Goes away; the run may be joined again. */
  leave() {
    this.#source?.close();
    this.#source = null;
  }

  #take(message) {
    const event = read(message);
    // A busy gateway has begun no run yet.
    if (event.run) this.#run = event.run;
    this.#arrived(event);
    if (event.kind === 'completed') this.#end('completed', Status.idle, event);
    if (event.kind === 'error') this.#end('error', Status.failed, event);
    if (Object.hasOwn(farewells, event.kind)) this.#end(farewells[event.kind], Status.failed, event);
  }

  /** Closes before it tells: an open EventSource would take the end of the body for a dropped connection. */
  #end(reason, status, event = null) {
    this.#source.close();
    this.#source = null;
    this.#changed(status);
    this.#ended(reason, event);
  }
}
