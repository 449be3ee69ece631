// Wires the page together: what people do goes to the stream, what the stream brings goes to the page.

import { joinRun, processMessageStream, Status } from '/_sluice/client.js';

import { Conversation } from './conversation.js';
import { DisplayPace } from './display_pace.js';
import { EventLog } from './event_log.js';
import { clockText, EventMeter } from './event_meter.js';

const byId = (id) => document.getElementById(id);
const message = byId('message');
const stop = byId('stop');

/** What people can do about a failure, by its reason. */
const advice = {
  evicted: 'Close a tab that you do not need, then send the message again.',
  expired: 'Sign in, then send the message again.',
  network: 'It may be starting. Wait a moment, then send the message again.',
  refused: 'Wait a moment, then send the message again.',
};

const conversation = new Conversation({ list: byId('conversation'), view: byId('reading') });
const log = new EventLog({ panel: byId('log-panel'), list: byId('log'), size: byId('log-size') });
const meter = new EventMeter();
const pace = new DisplayPace(draw, 100);

/** The stream that is, or was, followed last; `null` before the first. */
let stream = null;
let isRunning = false;
let status = Status.idle;
let question = '';

// What people do.

function ask(text) {
  if (isRunning) stream.stop();
  hideError();
  announce('');
  question = text;
  follow(text, (callbacks) => processMessageStream(text, callbacks));
}

/** Opens a turn and has a stream tell it what comes. */
function follow(text, start) {
  meter.reset();
  byId('welcome').hidden = true;
  const turn = conversation.begin(text);
  const own = start({
    onStatus: (...values) => own === stream && changed(turn, ...values),
    onEvent: (event) => own === stream && arrived(turn, event),
    onResponseChunk: () => turn.replace(own.text),
  });
  stream = own;
  isRunning = true;
  own.done.then((outcome) => ended(turn, outcome, own === stream));
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = message.value.trim();
  message.focus();
  if (text === '') return;
  message.value = '';
  ask(text);
});

message.addEventListener('keydown', (event) => {
  // While an input method composes, Enter chooses a candidate.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('composer').requestSubmit();
});

byId('suggestions').addEventListener('click', (event) => {
  const suggestion = event.target.closest('button');
  if (suggestion) ask(suggestion.textContent);
});

stop.addEventListener('click', () => stream?.stop());
byId('again').addEventListener('click', () => ask(question));
byId('dismiss').addEventListener('click', () => hideError());
byId('log-panel').addEventListener('toggle', () => pace.request());

// The address names the run, so a reload or a copy of it in another tab joins the run and never begins a second one.
const named = /^#run=([a-z2-7]{26})$/.exec(location.hash);

// What the stream brings.

function changed(turn, next, { wait, error }) {
  const now = performance.now();
  if (next === Status.connected) {
    if (meter.count > 0) turn.wait('connected again, waiting for the rest');
    meter.open(now);
  }
  if (next === Status.connecting && (status === Status.connected || error)) {
    const seconds = Math.ceil((wait ?? 0) / 1000);
    turn.wait(error ? `${error.message} Trying again in ${seconds} s` : 'connection lost, trying again');
  }
  status = next;
  log.add({ kind: next });
  pace.request();
}

function arrived(turn, event) {
  if (stream.run && !location.hash.endsWith(stream.run)) history.replaceState(null, '', `#run=${stream.run}`);
  meter.add(performance.now());
  log.add({ sequence: event.sequence ?? '', kind: event.kind, text: event.data });
  switch (event.kind) {
    case 'routing_started':
      question = String(event.payload.message ?? question);
      turn.ask(question);
      break;
    case 'routing_completed':
      turn.choose(String(event.payload.agent), String(event.payload.reason ?? ''));
      turn.wait('starting');
      break;
    case 'agent_execution_started':
      turn.wait('thinking');
      break;
    case 'response_chunk':
      turn.wait('writing');
      break;
    case 'sluice.gap':
      turn.wait('some events were lost, the rest follows');
      break;
  }
  pace.request();
}

function ended(turn, { reason, text, error }, isLatest) {
  const now = performance.now();
  turn.replace(text);
  if (isLatest) {
    isRunning = false;
    meter.close(now);
  }
  const seconds = (meter.uptime(now) / 1000).toFixed(1);
  const amount = `${meter.count} ${meter.count === 1 ? 'event' : 'events'} in ${seconds} s`;
  switch (reason) {
    case 'completed':
      turn.end(amount);
      announce(`Answer: ${turn.text}`);
      break;
    case 'stopped':
      // The counters are those of the next stream already where that is why it was stopped.
      turn.end(isLatest ? `stopped after ${amount}` : 'stopped');
      announce('Stopped.');
      break;
    default:
      turn.end(`ended with an error after ${amount}`);
      showError(error.message, advice[error.reason] ?? 'Send the message again, or ask something else.');
  }
  // Drawn at once: the next question may follow before the next picture.
  turn.draw();
  pace.request();
}

// What the page shows.

function draw(now) {
  write('status', status);
  byId('status').dataset.status = status;
  write('events-count', String(meter.count));
  write('events-rate', String(meter.rate(now)));
  write('uptime', clockText(meter.uptime(now)));
  write('run', stream?.run || 'none yet');
  conversation.draw();
  log.draw();
  if (stop.disabled === isRunning) {
    // A button that is disabled while it has the focus would lose it to nowhere.
    if (document.activeElement === stop) message.focus();
    stop.disabled = !isRunning;
  }
  // The uptime and the rate move on without any event.
  return isRunning;
}

function write(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** Read out once, at the end: a live region that grows word by word cannot be listened to. */
function announce(text) {
  write('announcement', text);
}

function showError(what, advice) {
  const title = document.createElement('strong');
  title.textContent = what;
  byId('trouble').hidden = false;
  byId('error').replaceChildren(title, ' ', advice);
}

function hideError() {
  const trouble = byId('trouble');
  if (trouble.contains(document.activeElement)) message.focus();
  trouble.hidden = true;
  byId('error').replaceChildren();
}

// Where there is room beside the conversation the log is worth seeing from the start.
byId('log-panel').open = matchMedia('(min-width: 62rem)').matches;
// Under a finger the focus would bring up the keyboard, uncalled.
if (!matchMedia('(pointer: coarse)').matches) message.focus({ preventScroll: true });

if (named) follow('…', (callbacks) => joinRun(named[1], callbacks));
