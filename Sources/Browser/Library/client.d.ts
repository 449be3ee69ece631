// The types of sluice.js, the browser's side of Sluice.

/** What a status light says. */
export type StreamStatus = 'not connected' | 'connecting' | 'connected' | 'failed';

export const Status: Readonly<{
  idle: 'not connected';
  connecting: 'connecting';
  connected: 'connected';
  failed: 'failed';
}>;

/** How events come. `auto` is EventSource for a GET without headers, else fetch. */
export type Transport = 'auto' | 'eventsource' | 'fetch' | 'mux' | 'shared';

/** One event of a stream. */
export interface StreamEvent {
  /** The type on the wire, `message` where the event has none of its own. */
  readonly type: string;
  /** What it is: its type, or what its data says: `routing_started`, `response_chunk`, `completed`, … */
  readonly kind: string;
  /** `<run>.<sequence>`, or what the server gave. */
  readonly id: string;
  /** Its place in the run, `null` where the id has none. */
  readonly sequence: number | null;
  /** The data as it came. */
  readonly data: string;
  /** The data, parsed; `undefined` where it is no JSON. */
  readonly payload: any;
}

/** What a status comes with. */
export interface StatusDetail {
  /** Milliseconds until the next attempt, where one is waited for. */
  readonly wait: number | null;
  /** Why it waits or has failed. */
  readonly error: SluiceError | null;
}

/** All of them are optional; an error thrown by one is reported and does not end the stream. */
export interface StreamCallbacks {
  onRoutingStarted?(event: StreamEvent): void;
  onRoutingCompleted?(event: StreamEvent): void;
  onAgentExecutionStarted?(event: StreamEvent): void;
  /** Text has come: what is new since the last call, and the latest event of it. Once for each picture. */
  onResponseChunk?(text: string, event: StreamEvent): void;
  onCompleted?(event: StreamEvent): void;
  /** Once, when the stream has failed for good. */
  onError?(error: SluiceError): void;
  onStatus?(status: StreamStatus, detail: StatusDetail): void;
  /** Every event, those of the gateway itself included: `sluice.gap`, `sluice.busy`, `sluice.evicted`, … */
  onEvent?(event: StreamEvent): void;
}

export interface StreamOptions {
  /** The run route; `/process/stream` of the gateway that the module came from, or of the page. */
  endpoint?: string | URL;
  /** Where runs are joined and stopped; `/_sluice/runs/` of the endpoint's origin. */
  runs?: string | URL;
  /** `auto` is GET where the question fits an address and nothing else is to be sent, else POST. */
  method?: 'auto' | 'GET' | 'POST';
  /** Asked again at each attempt where it is a function, so that a fresh token takes the place of an expired one. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
  /** Members beside the message, or the whole body. */
  body?: Record<string, unknown> | string;
  /** As fetch has it; `same-origin` if not given. */
  credentials?: RequestCredentials;
  /** A one-time ticket for each attempt: `true` asks the gateway for it, with `headers`; or a function that has one. */
  ticket?: true | (() => string | Promise<string>);
  /** Made at random if not given; `false` sends none, and then a cut before the first id is the end. */
  idempotencyKey?: string | false;
  transport?: Transport;
  /** Where the worker of `shared` is served; `/_sluice/client.js` of the endpoint's origin. */
  worker?: string;
  /** Milliseconds: the ceiling of the first random wait, and of all. 500 and 30,000. */
  backoff?: { base?: number; cap?: number };
  /** Failures in a row after which it gives up; 10. An event begins the count anew. */
  maxRetries?: number;
  /** Milliseconds without a byte, heartbeats included, after which a fetched stream counts as dead; 90,000, 0 never. */
  idleTimeout?: number;
  /** Whether callbacks come once for each animation frame; `false` calls them at each event. */
  batch?: boolean;
  /** How many events are kept in `history`; 200. */
  history?: number;
  /** Types of events beyond the usual ones that an EventSource is to listen for. */
  eventTypes?: string[];
  /** An id to go on behind, as `MessageStream.lastEventId` gave it. */
  lastEventId?: string;
  /** Stops the run when it is aborted. */
  signal?: AbortSignal;
}

/** How a stream has ended. */
export interface StreamOutcome {
  readonly reason: 'completed' | 'stopped' | 'detached' | 'failed';
  readonly text: string;
  readonly run: string;
  readonly error: SluiceError | null;
}

export interface StreamCounters {
  events: number;
  /** Of the events' data, in UTF-8. */
  bytes: number;
  /** Connections after the first. */
  reconnects: number;
  /** How often the gateway told of lost events. */
  gaps: number;
}

/** A stream under way. */
export class MessageStream {
  private constructor();
  /** Never rejects. */
  readonly done: Promise<StreamOutcome>;
  /** The run's name, empty until it is known. */
  readonly run: string;
  /** The answer so far. */
  readonly text: string;
  /** The latest events, oldest first. */
  readonly history: readonly StreamEvent[];
  readonly counters: Readonly<StreamCounters>;
  readonly status: StreamStatus;
  readonly lastEventId: string;
  readonly transport: Exclude<Transport, 'auto'>;
  /** Ends the run for every reader; whether the gateway has confirmed it. */
  stop(): Promise<boolean>;
  /** Goes away and leaves the run as it is. */
  detach(): void;
}

/** Asks, and follows the answer. */
export function processMessageStream(
  message: string | Record<string, unknown>,
  callbacks?: StreamCallbacks,
  options?: StreamOptions,
): MessageStream;

/** Follows a run that was begun elsewhere. */
export function joinRun(run: string, callbacks?: StreamCallbacks, options?: StreamOptions): MessageStream;

/** Why a stream has failed. */
export class SluiceError extends Error {
  private constructor();
  /** The gateway's own word (`upstream_timeout`, `limit`, `evicted`, …), `agent_error`, `network`, `hidden`, … */
  readonly reason: string;
  readonly source: 'gateway' | 'agent' | 'connection';
  readonly status: number | null;
  /** Seconds. */
  readonly retryAfter: number | null;
  readonly limit: string | null;
  /** The problem document of a refusal (RFC 9457). */
  readonly problem: Record<string, unknown> | null;
  readonly event: StreamEvent | null;
}

/** The text that an event's data carries, empty where it carries none. */
export function textOf(payload: unknown, data?: string): string;

/** An incremental parser of event streams (WHATWG HTML §9.2.6). */
export class EventStreamParser {
  constructor(
    sink: {
      event?(event: { type: string; data: string; id: string }): void;
      id?(id: string): void;
      retry?(milliseconds: number): void;
      comment?(text: string): void;
    },
    lastEventId?: string,
  );
  readonly lastEventId: string;
  push(bytes: Uint8Array): void;
}
