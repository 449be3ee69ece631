// Wires the page together: what people do goes to the stream, what the stream brings goes to the page.

import { answerText } from './answer_text.js';
import { Conversation } from './conversation.js';
import { DisplayPace } from './display_pace.js';
import { EventLog } from './event_log.js';
import { clockText, EventMeter } from './event_meter.js';
import { describeError } from './run_error.js';
import { RunStream, Status } from './run_stream.js';

const byId = (id) => document.getElementById(id);
const message = byId('message');
const stop = byId('stop');

/** The longest question in the address of a stream, in bytes: proxies commonly take lines of 8 KiB. */
const allowedQuestionBytes = 7000;

const conversation = new Conversation({ list: byId('conversation'), view: byId('reading') });
const log = new EventLog({ panel: byId('log-panel'), list: byId('log'), size: byId('log-size') });
const meter = new EventMeter();
const pace = new DisplayPace(draw, 100);
const stream = new RunStream({ changed, arrived, ended });

let status = Status.idle;
let run = '';
let question = '';

// What people do.

function ask(text) {
  if (encodeURIComponent(text).length > allowedQuestionBytes) {
    showError('The message is too long for the address of a stream.', 'Shorten it, then send it again.');
    return;
  }
  stream.stop();
  hideError();
  announce('');
  question = text;
  begin(text);
  stream.start(text);
}

function begin(text) {
  run = '';
  meter.reset();
  byId('welcome').hidden = true;
  conversation.begin(text);
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

stop.addEventListener('click', () => stream.stop());
byId('again').addEventListener('click', () => ask(question));
byId('dismiss').addEventListener('click', () => hideError());
byId('log-panel').addEventListener('toggle', () => pace.request());

// A page in the back/forward cache would hold its stream open without ever reading it.
addEventListener('pagehide', () => stream.leave());

// The address names the run, so a reload or a copy of it in another tab joins the run and never begins a second one.
const named = /^#run=([a-z2-7]{26})$/.exec(location.hash);

// What the stream brings.

function changed(next) {
  const now = performance.now();
  if (next === Status.connected) {
    if (meter.count > 0) conversation.latest.wait('connected again, waiting for the rest');
    meter.open(now);
  }
  if (next === Status.connecting && status === Status.connected) {
    conversation.latest.wait('connection lost, trying again');
  }
  status = next;
  log.add({ kind: next });
  pace.request();
}

function arrived(event) {
  const turn = conversation.latest;
  if (event.run && event.run !== run) {
    // The first event, or a run that had to begin again: what the old one said is not part of the new answer.
    run = event.run;
    turn.replace('');
    history.replaceState(null, '', `#run=${run}`);
  }
  meter.add(performance.now());
  log.add({ sequence: event.sequence, kind: event.kind, text: event.raw });
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
      turn.append(answerText(event.payload));
      turn.wait('writing');
      break;
    case 'completed':
      // It carries the whole text, and so repairs an answer with a gap.
      turn.replace(answerText(event.payload) || turn.text);
      break;
    case 'sluice.gap':
      turn.wait('some events were lost, the rest follows');
      break;
    case 'sluice.busy':
      turn.wait(
        `the gateway is full (${event.payload?.bound ?? 'a limit'}), trying again in ${event.payload?.retry_after ?? 'a few'} s`,
      );
      break;
  }
  pace.request();
}

function ended(reason, event) {
  const now = performance.now();
  const turn = conversation.latest;
  meter.close(now);
  const seconds = (meter.uptime(now) / 1000).toFixed(1);
  const amount = `${meter.count} ${meter.count === 1 ? 'event' : 'events'} in ${seconds} s`;
  switch (reason) {
    case 'completed':
      turn.end(amount);
      announce(`Answer: ${turn.text}`);
      break;
    case 'stopped':
      turn.end(`stopped after ${amount}`);
      announce('Stopped.');
      break;
    default: {
      const { what, advice } = describeError(reason, event?.payload);
      turn.end(`ended with an error after ${amount}`);
      showError(what, advice);
    }
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
  write('run', run || 'none yet');
  conversation.draw();
  log.draw();
  if (stop.disabled === stream.isRunning) {
    // A button that is disabled while it has the focus would lose it to nowhere.
    if (document.activeElement === stop) message.focus();
    stop.disabled = !stream.isRunning;
  }
  // The uptime and the rate move on without any event.
  return stream.isRunning;
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

if (named) {
  begin('…');
  stream.join(named[1]);
}
