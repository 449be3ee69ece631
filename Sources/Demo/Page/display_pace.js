// The only place that decides when the page is drawn: events come by the thousand, pictures ten times a second.

/** Draws some time after a request, never more often than once per interval. */
export class DisplayPace {
  #draw;
  #interval;
  #timer = null;
  #drawn = -Infinity;

  /**
   * @param {function(number): boolean} draw draws at the time given, and says whether it wants to be called again.
   * @param {number} interval the least time between two pictures, in milliseconds.
   */
  constructor(draw, interval) {
    this.#draw = draw;
    this.#interval = interval;
  }

  /** Something has changed. Requests that come before the next picture are answered by it together. */
  request() {
    if (this.#timer !== null) return;
    const wait = Math.max(0, this.#drawn + this.#interval - performance.now());
    this.#timer = setTimeout(() => {
      const goesOn = this.#draw(performance.now());
      // The interval counts from the end of a picture, so that slow ones still leave the events their time.
      this.#drawn = performance.now();
      this.#timer = null;
      if (goesOn) this.request();
    }, wait);
  }
}
