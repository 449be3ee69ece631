// One question and its answer on the page. Events only change its state; drawing writes what has changed.

/** The most characters of an answer that are shown. */
const allowedCharacters = 200_000;
const cutNote = '\n\n[The rest of this answer is not shown.]';

function element(tag, className, text = '') {
  const created = document.createElement(tag);
  created.className = className;
  created.textContent = text;
  return created;
}

/** A question, and an answer that grows. */
export class Turn {
  /** The list item of the conversation. */
  item = element('li', 'turn');
  /** The element that holds the text of the answer and nothing else. */
  answer = element('p', 'text');

  #who = element('p', 'who');
  #progress = element('p', 'progress');
  #outcome = element('p', 'outcome');
  #question = document.createTextNode('');
  #written = document.createTextNode('');

  #agent = '';
  #reason = '';
  #text = '';
  #stage = 'choosing an agent';
  #result = '';

  constructor(message) {
    const asked = element('p', 'asked');
    this.#question.data = message;
    asked.append(element('span', 'unseen', 'You asked: '), this.#question);
    this.answer.append(this.#written);
    const answered = element('div', 'answered');
    answered.append(this.#who, this.answer, this.#progress, this.#outcome);
    this.item.append(asked, answered);
    this.draw();
  }

  /** The answer so far. */
  get text() {
    return this.#text;
  }

  /** The name of the agent, empty before one is chosen. */
  get agent() {
    return this.#agent;
  }

  /** The question, where it becomes known only now. */
  ask(message) {
    if (this.#question.data !== message) this.#question.data = message;
  }

  /** An agent has been chosen. */
  choose(agent, reason) {
    this.#agent = agent;
    this.#reason = reason;
  }

  /** What is going on, in a few words; shown until the answer has ended. */
  wait(stage) {
    this.#stage = stage;
  }

  /** The answer is this. */
  replace(text) {
    this.#text = text.length > allowedCharacters ? text.slice(0, allowedCharacters) + cutNote : text;
  }

  /** The answer has ended. */
  end(result) {
    this.#stage = '';
    this.#result = result;
  }

  /** Writes to the page what is not there yet. */
  draw() {
    const written = this.#written;
    if (this.#text.startsWith(written.data)) {
      if (this.#text.length > written.length) written.appendData(this.#text.slice(written.length));
    } else {
      written.data = this.#text;
    }
    this.#write(this.#who, this.#agent && `${this.#agent} agent`, this.#reason);
    this.#write(this.#progress, this.#stage);
    this.#write(this.#outcome, this.#result);
    this.item.classList.toggle('live', this.#stage !== '');
  }

  /** Parts of a line, each in an element of its own; a line without any is hidden. */
  #write(line, ...parts) {
    const shown = parts.filter((part) => part !== '');
    line.hidden = shown.length === 0;
    if (line.textContent === shown.join(' ')) return;
    line.replaceChildren(...shown.flatMap((part, index) => [index > 0 ? ' ' : '', element('span', '', part)]));
  }
}
