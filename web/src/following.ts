// An element that shows what the node knows, and asks again when something changed.

import { hear } from "./events";
import { Speaking } from "./words";

export abstract class Following extends Speaking {
  private over?: AbortController;

  protected abstract load(): Promise<void>;

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
