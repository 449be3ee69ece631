// The types of the React hook of sluice.js.

import type {
  MessageStream, SluiceError, StreamCallbacks, StreamCounters, StreamEvent, StreamOptions, StreamOutcome, StreamStatus,
} from './client.js';

export interface UseStreamOptions extends StreamOptions {
  /** The latest ones are called; they need not be the same functions at each rendering. */
  callbacks?: StreamCallbacks;
  /** What becomes of the run when the component goes away; `stop` if not given. */
  onUnmount?: 'stop' | 'detach';
}

/** What a component sees: a new object for each picture. */
export interface StreamSnapshot {
  readonly text: string;
  readonly status: StreamStatus;
  readonly run: string;
  /** Why the stream has failed, or waits. */
  readonly error: SluiceError | null;
  readonly outcome: StreamOutcome | null;
  readonly isRunning: boolean;
  /** The latest event. */
  readonly last: StreamEvent | null;
  readonly counters: Readonly<StreamCounters>;
}

export interface MessageStreamHook extends StreamSnapshot {
  /** Asks; a stream that is under way is stopped first. */
  send(message: string | Record<string, unknown>, options?: StreamOptions): MessageStream;
  join(run: string, options?: StreamOptions): MessageStream;
  stop(): Promise<boolean>;
}

/** One stream for one component. */
export function useProcessMessageStream(options?: UseStreamOptions): MessageStreamHook;
