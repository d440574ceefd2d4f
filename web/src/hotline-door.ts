// Before anybody has signed in: a browser that its party enrolled can call, and nothing else.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { type Schemas, ask } from "./api";
import "./hotline-form";
import { Speaking, say } from "./words";

@customElement("detente-hotline-door")
export class HotlineDoor extends Speaking {
  @state() private device: Schemas["Device"] | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void ask<Schemas["Device"]>("GET", "/v1/device").then((one) => (this.device = one), () => undefined);
  }

  override render(): unknown {
    if (this.device === null) return nothing;
    return html`<section><h2>${say("hotline.as-device", { party: this.device.party })}</h2>
      <detente-hotline-form bare></detente-hotline-form></section>`;
  }
}
