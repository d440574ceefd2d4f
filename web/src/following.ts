// Elements that show what the node knows, and ask again when something changed.
//
// A panel that was opened stays, hidden while another is open: what is hidden asks nothing, and
// catches up when it is opened again.

import { type Told, hear } from "./events";
import { Speaking } from "./words";

/** Whether the panel around an element is the open one. */
export function isOpen(of: Element): boolean {
  return of.closest("[role=tabpanel][hidden]") === null;
}

/** Do it whenever this is told, and when the panel around an element is opened again. */
export function follow(of: Element, name: keyof Told, then: () => void, signal: AbortSignal): void {
  hear(name, () => isOpen(of) && then(), signal);
  whenOpenedAgain(of, then, signal);
}

export function whenOpenedAgain(of: Element, then: () => void, signal: AbortSignal): void {
  hear("detente-opened", ({ again }) => again && isOpen(of) && then(), signal);
}

/** Whose turn it is among questions: answers may overtake. */
export class Turns {
  private last = 0;
  private shown = 0;

  /** Before one asks; then whether nothing was asked since. */
  next(): () => boolean {
    const mine = ++this.last;
    return () => mine === this.last;
  }

  /** Before one asks the same again; then whether the answer is not older than what is shown. */
  again(): () => boolean {
    const mine = ++this.last;
    return () => mine >= this.shown && (this.shown = mine) > 0;
  }
}

export abstract class Following extends Speaking {
  private over?: AbortController;
  private readonly turns = new Turns();

  protected abstract load(): Promise<void>;

  /** Before one asks; then whether the answer is not older than what is shown. */
  protected asking(): () => boolean {
    return this.turns.again();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    follow(this, "detente-changed", () => void this.load(), this.over.signal);
    void this.load();
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }
}
