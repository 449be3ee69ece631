// sluice.js: event streams of a Sluice gateway in a browser. One module without dependencies; client.d.ts has its types.
//
// In reading order: what people import, the life of one stream, the text of an answer, errors in words, the parser, and
// the ways to a stream: EventSource, fetch, many streams over one connection (mux), one connection for all tabs
// (shared).
//
// Every way is a function `attempt(request, tell)` that returns a function to close it. It tells plain objects, so that
// one attempt may live in another tab or in a worker:
//   {kind: 'opened', run}              the answer has begun
//   {kind: 'id', id}                   an id that came without an event
//   {kind: 'event', type, id, data}
//   {kind: 'retry', milliseconds}      how long the gateway wants clients to wait
//   {kind: 'waiting'}                  cut off; it comes back by itself
// and then at most one of these, after which it is over:
//   {kind: 'over', clean, atOnce}      the answer ended; at once: the way is to be tried again without delay
//   {kind: 'finished'}                 204: there is nothing left, and never will be
//   {kind: 'refused', status, retryAfter, problem}
//   {kind: 'failed', text}             no answer at all
//   {kind: 'hidden'}                   refused, but the browser does not say how
//   {kind: 'unsupported'}              this way does not exist here

/** What a status light says. */
export const Status = Object.freeze({
  idle: 'not connected',
  connecting: 'connecting',
  connected: 'connected',
  failed: 'failed',
});

/**
 * Asks, and follows the answer: through cuts, restarts of the gateway and full limits, without a second run.
 *
 * @param {string | object} message the question, or all members of the request.
 * @param {object} callbacks `onRoutingStarted`, `onRoutingCompleted`, `onAgentExecutionStarted`, `onResponseChunk`,
 *   `onCompleted`, `onError`, `onStatus`, `onEvent`.
 * @param {object} options see client.d.ts.
 * @returns {MessageStream} the stream; its `done` never rejects.
 */
export function processMessageStream(message, callbacks = {}, options = {}) {
  const members = typeof message === 'string' ? { message } : message;
  return new MessageStream({ members }, callbacks, options);
}

/** Follows a run that was begun elsewhere: before a reload, in another tab. It is told from its first event. */
export function joinRun(run, callbacks = {}, options = {}) {
  return new MessageStream({ run }, callbacks, options);
}

// The life of one stream.

/** Events that the gateway speaks for itself. */
const gatewayTypes = ['sluice.gap', 'sluice.busy', 'sluice.evicted', 'sluice.expired'];
/** Types that an EventSource is told to listen for, because it has no way to listen for all. */
const usualTypes = ['routing_started', 'routing_completed', 'agent_execution_started', 'response_chunk', 'completed'];
const callbackNames = {
  routing_started: 'onRoutingStarted',
  routing_completed: 'onRoutingCompleted',
  agent_execution_started: 'onAgentExecutionStarted',
  completed: 'onCompleted',
};
/** Statuses after which another try makes sense. */
const passingStatuses = [408, 425, 429, 502, 503, 504];
/** The longest question in an address, in bytes once it is encoded: proxies commonly take lines of 8 KiB. */
const longestQuery = 6000;
/** How often a refusal that the browser hides is put to the test before it is believed. */
const allowedHiddenRefusals = 3;
/** The events of one picture, at most; more are told at once. */
const longestBatch = 1000;
const stopMilliseconds = 5000;

const defaults = {
  method: 'auto', transport: 'auto', credentials: 'same-origin', maxRetries: 10, history: 200, batch: true,
  idleTimeout: 90_000, backoff: { base: 500, cap: 30_000 }, eventTypes: [],
};

/** Streams that are under way: the page tells them that it goes away, comes back, or is online again. */
const underWay = new Set();

const pageTurns = {
  pagehide: () => {
    underWay.forEach((stream) => stream._suspend());
    endMuxes();
  },
  pageshow: () => underWay.forEach((stream) => stream._resume()),
  online: () => underWay.forEach((stream) => stream._hurry()),
};

function follow(stream) {
  if (underWay.size === 0) {
    for (const [name, turn] of Object.entries(pageTurns)) globalThis.addEventListener?.(name, turn);
  }
  underWay.add(stream);
}

function unfollow(stream) {
  if (!underWay.delete(stream) || underWay.size > 0) return;
  for (const [name, turn] of Object.entries(pageTurns)) globalThis.removeEventListener?.(name, turn);
}

/** One stream: what the functions above return. */
export class MessageStream {
  #callbacks;
  #options;
  #start;
  #key = '';
  #kind;
  #close = null;
  #turn = 0;
  #timer = null;
  #suspended = false;
  #asked = false;
  #ending = false;
  #over = false;

  #status = Status.idle;
  #run = '';
  #lastID = '';
  #sequence = 0;
  #failures = 0;
  #hiddenRefusals = 0;
  #renewed = false;
  #retry = null;

  #answer = new AnswerText();
  #history = [];
  #batch;
  #settle;

  /** Resolves to `{reason, text, run, error}` once the stream is over, whatever ended it. */
  done = new Promise((resolve) => { this.#settle = resolve; });
  /** Events, bytes of their data, new connections after the first, gaps that the gateway told of. */
  counters = { events: 0, bytes: 0, reconnects: 0, gaps: 0 };

  /** Use `processMessageStream` or `joinRun`. */
  constructor({ members, run }, callbacks, options) {
    this.#callbacks = callbacks;
    this.#options = { ...defaults, ...options, backoff: { ...defaults.backoff, ...options.backoff } };
    this.#batch = new Batch((events) => this.#deliver(events), this.#options.batch);
    this.#start = startOf(members, run, this.#options);
    this.#run = run ?? '';
    this.#lastID = options.lastEventId ?? '';
    if (members && options.idempotencyKey !== false) this.#key = options.idempotencyKey || randomKey();
    this.#kind = wayOf(this.#start, this.#options);
    follow(this);
    options.signal?.addEventListener('abort', this.#aborted);
    this.#status = Status.connecting;
    // Nothing is told before the caller has the stream in its hands.
    queueMicrotask(() => {
      if (options.signal?.aborted) this.#aborted();
      else if (!this.#ending) this.#begin();
    });
  }

  /** The run's name, empty until the gateway has told it: keep it for a reload, or give it to another tab. */
  get run() { return this.#run; }
  /** The answer so far. */
  get text() { return this.#answer.text; }
  /** The latest events, oldest first, at most `options.history`. */
  get history() { return this.#history; }
  /** One of `Status`. */
  get status() { return this.#status; }
  /** The id of the last event, where a later `joinRun` may go on. */
  get lastEventId() { return this.#lastID; }
  /** How its events come: `eventsource`, `fetch`, `mux` or `shared`. */
  get transport() { return this.#kind; }

  /**
   * Ends the run for every reader.
   *
   * @returns {Promise<boolean>} whether the gateway has confirmed it.
   */
  async stop() {
    if (this.#ending) return false;
    const asked = this.#asked;
    this.#finish('stopped', Status.idle);
    if (!asked) return false;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), stopMilliseconds);
    try {
      return await this.#endRun(limit.signal);
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      limit.abort();
    }
  }

  /** Goes away and leaves the run as it is: `joinRun` follows it again, for as long as the route lets it go on. */
  detach() {
    this.#finish('detached', Status.idle);
  }

  // The page.

  /** The page goes away, maybe into the back/forward cache, where an open connection would keep it from going. */
  _suspend() {
    this.#suspended = true;
    this.#leave();
  }

  /** The page has come back. */
  _resume() {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.#turnTo(Status.connecting);
    this.#connect();
  }

  /** The network has come back: no need to wait any longer. */
  _hurry() {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#connect();
  }

  // Connecting.

  #begin() {
    this.#call('onStatus', Status.connecting, { wait: null, error: null });
    if (!this.#ending) this.#connect();
  }

  async #connect() {
    this.#leave();
    const turn = this.#turn;
    let request;
    try {
      request = await this.#request();
    } catch (cause) {
      if (turn === this.#turn) this.#fail('credentials', { cause });
      return;
    }
    if (turn !== this.#turn) return;
    this.#asked = true;
    try {
      this.#close = attempts[this.#kind](request, (news) => {
        if (turn === this.#turn) this.#take(news);
      });
    } catch (cause) {
      // The page's own rules may forbid the address.
      this.#fail('network', { cause });
    }
  }

  /** Leaves the connection, or the way to one; what it still tells is not heard any more. */
  #leave() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#close?.();
    this.#close = null;
  }

  async #headers() {
    const { headers } = this.#options;
    const given = typeof headers === 'function' ? await headers() : headers;
    return Object.fromEntries(new Headers(given ?? {}));
  }

  /** A request for the next attempt: the same again with the last id, which joins the run and begins no other. */
  async #request() {
    const { credentials, idleTimeout, eventTypes, ticket, worker } = this.#options;
    const own = await this.#headers();
    const request = { credentials, idleTimeout, eventTypes, worker, outer: own, runs: this.#start.runs };
    if (this.#kind === 'mux' || this.#kind === 'shared') return { ...request, ...this.#target() };
    const url = new URL(this.#start.url);
    const { method, body } = this.#start;
    const headers = { ...own };
    if (method === 'GET' && this.#key) url.searchParams.set('run', this.#key);
    if (method === 'POST') {
      headers['content-type'] ??= 'application/json';
      if (this.#key) headers['idempotency-key'] = this.#key;
    }
    if (this.#lastID && this.#kind === 'eventsource') url.searchParams.set('last_event_id', this.#lastID);
    if (ticket && method === 'GET') {
      url.searchParams.set('ticket', ticket === true ? await this.#ticket(own) : await ticket());
    }
    return { ...request, url: url.href, method, headers, body, lastEventId: this.#lastID };
  }

  /** What a mux is asked to open: the run where it is known, else the request that begins it. */
  #target() {
    const { url: start, method, body, runs } = this.#start;
    const url = new URL(this.#run ? `${runs}${this.#run}` : start);
    if (this.#lastID) url.searchParams.set('last_event_id', this.#lastID);
    if (this.#run || method === 'GET') {
      if (!this.#run && this.#key) url.searchParams.set('run', this.#key);
      return { url: url.href, target: url.pathname + url.search };
    }
    const headers = { 'content-type': 'application/json' };
    if (this.#key) headers['idempotency-key'] = this.#key;
    return { url: url.href, target: { method, path: url.pathname + url.search, headers, body } };
  }

  async #ticket(headers) {
    const url = new URL('/_sluice/tickets', this.#start.runs);
    const answer = await fetch(url, { method: 'POST', headers, credentials: this.#options.credentials });
    if (!answer.ok) throw new SluiceError('credentials', { status: answer.status });
    return (await answer.json()).ticket;
  }

  async #endRun(signal) {
    const headers = await this.#headers();
    const { credentials } = this.#options;
    if (!this.#run) {
      if (!this.#key) return false;
      // The same request with the same key joins the run, if it has begun, and says which it is.
      this.#kind = 'fetch';
      const { url, ...request } = await this.#request();
      const { method, body } = request;
      const answer = await fetch(url, { method, headers: request.headers, body, credentials, signal });
      this.#run = answer.headers.get('sluice-run') ?? '';
      answer.body?.cancel().catch(() => {});
      if (!this.#run) return false;
    }
    const address = `${this.#start.runs}${this.#run}`;
    const answer = await fetch(address, { method: 'DELETE', headers, credentials, keepalive: true, signal });
    return answer.ok;
  }

  // What the connection tells.

  #take(news) {
    switch (news.kind) {
      case 'opened':
        if (isRun(news.run)) this.#adopt(`${news.run}.`);
        this.#turnTo(Status.connected);
        break;
      case 'id':
        this.#adopt(news.id);
        break;
      case 'event':
        this.#event(news);
        break;
      case 'retry':
        this.#retry = news.milliseconds;
        break;
      case 'waiting':
        this.counters.reconnects += 1;
        this.#turnTo(Status.connecting);
        break;
      case 'over':
        // A server that gives no ids can't be asked for the rest: its end is the end.
        if (news.clean && !this.#lastID && !this.#run) this.#finish('completed', Status.idle);
        else this.#again({ wait: news.atOnce ? 0 : null });
        break;
      case 'finished':
        this.#finish('completed', Status.idle);
        break;
      case 'refused':
        this.#refused(news);
        break;
      case 'hidden':
        // The same again with fetch, which says why.
        this.#kind = 'fetch';
        this.#hiddenRefusals = 1;
        this.#connect();
        break;
      case 'failed':
        if (this.#hiddenRefusals > 0 && (this.#hiddenRefusals += 1) > allowedHiddenRefusals) this.#fail('hidden');
        else this.#again({});
        break;
      case 'unsupported':
        this.#kind = directWayOf(this.#start, this.#options);
        this.#connect();
        break;
    }
  }

  /** Tries again after the time that the gateway wants, and a random one that grows with every failure (full jitter). */
  #again({ wait = null, refusal = null }) {
    const resumable = this.#key || this.#run || this.#lastID;
    if (!resumable || this.#failures >= this.#options.maxRetries) {
      if (refusal) this.#fail('refused', refusal);
      else this.#fail('network');
      return;
    }
    const { base, cap } = this.#options.backoff;
    const ceiling = Math.min(cap, base * 2 ** this.#failures);
    // What a gateway says at a drain is jittered already.
    const isTold = wait === null && this.#retry !== null && this.#failures === 0;
    const delay = wait === 0 ? 0 : (wait ?? this.#retry ?? 0) + (isTold ? 0 : Math.random() * ceiling);
    this.#failures += 1;
    this.counters.reconnects += 1;
    this.#leave();
    this.#turnTo(Status.connecting, { wait: delay, error: refusal && new SluiceError('refused', refusal) });
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#connect();
    }, delay);
  }

  #refused(news) {
    const { status, retryAfter } = news;
    const canRenew = this.#options.ticket || typeof this.#options.headers === 'function';
    if (status === 401 && canRenew && !this.#renewed) {
      this.#renewed = true;
      this.#connect();
    } else if (passingStatuses.includes(status)) {
      this.#again({ wait: retryAfter === null ? null : retryAfter * 1000, refusal: news });
    } else {
      this.#fail('refused', news);
    }
  }

  /** Takes the id over: what comes next begins behind it. */
  #adopt(id) {
    const dot = id.lastIndexOf('.');
    const [run, sequence] = [id.slice(0, dot), id.slice(dot + 1)];
    if (!isRun(run)) {
      this.#lastID = id;
      return;
    }
    if (this.#run && run !== this.#run) {
      // It had to begin again: what the old run said is no part of the new answer.
      this.#batch.flush();
      this.#answer = new AnswerText();
      [this.#sequence, this.#lastID] = [0, ''];
    }
    this.#run = run;
    if (!/^\d+$/.test(sequence)) return;
    this.#sequence = Number(sequence);
    this.#lastID = id;
  }

  #event({ type, id, data }) {
    const [run, sequence] = id.split('.');
    // Nothing twice, whatever a change of connection brings.
    if (run === this.#run && Number(sequence) < this.#sequence && !gatewayTypes.includes(type)) return;
    if (type === 'sluice.busy' || type === 'sluice.expired') {
      if (this.#interrupted(type, read(type, '', data))) return;
    } else if (id) {
      this.#adopt(id);
    }
    const event = read(type, id, data);
    [this.#failures, this.#renewed, this.#hiddenRefusals] = [0, false, 0];
    this.counters.events += 1;
    this.counters.bytes += byteLength(data);
    if (event.kind === 'sluice.gap') this.counters.gaps += 1;
    if (this.#options.history > 0) {
      this.#history.push(event);
      if (this.#history.length > this.#options.history) this.#history.shift();
    }
    this.#batch.add(event);
    if (event.kind === 'completed') this.#finish('completed', Status.idle);
    else if (event.kind === 'error') this.#fail('event', { event });
    else if (type === 'sluice.evicted') this.#fail('evicted', { event, limit: event.payload?.limit });
    else if (type === 'sluice.expired') this.#fail('expired', { event });
  }

  /** A stream that ends but may go on later; returns whether it may. */
  #interrupted(type, event) {
    if (type === 'sluice.busy') {
      this.#batch.add(event);
      const retryAfter = Number(event.payload?.retry_after ?? 1);
      const problem = { limit: event.payload?.limit, bound: event.payload?.bound };
      this.#again({ wait: retryAfter * 1000, refusal: { status: 429, retryAfter, problem } });
      return true;
    }
    const canRenew = this.#options.ticket || typeof this.#options.headers === 'function';
    if (!canRenew || this.#renewed) return false;
    this.#renewed = true;
    this.counters.reconnects += 1;
    this.#turnTo(Status.connecting);
    this.#connect();
    return true;
  }

  // What the page is told.

  #deliver(events) {
    let delta = '';
    let last = null;
    const tellChunk = () => {
      if (last) this.#call('onResponseChunk', delta, last);
      [delta, last] = ['', null];
    };
    for (const event of events) {
      const added = this.#answer.take(event);
      if (event.kind === 'response_chunk') {
        delta += added;
        last = event;
      } else {
        tellChunk();
      }
      this.#call('onEvent', event);
      const name = Object.hasOwn(callbackNames, event.kind) && callbackNames[event.kind];
      if (name) this.#call(name, event);
      if (this.#over) return;
    }
    tellChunk();
  }

  #turnTo(status, detail = {}) {
    if (status === this.#status && detail.wait === undefined) return;
    const wasEnding = this.#ending;
    this.#batch.flush();
    // A callback may just have stopped it.
    if (this.#ending !== wasEnding) return;
    this.#status = status;
    this.#call('onStatus', status, { wait: detail.wait ?? null, error: detail.error ?? null });
  }

  #call(name, ...values) {
    try {
      this.#callbacks[name]?.(...values);
    } catch (error) {
      // A mistake in a callback is the page's; the stream goes on.
      if (globalThis.reportError) reportError(error);
      else console.error(error);
    }
  }

  #fail(reason, detail = {}) {
    const error = new SluiceError(reason, detail);
    this.#finish('failed', Status.failed, error);
  }

  #aborted = () => this.stop();

  /** The one way out. */
  #finish(reason, status, error = null) {
    if (this.#ending) return;
    this.#ending = true;
    this.#leave();
    unfollow(this);
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    this.#batch.flush();
    this.#over = true;
    this.#turnTo(status, { error });
    if (error) this.#call('onError', error);
    this.#settle({ reason, text: this.text, run: this.#run, error });
  }
}

/** The address of the gateway: where this module came from, or the page where it was bundled. */
function gatewayBase() {
  const own = import.meta.url;
  const { location } = globalThis;
  return /^https?:/.test(own) && /\/_sluice\/[^/]*$/.test(own) ? own : location?.href ?? own;
}

/** What is asked for: the same at each attempt. */
function startOf(members, run, options) {
  const endpoint = new URL(options.endpoint ?? '/process/stream', gatewayBase());
  const runs = new URL(options.runs ?? '/_sluice/runs/', endpoint).href;
  if (run !== undefined) return { url: `${runs}${encodeURIComponent(run)}`, method: 'GET', runs };
  const { body, headers, ticket } = options;
  const values = Object.entries(members);
  const isFlat = values.every(([, value]) => typeof value !== 'object' || value === null);
  const query = new URLSearchParams(values.map(([name, value]) => [name, String(value)]));
  let method = options.method.toUpperCase();
  if (method === 'AUTO') {
    const fits = isFlat && String(query).length <= longestQuery;
    method = body === undefined && fits && (!headers || ticket) && options.transport !== 'fetch' ? 'GET' : 'POST';
  }
  if (method === 'GET') {
    query.forEach((value, name) => endpoint.searchParams.append(name, value));
    return { url: endpoint.href, method, runs };
  }
  const text = typeof body === 'string' ? body : JSON.stringify({ ...members, ...body });
  return { url: endpoint.href, method, body: text, runs };
}

/** The way of the first attempt. */
function wayOf(start, options) {
  if (options.transport === 'eventsource' && start.method === 'POST') {
    throw new TypeError('transport: given "eventsource", which can only GET; allowed for a POST: fetch, mux, shared');
  }
  if (options.transport !== 'auto') {
    if (!Object.hasOwn(attempts, options.transport)) {
      const allowed = ['auto', ...Object.keys(attempts)].join(', ');
      throw new TypeError(`transport: given "${options.transport}", allowed: ${allowed}`);
    }
    return options.transport;
  }
  return directWayOf(start, options);
}

function directWayOf({ method }, { headers, ticket }) {
  return method === 'GET' && (!headers || ticket) && typeof EventSource === 'function' ? 'eventsource' : 'fetch';
}

/** Whether a text is the name of a run. */
const isRun = (text) => /^[a-z2-7]{26}$/.test(text);

/** 128 random bits; `crypto.randomUUID` is not there on pages without TLS. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function byteLength(text) {
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // A half of a surrogate pair is two of the four bytes.
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return length;
}

/** Events of one picture: told in the next animation frame, or soon after where no frame comes, as in hidden tabs. */
class Batch {
  #deliver;
  #waits;
  #events = [];
  #frame = 0;
  #timer = null;

  constructor(deliver, waits) {
    this.#deliver = deliver;
    this.#waits = waits;
  }

  add(event) {
    this.#events.push(event);
    if (!this.#waits || this.#events.length >= longestBatch) {
      this.flush();
    } else if (this.#timer === null) {
      this.#timer = setTimeout(() => this.flush(), 100);
      const { requestAnimationFrame: request, document } = globalThis;
      if (request && !document?.hidden) this.#frame = request(() => this.flush());
    }
  }

  flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#frame) cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#deliver(events);
  }
}

// The text of an answer.

/** An event as callbacks get it. */
function read(type, id, data) {
  let payload;
  try {
    payload = JSON.parse(data);
  } catch {
    // Not JSON: the data is the text.
  }
  const [, sequence = null] = /\.(\d+)$/.exec(id) ?? [];
  const event = { type, kind: type, id, sequence: sequence && Number(sequence), data, payload };
  if (type === 'message') event.kind = kindOf(event);
  return event;
}

/** What an event without a type of its own is, by its data. */
function kindOf({ data, payload }) {
  if (data === '[DONE]') return 'completed';
  if (typeof payload?.event === 'string') return payload.event;
  return textOf(payload, data) === '' ? 'message' : 'response_chunk';
}

const isText = (value) => typeof value === 'string';

/** Agent-to-agent: the text of a message's or an artifact's parts, in their order. */
function textOfParts(parts) {
  return parts.map((part) => part?.text).filter(isText).join('');
}

/** OpenAI: a piece of the first choice while it streams, or the whole message at the end. */
function textOfChoices(choices) {
  const choice = choices.find((each) => (each?.index ?? 0) === 0);
  return [choice?.delta?.content, choice?.message?.content, choice?.text].find(isText) ?? '';
}

/** The message that an agent gave, out of the envelopes that gateways and protocols put around it. */
function unwrapped(payload) {
  const message = payload?.response_data?.raw_response ?? payload?.response_data ?? payload;
  const result = message?.jsonrpc ? message.result : message;
  return [result?.artifactUpdate, result?.task, result?.message].find((each) => each && !isText(each)) ?? result;
}

/**
 * The text that an event carries, empty where it carries none.
 *
 * @param {*} payload the data of an event, parsed; `undefined` where it is no JSON.
 * @param {string} data the data as it came.
 */
export function textOf(payload, data = '') {
  if (isText(payload)) return payload;
  // A number or a word alone is a piece of plain text, too.
  if (payload === undefined || payload === null || typeof payload !== 'object') return data === '[DONE]' ? '' : data;
  const message = unwrapped(payload);
  const parts = message?.artifact?.parts ?? message?.parts;
  if (Array.isArray(parts)) return textOfParts(parts);
  if (Array.isArray(message?.choices)) return textOfChoices(message.choices);
  if (Array.isArray(message?.artifacts)) {
    return message.artifacts.map((artifact) => textOfParts(artifact?.parts ?? [])).join('');
  }
  const { text, content, delta, chunk, token } = message ?? {};
  return [text, content, delta, delta?.text, delta?.content, chunk, token].find(isText) ?? '';
}

/** The text so far: pieces in their order, artifacts by their id. */
class AnswerText {
  #pieces = [{ key: '', text: '' }];

  get text() {
    return this.#pieces.length === 1 ? this.#pieces[0].text : this.#pieces.map((piece) => piece.text).join('');
  }

  /** Takes an event's text in and returns it. */
  take({ kind, payload, data }) {
    if (kind !== 'response_chunk' && kind !== 'completed') return '';
    const text = textOf(payload, data);
    if (kind === 'completed') {
      // It carries the whole text where it carries any, and so repairs an answer with a gap.
      if (text) this.#pieces = [{ key: '', text }];
      return text;
    }
    const message = unwrapped(payload);
    const key = message?.artifact?.artifactId ?? message?.artifact?.artifact_id ?? '';
    const piece = this.#pieces.find((each) => each.key === key);
    if (!piece) this.#pieces.push({ key, text });
    else if (message?.artifact && message.append === false) piece.text = text;
    else piece.text += text;
    return text;
  }
}

// Errors in words.

/** What the gateway means when it has to end a run itself, by the word that it gives. */
const gatewayReasons = {
  upstream_unreachable: 'no agent could be reached',
  upstream_timeout: 'the agent said nothing for too long',
  upstream_status: 'the agent refused the question',
  upstream_closed: 'the agent was cut off in the middle',
  upstream_protocol: 'what the agent sent was not a stream of events',
  event_too_large: 'the agent sent more at once than the gateway takes',
  stopped: 'it was stopped, maybe in another tab',
  abandoned: 'nobody watched it for a while',
  run_unknown: 'it is not known any more',
  drained: 'the gateway is being stopped',
  limit: 'a limit has no room for it',
  evicted: 'a newer one has taken its place',
  token_expired: 'you have been signed out',
};

const statusSentences = {
  401: 'You are not signed in.',
  403: 'You are not allowed to read this stream.',
  404: 'There is no such stream, or not any more.',
  409: 'The same request was made before with another question.',
  413: 'The question is too long.',
  414: 'The question is too long for an address.',
  429: 'You have too many streams open.',
  503: 'The gateway is full.',
};

const sentences = {
  network: 'The gateway could not be reached.',
  hidden: 'The gateway refused the stream, and the browser hides why: it may not allow this origin.',
  evicted: 'A newer stream has taken the place of this one.',
  expired: 'You have been signed out.',
  credentials: 'The credentials for the stream could not be had.',
  not_a_stream: 'What answered is not an event stream.',
};

/** Why a stream has failed: `message` for people, `reason` for programs. */
export class SluiceError extends Error {
  name = 'SluiceError';

  constructor(kind, { event = null, status = null, retryAfter = null, problem = null, limit = null, cause } = {}) {
    super(describe(kind, { event, status, problem, limit }), { cause });
    /** The gateway's own word where it gave one, `agent_error`, or what happened to the connection. */
    this.reason = reasonOf(kind, event, problem);
    /** `gateway`, `agent` or `connection`. */
    this.source = event ? sourceOf(event) : status ? 'gateway' : 'connection';
    /** The HTTP status of a refusal. */
    this.status = status || event?.payload?.status || null;
    /** Seconds after which another try makes sense. */
    this.retryAfter = retryAfter;
    /** The limit that had no room. */
    this.limit = limit ?? problem?.limit ?? event?.payload?.limit ?? null;
    /** The problem document of a refusal (RFC 9457). */
    this.problem = problem;
    /** The event that said so. */
    this.event = event;
  }
}

function sourceOf({ type, payload }) {
  return payload?.source === 'gateway' || gatewayTypes.includes(type) ? 'gateway' : 'agent';
}

function reasonOf(kind, event, problem) {
  if (kind !== 'event') return problem?.limit ? 'limit' : problem?.reason ?? kind;
  return String(event.payload?.reason ?? 'agent_error');
}

function describe(kind, { event, status, problem, limit }) {
  if (kind === 'event') return sourceOf(event) === 'gateway' ? gatewaySentence(event.payload) : agentSentence(event);
  if (kind === 'evicted' && limit) return `A newer stream has taken the place of this one (limit ${limit}).`;
  if (kind !== 'refused') return sentences[kind] ?? kind;
  if (status === 200) return sentences.not_a_stream;
  const sentence = statusSentences[status] ?? `The gateway refused the stream (${status}).`;
  const name = problem?.limit && `limit ${problem.limit}`;
  const detail = [name, problem?.detail ?? problem?.bound].filter(Boolean).join(': ');
  return detail ? `${sentence} (${detail})` : sentence;
}

function gatewaySentence({ reason, message, status, limit }) {
  const known = Object.hasOwn(gatewayReasons, reason) && gatewayReasons[reason];
  const word = [String(reason ?? '').replaceAll('_', ' '), status, limit].filter(Boolean).join(' ');
  return `The gateway ended the answer: ${known ? `${known} (${word})` : message || word || 'no reason given'}.`;
}

function agentSentence({ payload, data }) {
  const { message, error, detail, reason } = payload ?? {};
  const said = [message, error, error?.message, detail].find((value) => isText(value) && value !== '');
  const words = said ?? (reason ? String(reason).replaceAll('_', ' ') : payload ? '' : data);
  return `The agent reported an error: ${words || 'no reason given'}.`;
}

// The parser.

/** Bytes to events as WHATWG HTML §9.2.6 has it, however they are cut. */
export class EventStreamParser {
  #sink;
  #decoder = new TextDecoder();
  /** The parts of a line that has not ended. */
  #line = '';
  #skipsLineFeed = false;
  #type = '';
  #data = '';
  #id = '';

  /** The id that a reconnection names: it counts from the end of its event on. */
  lastEventId = '';

  /** @param {{event?, retry?, id?, comment?}} sink functions: an event, milliseconds, an id without event, a comment. */
  constructor(sink, lastEventId = '') {
    this.#sink = sink;
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** Takes bytes; what is not whole waits for the next. */
  push(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    let start = 0;
    if (this.#skipsLineFeed && text !== '') {
      if (text[0] === '\n') start = 1;
      this.#skipsLineFeed = false;
    }
    let carriage = text.indexOf('\r', start);
    let feed = text.indexOf('\n', start);
    while (carriage !== -1 || feed !== -1) {
      const byCarriage = carriage !== -1 && (feed === -1 || carriage < feed);
      const end = byCarriage ? carriage : feed;
      const line = this.#line + text.slice(start, end);
      this.#line = '';
      start = end + 1;
      if (byCarriage) {
        if (start === text.length) this.#skipsLineFeed = true;
        else if (text[start] === '\n') start += 1;
      }
      this.#take(line);
      if (carriage !== -1 && carriage < start) carriage = text.indexOf('\r', start);
      if (feed !== -1 && feed < start) feed = text.indexOf('\n', start);
    }
    this.#line += text.slice(start);
  }

  #take(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return this.#sink.comment?.(line.slice(1));
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data += `${value}\n`;
    else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.#sink.retry?.(Number(value));
  }

  #dispatch() {
    const isNew = this.lastEventId !== this.#id;
    this.lastEventId = this.#id;
    const [type, data] = [this.#type || 'message', this.#data];
    [this.#type, this.#data] = ['', ''];
    if (data !== '') this.#sink.event?.({ type, data: data.slice(0, -1), id: this.lastEventId });
    else if (isNew) this.#sink.id?.(this.lastEventId);
  }
}

// EventSource.

/** It comes back by itself once, after the time that only it was told; what fails twice in a row is ours to pace. */
function eventSourceAttempt({ url, credentials, eventTypes }, tell) {
  const source = new EventSource(url, { withCredentials: credentials === 'include' });
  let troubles = 0;
  const close = () => {
    source.onopen = source.onmessage = source.onerror = null;
    source.close();
  };
  const end = (news) => {
    close();
    tell(news);
  };
  const take = ({ type, lastEventId, data }) => {
    troubles = 0;
    tell({ kind: 'event', type, id: lastEventId, data });
  };
  source.onopen = () => tell({ kind: 'opened', run: '' });
  source.onmessage = take;
  for (const type of [...gatewayTypes, ...usualTypes, ...eventTypes]) source.addEventListener(type, take);
  source.onerror = (event) => {
    // An event of the stream that is called error, too.
    if (typeof event.data === 'string') return take(event);
    if (source.readyState === EventSource.CLOSED) return end({ kind: 'hidden' });
    troubles += 1;
    if (troubles > 1) end({ kind: 'over', clean: false });
    else tell({ kind: 'waiting' });
  };
  return close;
}

// Fetch.

/** The time of a Retry-After field in seconds, `null` where there is none. */
function retryAfterOf(headers) {
  const text = headers.get('retry-after');
  if (!text) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

async function refusalOf(answer) {
  let problem = null;
  try {
    if (/[/+]json\b/.test(answer.headers.get('content-type') ?? '')) problem = await answer.json();
    else await answer.body?.cancel();
  } catch {
    // The status says enough.
  }
  return { kind: 'refused', status: answer.status, retryAfter: retryAfterOf(answer.headers), problem };
}

function fetchAttempt(request, tell) {
  const abort = new AbortController();
  let idle = null;
  let isOver = false;
  const close = () => {
    isOver = true;
    clearTimeout(idle);
    abort.abort();
  };
  const end = (news) => {
    if (isOver) return;
    close();
    tell(news);
  };
  // Heartbeats come from the first moment on: a connection that is silent for long is a dead one.
  const listen = () => {
    clearTimeout(idle);
    if (request.idleTimeout) idle = setTimeout(() => end({ kind: 'over', clean: false }), request.idleTimeout);
  };
  fetchStream(request, abort.signal, { tell, listen, isOver: () => isOver }).then(end, (error) => {
    end({ kind: 'failed', text: String(error?.message ?? error) });
  });
  return close;
}

/** Reads one answer to its end, and returns what there is to tell of the end. */
async function fetchStream(request, signal, { tell, listen, isOver }) {
  const { url, method = 'GET', body, credentials, lastEventId } = request;
  const headers = { ...request.headers, accept: 'text/event-stream' };
  if (lastEventId) headers['last-event-id'] = lastEventId;
  listen();
  const answer = await fetch(url, { method, headers, body, credentials, signal, cache: 'no-store' });
  if (answer.status === 204) return { kind: 'finished' };
  if (!answer.ok || !/^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? '')) return refusalOf(answer);
  if (isOver()) return null;
  tell({ kind: 'opened', run: answer.headers.get('sluice-run') ?? '' });
  const parser = new EventStreamParser({
    event: (event) => { if (!isOver()) tell({ kind: 'event', ...event }); },
    id: (id) => tell({ kind: 'id', id }),
    retry: (milliseconds) => tell({ kind: 'retry', milliseconds }),
  }, lastEventId);
  const reader = answer.body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      listen();
      parser.push(part.value);
      if (isOver()) return null;
    }
  } catch {
    return { kind: 'over', clean: false };
  }
  return { kind: 'over', clean: true };
}

// Many streams over one connection.

/** How long a mux without streams stays open for the next. */
const muxLingerMilliseconds = 3000;
/** How often it tries to come back before its streams go on by themselves. */
const muxRetries = 5;
/** The streams of one request to open, and the early messages that wait for its answer. */
const [muxBatch, muxOrphans] = [50, 10_000];
const muxes = new Map();

/** The mux of a gateway for one set of credentials. */
function muxOf(request) {
  const { origin } = new URL(request.url);
  const key = JSON.stringify([origin, request.credentials, request.outer]);
  if (!muxes.has(key)) {
    const mux = new Mux(origin, request, () => {
      if (muxes.get(key) === mux) muxes.delete(key);
    });
    muxes.set(key, mux);
  }
  return muxes.get(key);
}

function endMuxes() {
  for (const mux of [...muxes.values()]) mux.end();
}

const muxAttempt = (request, tell) => muxOf(request).open(request, tell);

/** One connection, and the streams that it carries by their numbers. */
class Mux {
  #address;
  #request;
  #gone;
  #id = '';
  #lastID = '';
  #close = null;
  #failures = 0;
  #retry = null;
  #timer = null;
  #linger = null;
  /** Open streams by number; those that are yet to be opened; numbers that are to be closed. */
  #streams = new Map();
  #queue = [];
  #leaving = [];
  /** Numbers that are being closed. */
  #left = new Set();
  #isPosting = false;
  #isOver = false;
  /** Messages of streams whose number is not known yet, because the answer that tells it is under way. */
  #orphans = [];

  constructor(origin, { credentials, outer, idleTimeout }, gone) {
    this.#address = `${origin}/_sluice/mux`;
    this.#request = { method: 'GET', credentials, headers: outer, idleTimeout };
    this.#gone = gone;
  }

  /** Opens a stream; an attempt as any other. */
  open({ target }, tell) {
    const stream = { target, tell, number: 0, name: '' };
    clearTimeout(this.#linger);
    this.#queue.push(stream);
    if (!this.#close && this.#timer === null) this.#connect();
    queueMicrotask(() => this.#post());
    return () => this.#leave(stream);
  }

  /** Ends it at once, with everything on it. */
  end() {
    if (this.#id) this.#send('DELETE', `${this.#address}/${this.#id}`).catch(() => {});
    this.#quit();
  }

  #leave(stream) {
    stream.tell = () => {};
    const place = this.#queue.indexOf(stream);
    if (place !== -1) this.#queue.splice(place, 1);
    if (this.#streams.get(stream.number) === stream) {
      this.#streams.delete(stream.number);
      this.#stray(stream);
    }
    stream.isLeft = true;
    this.#rest();
  }

  /** Without streams, it goes away after a while. */
  #rest() {
    clearTimeout(this.#linger);
    if (this.#isOver || this.#streams.size + this.#queue.length > 0) return;
    this.#linger = setTimeout(() => this.end(), muxLingerMilliseconds);
  }

  #quit() {
    this.#isOver = true;
    this.#close?.();
    this.#close = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#linger);
    this.#timer = null;
    this.#gone();
  }

  #connect() {
    this.#timer = null;
    const request = { ...this.#request, url: this.#address, lastEventId: this.#lastID };
    this.#close = fetchAttempt(request, (news) => this.#take(news));
  }

  #take(news) {
    switch (news.kind) {
      case 'opened':
        for (const { tell, name } of this.#streams.values()) tell({ kind: 'opened', run: name });
        break;
      case 'id':
        this.#lastID = news.id;
        break;
      case 'event':
        this.#failures = 0;
        this.#lastID = news.id;
        this.#message(news.data);
        break;
      case 'retry':
        this.#retry = news.milliseconds;
        break;
      case 'over':
      case 'failed':
        this.#cut(news);
        break;
      default:
        if (this.#id && (news.kind === 'finished' || news.status === 404)) this.#renew();
        else this.#drop([undefined, 404, 405, 501].includes(news.status) ? { kind: 'unsupported' } : news);
    }
  }

  #cut(news) {
    this.#close = null;
    this.#failures += 1;
    if (this.#failures > muxRetries || (!this.#id && news.kind === 'failed')) return this.#drop(news);
    if (this.#streams.size + this.#queue.length === 0) return this.#quit();
    for (const { tell } of this.#streams.values()) tell({ kind: 'waiting' });
    const ceiling = Math.min(defaults.backoff.cap, defaults.backoff.base * 2 ** (this.#failures - 1));
    const jitter = this.#retry !== null && this.#failures === 1 ? 0 : Math.random() * ceiling;
    this.#timer = setTimeout(() => this.#connect(), (this.#retry ?? 0) + jitter);
  }

  /** The gateway knows it no more: its streams come back one by one, at the places that they know. */
  #renew() {
    this.#close?.();
    [this.#id, this.#lastID] = ['', ''];
    this.#connect();
    this.#scatter();
  }

  #scatter() {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#left.clear();
    [this.#leaving, this.#orphans] = [[], []];
    for (const { tell } of streams) tell({ kind: 'over', clean: false, atOnce: true });
    this.#rest();
  }

  /** It can't be had: every stream hears the same. */
  #drop(news) {
    const streams = [...this.#streams.values(), ...this.#queue];
    this.#streams.clear();
    this.#queue = [];
    this.#quit();
    for (const { tell } of streams) tell({ ...news, clean: false });
  }

  /** A message: its header line says whose it is. */
  #message(data) {
    const end = data.indexOf('\n');
    const header = end === -1 ? data : data.slice(0, end);
    const first = header.indexOf(' ');
    const second = header.indexOf(' ', first + 1);
    const message = {
      number: Number(header.slice(0, first)),
      id: header.slice(first + 1, second),
      type: header.slice(second + 1),
      data: end === -1 ? '' : data.slice(end + 1),
    };
    if (message.number === 0) return this.#own(message);
    const stream = this.#streams.get(message.number);
    if (stream) this.#pass(stream, message);
    else if (this.#isPosting && this.#orphans.length < muxOrphans) this.#orphans.push(message);
    else this.#stray(message);
  }

  /** A message of a stream that nobody reads: one that was left, or was opened by a request whose answer got lost. */
  #stray({ number, type }) {
    if (type === 'sluice.closed') {
      this.#left.delete(number);
    } else if (!this.#left.has(number)) {
      this.#left.add(number);
      this.#leaving.push(number);
      queueMicrotask(() => this.#post());
    }
  }

  #own({ type, data }) {
    if (type === 'sluice.gone') return this.#renew();
    if (type !== 'sluice.mux') return;
    const { mux } = JSON.parse(data);
    const isOther = this.#id !== '' && mux !== this.#id;
    this.#id = mux;
    // The connection had been cut before its first id: the numbers are those of the one before.
    if (isOther) this.#scatter();
    this.#post();
  }

  #pass(stream, { number, id, type, data }) {
    if (type === 'sluice.opened') {
      stream.name = JSON.parse(data).name ?? '';
      stream.tell({ kind: 'opened', run: stream.name });
    } else if (type === 'sluice.closed') {
      this.#streams.delete(number);
      stream.tell(endOf(JSON.parse(data)));
      this.#rest();
    } else {
      const whole = id === '-' ? '' : id.startsWith('.') ? stream.name + id : decodeURIComponent(id);
      stream.tell({ kind: 'event', type, id: whole, data });
    }
  }

  #send(method, url, body) {
    const { credentials, headers } = this.#request;
    const fields = body ? { ...headers, 'content-type': 'application/json' } : headers;
    return fetch(url, { method, headers: fields, body, credentials, keepalive: method === 'DELETE' });
  }

  /** Asks for what is to be opened and closed, one request at a time. */
  async #post() {
    if (this.#isPosting || !this.#id || this.#queue.length + this.#leaving.length === 0) return;
    this.#isPosting = true;
    const id = this.#id;
    const streams = this.#queue.splice(0, muxBatch);
    const close = this.#leaving.splice(0);
    try {
      const body = JSON.stringify({ open: streams.map((stream) => stream.target), close });
      const answer = await this.#send('POST', `${this.#address}/${id}`, body);
      if (id !== this.#id) this.#queue.unshift(...streams.filter((stream) => !stream.isLeft));
      else if (answer.ok) this.#opened(streams, (await answer.json()).opened);
      else if (answer.status === 404) this.#lost(streams);
      else await this.#refuse(streams, answer);
    } catch {
      for (const { tell } of streams) tell({ kind: 'over', clean: false });
    }
    this.#isPosting = false;
    for (const message of this.#orphans.splice(0)) this.#stray(message);
    this.#post();
  }

  #lost(streams) {
    this.#queue.unshift(...streams.filter((stream) => !stream.isLeft));
    this.#renew();
  }

  async #refuse(streams, answer) {
    const news = await refusalOf(answer);
    for (const { tell } of streams) tell(news);
    this.#rest();
  }

  #opened(streams, numbers) {
    streams.forEach((stream, index) => {
      stream.number = numbers[index].stream;
      if (stream.isLeft) this.#stray(stream);
      else this.#streams.set(stream.number, stream);
    });
    const early = this.#orphans;
    this.#orphans = [];
    for (const message of early) {
      const stream = this.#streams.get(message.number);
      if (stream) this.#pass(stream, message);
      else this.#stray(message);
    }
  }
}

/** What the last message of a stream within a mux tells. */
function endOf({ reason, status, retry_after: retryAfter = null, ...problem }) {
  if (status === 204) return { kind: 'finished' };
  if (status >= 400) return { kind: 'refused', status, retryAfter, problem: { reason, ...problem } };
  return { kind: 'over', clean: reason === 'completed', atOnce: reason === 'gap' };
}

// One connection for all tabs.

/** How long a worker may take to answer, in milliseconds, before tabs elect a leader among themselves. */
const helloMilliseconds = 5000;
const links = new Map();

function sharedAttempt(request, tell) {
  const { origin } = new URL(request.url);
  const script = new URL(request.worker || '/_sluice/client.js', origin);
  if (!links.has(script.href)) links.set(script.href, new SharedLink(script));
  return links.get(script.href).open(request, tell);
}

/** The streams of many tabs in one place: in a worker, or in the tab that leads. */
class Hub {
  #clients = new Map();

  /** Takes a client's message; `send` answers it. */
  receive(client, { open, close, request }, send) {
    const streams = this.#clients.get(client) ?? new Map();
    this.#clients.set(client, streams);
    if (open) {
      streams.get(open)?.();
      streams.set(open, muxAttempt(request, (news) => send({ key: open, news })));
    } else if (close) {
      streams.get(close)?.();
      streams.delete(close);
    }
  }

  /** A client is gone. */
  drop(client) {
    this.#clients.get(client)?.forEach((close) => close());
    this.#clients.delete(client);
  }

}

/** A tab's way to the hub. */
class SharedLink {
  #name;
  #client = randomKey();
  #known = null;
  #streams = new Map();
  #count = 0;
  /** Sends a message to the hub; `null` while there is none. */
  #send = null;

  constructor(script) {
    this.#name = `sluice ${script.href}`;
    const { locks } = navigator;
    const canLead = locks && typeof BroadcastChannel === 'function';
    if (typeof SharedWorker === 'function' && script.origin === location.origin) this.#employ(script, locks, canLead);
    else if (canLead) this.#elect(locks);
    else this.#alone();
  }

  open(request, tell) {
    this.#count += 1;
    const key = `${this.#client} ${this.#count}`;
    this.#streams.set(key, { request, tell });
    this.#send?.({ open: key, request });
    return () => {
      if (this.#streams.delete(key)) this.#send?.({ close: key });
    };
  }

  #receive = ({ key, news }) => {
    this.#streams.get(key)?.tell(news);
  };

  /** There is a hub: it gets what has waited for it. */
  #attach(send) {
    this.#send = send;
    this.#streams.forEach(({ request }, key) => send({ open: key, request }));
  }

  /** The hub is another one: every stream goes on there, at the place that it knows. */
  #moved() {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { tell } of streams) tell({ kind: 'over', clean: false, atOnce: true });
  }

  /** Holds a lock for as long as this tab lives, so that the hub hears of its end; once, whichever hub it is. */
  #stayKnown(locks) {
    this.#known ??= new Promise((resolve) => {
      if (!locks) return resolve();
      locks.request(`${this.#name} ${this.#client}`, () => {
        resolve();
        return new Promise(() => {});
      });
    });
    return this.#known;
  }

  #alone() {
    const hub = new Hub();
    this.#attach((message) => hub.receive(this.#client, message, this.#receive));
  }

  /** A worker that runs this same module. */
  async #employ(script, locks, canLead) {
    let port = null;
    const giveUp = () => {
      if (this.#send) return;
      clearTimeout(timer);
      port?.close();
      if (canLead) this.#elect(locks);
      else this.#alone();
    };
    const timer = setTimeout(giveUp, helloMilliseconds);
    try {
      const worker = new SharedWorker(script, { type: 'module', name: 'sluice' });
      worker.onerror = giveUp;
      port = worker.port;
    } catch {
      return giveUp();
    }
    port.onmessage = ({ data }) => {
      if (!data.welcome) return this.#receive(data);
      clearTimeout(timer);
      if (!this.#send) this.#attach((message) => port.postMessage(message));
    };
    await this.#stayKnown(locks);
    port.postMessage({ hello: this.#client, lock: locks ? `${this.#name} ${this.#client}` : null });
  }

  /** The tab that has the lock leads; the others wait for it, and one of them gets it when the leader goes. */
  async #elect(locks) {
    await this.#stayKnown(locks);
    const all = new BroadcastChannel(this.#name);
    const own = new BroadcastChannel(`${this.#name} ${this.#client}`);
    own.onmessage = ({ data }) => this.#receive(data);
    let leader = '';
    all.onmessage = ({ data }) => {
      if (!data.leader || data.leader === leader) return;
      const isFirst = leader === '';
      leader = data.leader;
      if (!isFirst) this.#moved();
      const send = (message) => all.postMessage({ ...message, from: this.#client, to: leader });
      if (isFirst) this.#attach(send);
      else this.#send = send;
    };
    all.postMessage({ who: true });
    locks.request(this.#name, () => {
      all.onmessage = null;
      this.#lead(all, locks, leader === '');
      return new Promise(() => {});
    });
  }

  #lead(all, locks, isFirst) {
    const hub = new Hub();
    const channels = new Map();
    const hear = (client) => {
      const channel = new BroadcastChannel(`${this.#name} ${client}`);
      channels.set(client, channel);
      locks.request(`${this.#name} ${client}`, () => {
        hub.drop(client);
        channel.close();
        channels.delete(client);
      });
    };
    all.onmessage = ({ data }) => {
      if (data.who) return all.postMessage({ leader: this.#client });
      if (data.to !== this.#client) return;
      if (!channels.has(data.from)) hear(data.from);
      hub.receive(data.from, data, (answer) => channels.get(data.from)?.postMessage(answer));
    };
    all.postMessage({ leader: this.#client });
    addEventListener('pagehide', endMuxes);
    if (!isFirst) this.#moved();
    const send = (message) => hub.receive(this.#client, message, this.#receive);
    if (isFirst) this.#attach(send);
    else this.#send = send;
  }
}

/** The worker: every tab has a port to the one hub. */
function serveTabs() {
  const hub = new Hub();
  let tabs = 0;
  globalThis.onconnect = ({ ports: [port] }) => {
    let client = `tab ${(tabs += 1)}`;
    port.onmessage = ({ data }) => {
      if (!data.hello) return hub.receive(client, data, (message) => port.postMessage(message));
      client = data.hello;
      if (data.lock && navigator.locks) {
        navigator.locks.request(data.lock, () => {
          hub.drop(client);
          port.close();
        });
      }
      port.postMessage({ welcome: true });
    };
  };
}

const attempts = { eventsource: eventSourceAttempt, fetch: fetchAttempt, mux: muxAttempt, shared: sharedAttempt };

if (typeof SharedWorkerGlobalScope === 'function' && globalThis instanceof SharedWorkerGlobalScope) serveTabs();
