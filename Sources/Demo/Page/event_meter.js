// How many events a stream has brought, how fast, and for how long.

const bucketMilliseconds = 100;
const bucketsPerSecond = 10;

/** Counts one stream at a time; every time is in milliseconds of one monotonic clock. */
export class EventMeter {
  #count = 0;
  #opened = null;
  #closed = null;
  /** The events of the last second, in tenths of it; `#newest` is the number of the tenth that is being filled. */
  #buckets = new Uint32Array(bucketsPerSecond);
  #newest = 0;

  /** Begins at zero. */
  reset() {
    this.#count = 0;
    this.#opened = null;
    this.#closed = null;
    this.#buckets.fill(0);
  }

  /** The stream has opened; a reconnect does not begin it anew. */
  open(now) {
    this.#opened ??= now;
  }

  /** The stream has ended. */
  close(now) {
    this.#closed = now;
  }

  /** An event has arrived. */
  add(now) {
    this.#turn(now);
    this.#count += 1;
    this.#buckets[this.#newest % bucketsPerSecond] += 1;
  }

  /** All events of the stream. */
  get count() {
    return this.#count;
  }

  /** The events of the last second; none after the end. */
  rate(now) {
    if (this.#closed !== null) return 0;
    this.#turn(now);
    return this.#buckets.reduce((sum, events) => sum + events, 0);
  }

  /** How long the stream has been open, or was, in milliseconds. */
  uptime(now) {
    return this.#opened === null ? 0 : (this.#closed ?? now) - this.#opened;
  }

  #turn(now) {
    const current = Math.floor(now / bucketMilliseconds);
    const passed = Math.min(current - this.#newest, bucketsPerSecond);
    for (let step = 0; step < passed; step += 1) this.#buckets[(current - step) % bucketsPerSecond] = 0;
    this.#newest = current;
  }
}

/** A duration as a clock shows it: `0:07`, `12:30`, `1:00:00`. */
export function clockText(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const pair = (value) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours > 0 ? `${hours}:${pair(minutes)}` : minutes}:${pair(seconds % 60)}`;
}
