// The raw events, newest last: a bounded list in memory and, while the panel is open, on the page.

/** The most entries that are kept. */
const allowedEntries = 1000;
/** The most characters of an event that are kept. */
const allowedCharacters = 400;

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23',
});

function row({ sequence, time, kind, text }) {
  const cell = (name, tag, content) => {
    const element = document.createElement(tag);
    element.className = name;
    element.textContent = content;
    return element;
  };
  const item = document.createElement('li');
  item.append(cell('sequence', 'span', sequence), cell('kind', 'span', kind), cell('time', 'time', clock.format(time)));
  if (text) item.append(cell('raw', 'code', text));
  return item;
}

/** The log and its panel. */
export class EventLog {
  #panel;
  #list;
  #size;
  #entries = [];
  /** Entries that are not on the page yet; they are the last ones. */
  #pending = 0;

  /** @param {{panel: HTMLDetailsElement, list: HTMLElement, size: HTMLElement}} elements */
  constructor({ panel, list, size }) {
    this.#panel = panel;
    this.#list = list;
    this.#size = size;
  }

  /** Keeps an entry; notes of the page itself have no sequence. */
  add({ sequence = '', kind, text = '' }) {
    const shown = text.length > allowedCharacters ? `${text.slice(0, allowedCharacters)}…` : text;
    this.#entries.push({ sequence, kind, text: shown, time: new Date() });
    // Cut in bulk, because moving a thousand entries for each new one is what a fast stream cannot afford.
    if (this.#entries.length >= 2 * allowedEntries) this.#entries.splice(0, this.#entries.length - allowedEntries);
    this.#pending = Math.min(this.#pending + 1, allowedEntries);
  }

  /** Brings the panel up to date. A closed one costs nothing but its count. */
  draw() {
    const count = Math.min(this.#entries.length, allowedEntries);
    const size = count === 0 ? 'empty' : count === allowedEntries ? `last ${allowedEntries}` : String(count);
    if (this.#size.textContent !== size) this.#size.textContent = size;
    if (!this.#panel.open || this.#pending === 0) return;

    const list = this.#list;
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    const surplus = list.childElementCount + this.#pending - allowedEntries;
    for (let index = 0; index < surplus; index += 1) list.firstElementChild.remove();
    list.append(...this.#entries.slice(-this.#pending).map(row));
    this.#pending = 0;
    if (follows) list.scrollTop = list.scrollHeight;
  }
}
