// Has anything been counted, and is the server there? Asks for the status once a second while somebody looks.

import { ask } from "./source.js";

const POLL_MS = 1_000;
const AWAY_MS = [1_000, 2_000, 3_000, 5_000];
const STATUS_MS_MAX = 5_000;
const TICK_MS = 30_000; // days end and cells become complete also when nothing is counted
const COUNTS = ["applied", "dead_letters", "erased", "offset_holes"];

/** Watches the pipeline. `onStatus(answer, away)` at every look, `onChange()` when the numbers may differ from before. */
export class Live {
  #stamp = null;
  #failures = 0;
  #changedAt = 0;
  #timer = 0;
  #looking = false;

  constructor({ onStatus, onChange }) {
    this.onStatus = onStatus;
    this.onChange = onChange;
    this.skewMs = 0; // how much the server's clock is ahead of the browser's
  }

  /** Begins to watch; rests while the tab is hidden and looks at once when it is shown again. */
  start() {
    document.addEventListener("visibilitychange", () => this.#look());
    addEventListener("online", () => this.#look());
    this.#look();
  }

  /** Looks at once. */
  look() {
    this.#look();
  }

  /** The server's time. */
  now() {
    return new Date(Date.now() + this.skewMs);
  }

  async #look() {
    clearTimeout(this.#timer);
    if (this.#looking || document.hidden) return;
    this.#looking = true;
    const answer = await ask("/api/v1/status", { ms: STATUS_MS_MAX });
    this.#looking = false;
    this.#take(answer);
    const wait = AWAY_MS[Math.min(this.#failures, AWAY_MS.length) - 1] ?? POLL_MS;
    this.#timer = setTimeout(() => this.#look(), wait);
  }

  #take(answer) {
    const wasAway = this.#failures > 0;
    const away = answer.status === 0;
    this.#failures = away ? this.#failures + 1 : 0;
    if (!Number.isNaN(answer.at)) this.skewMs = Math.round((answer.at - Date.now()) / 1_000) * 1_000;
    this.onStatus(answer, away);
    if (away) return;
    // Without Kafka there is no status; numbers come from Redis and may still move.
    const stamp = answer.status === 200 ? COUNTS.map((name) => answer.data[name]).join() : `${answer.status} ${performance.now()}`;
    const old = performance.now() - this.#changedAt > TICK_MS;
    if (stamp === this.#stamp && !wasAway && !old) return;
    this.#stamp = stamp;
    this.#changedAt = performance.now();
    this.onChange();
  }
}
