// One's own plans: where each stands, what may follow, and who objects.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { View } from "./api";
import { hear, tell } from "./events";
import { Following } from "./following";
import { latest } from "./latest";
import { objected } from "./objected";
import { when } from "./read-back";
import { refusal } from "./refused";
import "./standing";
import { called, say } from "./words";

const PLANS_MAX = 100;

@customElement("detente-plans")
export class PlansPanel extends Following {
  @property() party = "";
  @state() private plans: readonly View[] | null = null;
  @state() private more = false;
  @state() private problem = "";
  @state() private open: string | null = null;
  private ended?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.ended = new AbortController();
    hear("detente-objected", () => this.requestUpdate(), this.ended.signal);
  }

  override disconnectedCallback(): void {
    this.ended?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    return html`<h2>${say("tab.plans")}</h2>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      ${this.plans?.length === 0 ? html`<p>${say("look-no-plans")}</p>` : nothing}
      ${repeat(this.plans ?? [], (one) => one.object, (one) => this.plan(one))}
      ${this.more ? html`<p>${say("more-found")}</p>` : nothing}`;
  }

  private plan(view: View): unknown {
    const { value } = view;
    if (!value || !("state" in value) || !("volumes" in value)) return nothing;
    const name = "name" in value && value.name ? value.name : value.source_id;
    const open = this.open === view.object;
    return html`<section class="plan" aria-label=${name}>
      <h3><button type="button" class="link" aria-expanded=${open} @click=${() => this.turn(open ? null : view.object)}>${name}</button>
        <small>${called("look-state", value.state as string)}</small>
        ${objected.plans.has(view.object) ? html`<small class="late">${say("look-objected-to")}</small>` : nothing}</h3>
      ${open ? html`<dl class="facts">${(value.volumes ?? []).map(when)}</dl>
        <button type="button" @click=${() => tell("detente-object", view.object)}>${say("details")}</button>
        <detente-standing .view=${view} party=${this.party}></detente-standing>` : nothing}
    </section>`;
  }

  private turn(object: string | null): void {
    this.open = object;
    if (object !== null) objected.lookAt(object);
  }

  /** Those that stand, what changed last first. */
  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const { views, more } = await latest(`kind=plan&party=${this.party}`, PLANS_MAX);
      if (!isNews()) return;
      this.plans = views;
      this.more = more;
      this.problem = "";
    } catch (error) {
      if (isNews()) this.problem = refusal(error);
    }
  }
}
