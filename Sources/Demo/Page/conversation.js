// The turns of the conversation, oldest first, and the place where the reader is.

import { Turn } from './turn.js';

/** The most turns that are kept on the page. */
const allowedTurns = 50;
/** How near to the end a reader counts as following it, in pixels. */
const nearEnd = 64;

/** The conversation; the latest answer carries the id `answer`. */
export class Conversation {
  #list;
  #view;
  #latest = null;
  /** Whether the reader is at the end, and is kept there. */
  #follows = true;

  /** @param {{list: HTMLElement, view: HTMLElement}} elements the list of turns, and what scrolls it. */
  constructor({ list, view }) {
    this.#list = list;
    this.#view = view;
    view.addEventListener('scroll', () => {
      this.#follows = view.scrollHeight - view.scrollTop - view.clientHeight < nearEnd;
    }, { passive: true });
    // The room shrinks when an error is shown or a long question is written.
    new ResizeObserver(() => this.#follow()).observe(view);
  }

  /** The turn that is, or was, answered last; `null` before the first. */
  get latest() {
    return this.#latest;
  }

  /** Opens a turn for a question and brings it into view. */
  begin(message) {
    this.#latest?.answer.removeAttribute('id');
    this.#latest = new Turn(message);
    this.#latest.answer.id = 'answer';
    this.#list.append(this.#latest.item);
    if (this.#list.childElementCount > allowedTurns) this.#list.firstElementChild.remove();
    this.#follows = true;
    this.#follow();
    // On a low screen it is the page that scrolls.
    this.#latest.item.scrollIntoView({ block: 'nearest' });
    return this.#latest;
  }

  /** Draws the latest turn. Who reads further up stays there. */
  draw() {
    this.#latest?.draw();
    this.#follow();
  }

  #follow() {
    if (this.#follows && this.#latest) this.#view.scrollTop = this.#view.scrollHeight;
  }
}
