// The page of the six connections: four panels that ask the same questions at the same time.

import { DisplayPace } from './display_pace.js';
import { StreamPanel } from './stream_panel.js';

const byId = (id) => document.getElementById(id);
const count = byId('count');
const path = '/process/stream';
const probeMilliseconds = 4000;

/** Where the demo listens, and how long its story is. */
const places = await (await fetch('demo.json')).json();

/** The same machine by its other name: its connections are counted apart, so that this page's own stay free. */
const neighbor = location.hostname === '127.0.0.1' ? 'localhost' : '127.0.0.1';
const plainOrigin = `http://${neighbor}:${places.port}`;
const secureOrigin = places.secure_port && `https://${location.hostname}:${places.secure_port}`;
const isHTTP2 = performance.getEntriesByType('navigation')[0]?.nextHopProtocol === 'h2';

async function answers(address, options = {}) {
  try {
    const signal = AbortSignal.timeout(probeMilliseconds);
    return (await fetch(address, { ...options, signal, cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

const hasMux = () => answers('/_sluice/mux', { method: 'OPTIONS' });
const noMux = 'This gateway has no multiplexed subscription (GET /_sluice/mux).';

const ways = [
  {
    name: 'plain',
    title: 'Plain EventSource',
    role: 'the problem',
    isProblem: true,
    how: 'HTTP/1.1, a connection for each stream. Six flow; the others wait until one of them ends, without a word.',
    code: 'new EventSource(\'http://…?message=…\')',
    options: { endpoint: `${plainOrigin}${path}`, transport: 'eventsource' },
    connections: (flowing) => flowing,
    absence: async () => (await answers(`${plainOrigin}/_sluice/client.js`)
      ? '' : `Open this page as http://localhost:${places.port}/connections: it needs the machine's two names.`),
  },
  {
    name: 'http2',
    title: 'HTTP/2',
    role: 'cure 1',
    isProblem: false,
    how: 'The same EventSource over TLS: a connection carries a hundred streams and more. Nothing in the page changes.',
    code: 'new EventSource(\'https://…?message=…\')',
    options: { endpoint: `${isHTTP2 ? location.origin : secureOrigin}${path}`, transport: 'eventsource' },
    connections: (flowing) => Math.min(1, flowing),
    absence: async () => {
      if (isHTTP2) return '';
      if (!secureOrigin) return 'This demo has no listener with TLS; with one, it is a matter of the address alone.';
      return (await answers(`${secureOrigin}/_sluice/client.js`))
        ? '' : `Open ${secureOrigin}/ once and accept the demo's certificate, then come back.`;
    },
  },
  {
    name: 'mux',
    title: 'One subscription',
    role: 'cure 2',
    isProblem: false,
    how: 'HTTP/1.1, and one connection for all streams of a page: each event says whose it is, one id resumes them all.',
    code: 'processMessageStream(…, {transport: \'mux\'})',
    options: { transport: 'mux' },
    connections: (flowing) => Math.min(1, flowing),
    absence: async () => ((await hasMux()) ? '' : noMux),
  },
  {
    name: 'shared',
    title: 'Shared by all tabs',
    role: 'cure 3',
    isProblem: false,
    how: 'The same connection for every tab of the browser, held by a worker. Open this page again: it stays at one.',
    code: 'processMessageStream(…, {transport: \'shared\'})',
    options: { transport: 'shared' },
    connections: (flowing) => Math.min(1, flowing),
    absence: async () => ((await hasMux()) ? '' : noMux),
  },
];

const pace = new DisplayPace(draw, 100);
const panels = ways.map((way) => (
  new StreamPanel({ way, expectedEvents: places.story_events, told: () => pace.request() })
));

function draw(now) {
  for (const panel of panels) panel.draw(now);
  const isRunning = panels.some((panel) => panel.isRunning);
  byId('stop').disabled = !isRunning;
  byId('start').disabled = isRunning;
  count.disabled = isRunning;
  return isRunning;
}

async function run(chosen) {
  byId('announcement').textContent = '';
  await Promise.all(chosen.map((panel) => panel.start(Number(count.value))));
  byId('announcement').textContent = 'All panels have ended.';
}

byId('panels').append(...panels.map((panel) => panel.element));
for (const panel of panels) panel.onRun(() => run([panel]));
byId('start').addEventListener('click', () => run(panels));
byId('stop').addEventListener('click', () => panels.forEach((panel) => panel.stop()));
count.addEventListener('change', () => panels.forEach((panel) => panel.prepare(Number(count.value))));

await Promise.all(panels.map((panel) => panel.check()));
for (const panel of panels) panel.prepare(Number(count.value));
document.body.dataset.ready = 'true';
