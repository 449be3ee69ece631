// The client library for React 18 and later: `react` is resolved by the bundler, or by an import map.

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { joinRun, processMessageStream, Status } from './client.js';

/** What a component sees of a stream. A new object for each picture, so that React knows that something has changed. */
const nothing = Object.freeze({
  text: '', status: Status.idle, run: '', error: null, outcome: null, isRunning: false, last: null,
  counters: Object.freeze({ events: 0, bytes: 0, reconnects: 0, gaps: 0 }),
});

/** The stream of one component: one at a time, told to React as snapshots. */
class StreamStore {
  snapshot = nothing;
  /** The latest props: callbacks may change with every rendering. */
  settings = {};
  #listeners = new Set();
  #stream = null;
  #isMounted = false;

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getSnapshot = () => this.snapshot;

  begin(start) {
    this.stop();
    const { options } = this.settings;
    const stream = start(this.#callbacks(() => stream), options);
    this.#stream = stream;
    this.snapshot = { ...nothing, isRunning: true, run: stream.run, status: stream.status };
    this.#tell();
    stream.done.then((outcome) => {
      if (this.#stream !== stream) return;
      this.#stream = null;
      this.#show(stream, { isRunning: false, outcome, error: outcome.error });
    });
    return stream;
  }

  stop() {
    const stream = this.#stream;
    if (!stream) return Promise.resolve(false);
    const answer = stream.stop();
    this.#stream = null;
    this.#show(stream, { isRunning: false });
    return answer;
  }

  mount() {
    this.#isMounted = true;
    return () => {
      this.#isMounted = false;
      // StrictMode takes a component away and brings it back at once: that must not end its run.
      queueMicrotask(() => {
        if (!this.#isMounted) this.#leave();
      });
    };
  }

  #leave() {
    const stream = this.#stream;
    this.#stream = null;
    if (this.settings.options?.onUnmount === 'detach') stream?.detach();
    else stream?.stop();
  }

  /** The component's callbacks, and the snapshots: both once for each batch of events. */
  #callbacks(streamOf) {
    const callbacks = {};
    const pass = (name) => (...values) => this.settings.callbacks?.[name]?.(...values);
    const names = [
      'onRoutingStarted', 'onRoutingCompleted', 'onAgentExecutionStarted', 'onResponseChunk', 'onCompleted', 'onError',
    ];
    for (const name of names) callbacks[name] = pass(name);
    callbacks.onEvent = (event) => {
      pass('onEvent')(event);
      this.#showSoon(streamOf(), event);
    };
    callbacks.onStatus = (status, detail) => {
      pass('onStatus')(status, detail);
      if (this.#stream === streamOf()) this.#show(streamOf(), { error: detail.error });
    };
    return callbacks;
  }

  #last = null;

  /** After the batch: a thousand events of one picture are one rendering. */
  #showSoon(stream, event) {
    const isFirst = this.#last === null;
    this.#last = event;
    if (!isFirst) return;
    queueMicrotask(() => {
      const last = this.#last;
      this.#last = null;
      if (this.#stream === stream) this.#show(stream, { last });
    });
  }

  #show({ text, status, run, counters }, changes) {
    this.snapshot = { ...this.snapshot, text, status, run, counters: { ...counters }, ...changes };
    this.#tell();
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener();
  }
}

/**
 * One stream for one component.
 *
 * @param {object} options those of `processMessageStream`, `onUnmount: 'stop' | 'detach'`, and `callbacks`.
 * @returns {object} the snapshot with `send(message)`, `join(run)` and `stop()`, which stay the same functions.
 */
export function useProcessMessageStream({ callbacks, ...options } = {}) {
  const [store] = useState(() => new StreamStore());
  const latest = useRef(null);
  latest.current = { callbacks, options };
  useEffect(() => {
    store.settings = latest.current;
  });
  useEffect(() => store.mount(), [store]);
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, () => nothing);
  const send = useCallback(
    (message, more) => store.begin((told, given) => processMessageStream(message, told, { ...given, ...more })),
    [store],
  );
  const join = useCallback(
    (run, more) => store.begin((told, given) => joinRun(run, told, { ...given, ...more })),
    [store],
  );
  const stop = useCallback(() => store.stop(), [store]);
  return { ...snapshot, send, join, stop };
}
