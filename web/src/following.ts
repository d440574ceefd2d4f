// An element that shows what the node knows, and asks again when something changed.

import { hear } from "./events";
import { Speaking } from "./words";

export abstract class Following extends Speaking {
  private over?: AbortController;
  private turns = 0;
  private shown = 0;

  protected abstract load(): Promise<void>;

  /** Before one asks; then whether the answer is not older than what is shown: answers may overtake. */
  protected asking(): () => boolean {
    const mine = ++this.turns;
    return () => mine >= this.shown && (this.shown = mine) > 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-changed", () => void this.load(), this.over.signal);
    void this.load();
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }
}
