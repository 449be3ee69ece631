// One way to open many streams, shown live: how many flow, how many wait, and what it costs.

import { processMessageStream } from '/_sluice/client.js';

import { EventMeter } from './event_meter.js';

const question = 'Tell me a long story';

function element(tag, className, text = '') {
  const created = document.createElement(tag);
  created.className = className;
  created.textContent = text;
  return created;
}

function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

/** One stream of a panel: its state, its last words, how far it is. */
class Lane {
  item = element('li', 'lane');
  events = 0;
  /** Milliseconds from the question to the first event, `null` before. */
  began = null;
  #state = 'idle';
  #stream = null;
  #label = element('p', 'state');
  #words = element('p', 'words');
  #bar = document.createElement('progress');

  constructor(number, expectedEvents) {
    this.number = number;
    this.#bar.max = expectedEvents;
    this.#bar.setAttribute('aria-label', `Answer ${number}`);
    this.item.append(this.#label, this.#words, this.#bar);
    this.draw();
  }

  get state() {
    return this.#state;
  }

  start(options, asked, told) {
    this.#state = 'waiting';
    const stream = processMessageStream(question, {
      onEvent: () => {
        const now = performance.now();
        this.began ??= now - asked;
        this.events += 1;
        this.#state = 'flowing';
        told(now);
      },
    }, { ...options, history: 0 });
    this.#stream = stream;
    return stream.done.then(({ reason, error }) => {
      this.#state = reason === 'completed' ? 'done' : reason === 'failed' ? 'failed' : 'stopped';
      this.error = error;
      told(performance.now());
    });
  }

  /** One that still waits has no run to stop. */
  stop() {
    if (this.#stream?.run) this.#stream.stop();
    else this.#stream?.detach();
  }

  draw() {
    write(this.#label, `${this.number} ${this.#state}`);
    // The end of a text is what moves.
    const began = this.#state === 'done' ? `after ${seconds(this.began)}` : '';
    write(this.#words, this.#state === 'flowing' ? this.#stream.text.slice(-20) : began);
    this.#bar.value = this.events;
    if (this.item.dataset.state !== this.#state) this.item.dataset.state = this.#state;
  }
}

/** A panel. `way` has `title`, `role`, `how`, `code`, `options`, `connections(flowing)` and `absence()`. */
export class StreamPanel {
  element = element('section', 'panel');
  /** Why this way can't be shown here; empty where it can. */
  absence = '';
  #way;
  #told;
  #expectedEvents;
  #lanes = [];
  #meter = new EventMeter();
  #isRunning = false;
  #result = element('p', 'result');
  #list = element('ol', 'lanes');
  #headline = element('strong', '', '0');
  #ofAll = element('span', '');
  #figures = {};
  #button = element('button', 'run', 'Run this one');

  /** @param {{way: object, expectedEvents: number, told: function()}} options `told` is called at each change. */
  constructor({ way, expectedEvents, told }) {
    this.#way = way;
    this.#expectedEvents = expectedEvents;
    this.#told = told;
    this.element.id = `panel-${way.name}`;
    this.element.classList.toggle('problem', way.isProblem);
    const title = element('h3', '', way.title);
    title.append(element('span', '', way.role));
    const headline = element('p', 'headline');
    headline.append(this.#headline, this.#ofAll);
    this.#button.type = 'button';
    this.element.append(
      title, element('p', 'how', way.how), element('code', 'code', way.code), headline, this.#dl(), this.#list,
      this.#result, this.#button,
    );
  }

  get isRunning() {
    return this.#isRunning;
  }

  /** What is pressed to run only this one. */
  onRun(run) {
    this.#button.addEventListener('click', run);
  }

  /** Finds out whether this way exists here. */
  async check() {
    this.absence = await this.#way.absence();
    this.element.classList.toggle('absent', this.absence !== '');
    this.#button.hidden = this.absence !== '';
    this.#told();
  }

  /** Shows so many lanes that nothing flows in yet. */
  prepare(count) {
    if (this.#isRunning) return;
    this.#lanes = Array.from({ length: this.absence ? 0 : count }, (_, index) => (
      new Lane(index + 1, this.#expectedEvents)
    ));
    this.#list.replaceChildren(...this.#lanes.map((lane) => lane.item));
    this.#meter.reset();
    this.element.classList.remove('begun');
    write(this.#result, this.absence);
    this.#told();
  }

  /** Asks in every lane; resolves when all have ended. */
  async start(count) {
    if (this.#isRunning || this.absence) return;
    this.prepare(count);
    const asked = performance.now();
    this.#isRunning = true;
    this.element.classList.add('begun');
    this.#meter.open(asked);
    const told = (now) => {
      this.#meter.add(now);
      this.#told();
    };
    await Promise.all(this.#lanes.map((lane) => lane.start(this.#way.options, asked, told)));
    const now = performance.now();
    this.#meter.close(now);
    this.#isRunning = false;
    write(this.#result, this.#resultOf(now - asked));
    this.#told();
  }

  stop() {
    for (const lane of this.#lanes) lane.stop();
  }

  draw(now) {
    const count = (state) => this.#lanes.filter((lane) => lane.state === state).length;
    const flowing = count('flowing');
    const done = count('done');
    const latest = Math.max(...this.#lanes.map((lane) => lane.began ?? 0), 0);
    const all = this.#lanes.length;
    const isDone = all > 0 && done === all;
    write(this.#headline, this.absence ? '–' : isDone ? seconds(this.#meter.uptime(now)) : String(flowing));
    write(this.#ofAll, this.absence ? 'not here' : isDone ? `for ${all} answers` : `of ${all} flow`);
    write(this.#figures.connections, this.absence ? '–' : String(this.#way.connections(flowing)));
    write(this.#figures.waiting, this.absence ? '–' : String(count('waiting')));
    write(this.#figures.rate, this.absence ? '–' : String(this.#meter.rate(now)));
    write(this.#figures.latest, latest > 0 ? seconds(latest) : '–');
    this.#button.disabled = this.#isRunning;
    for (const lane of this.#lanes) lane.draw();
  }

  #resultOf(time) {
    const failed = this.#lanes.find((lane) => lane.state === 'failed');
    if (failed) return failed.error.message;
    if (this.#lanes.some((lane) => lane.state === 'stopped')) return `Stopped after ${seconds(time)}.`;
    const last = Math.max(...this.#lanes.map((lane) => lane.began));
    return `All answered in ${seconds(time)}; the last one began after ${seconds(last)}.`;
  }

  #dl() {
    const list = element('dl', 'figures');
    const names = { connections: 'Connections', waiting: 'Waiting', rate: 'Events/s', latest: 'Last began' };
    for (const [key, name] of Object.entries(names)) {
      const pair = document.createElement('div');
      this.#figures[key] = element('dd', key, '0');
      pair.append(element('dt', '', name), this.#figures[key]);
      list.append(pair);
    }
    return list;
  }
}
