// What feeds and devices sent and the node could not take: by whom, why, how often, when last.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { type Schemas, ask } from "./api";
import { Following, isOpen } from "./following";
import { grouped } from "./grouped";
import { explained, refusal } from "./refused";
import { at, say } from "./words";

type Count = Schemas["RefusedCount"];

/** What stands in the watch changes by itself, and nothing tells of it. */
const AGAIN_MS = 10_000;

const FIRST = 5;
/** Reasons of one sender that are seen without opening the others. */

@customElement("detente-quarantine")
export class Quarantine extends Following {
  @state() private counts: readonly Count[] | null = null;
  @state() private problem = "";
  private ticking = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticking = window.setInterval(() => isOpen(this) && void this.load(), AGAIN_MS);
  }

  override disconnectedCallback(): void {
    clearInterval(this.ticking);
    super.disconnectedCallback();
  }

  override render(): unknown {
    const senders = grouped(this.counts ?? [], nameOf);
    return html`<h3>${say("quarantine.title")}</h3>
      <p class="hint">${say("quarantine.hint")}</p>
      ${this.problem === "" ? nothing : html`<p class="refused" role="status">${this.problem}</p>`}
      ${this.counts?.length === 0 ? html`<p class="hint">${say("quarantine.none")}</p>` : nothing}
      ${senders.map((one) => sender(one))}`;
  }

  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const { counts } = await ask<Schemas["Refused"]>("GET", "/v1/quarantine");
      if (!isNews()) return;
      [this.counts, this.problem] = [counts, ""];
    } catch (error) {
      this.problem = refusal(error);
    }
  }
}

function nameOf({ party, feed, account }: Count): string {
  if (feed) return say("watch.feed-of", { feed, party });
  if (!party) return say("quarantine.unproven");
  return account ? say("quarantine.device", { account, party }) : say("quarantine.devices", { party });
}

/** One that sent it, with its reasons: the latest are first, as the node tells them. */
function sender(counts: readonly [Count, ...Count[]]): unknown {
  const all = counts.reduce((sum, one) => sum + one.count, 0);
  const rest = counts.slice(FIRST);
  return html`<section class="sender"><h4>${nameOf(counts[0])}: ${say("quarantine.count", { count: all })}</h4>
    <ul>${counts.slice(0, FIRST).map(reason)}</ul>
    ${rest.length === 0 ? nothing : html`<details><summary>${say("and-more", { count: rest.length })}</summary><ul>${rest.map(reason)}</ul></details>`}</section>`;
}

function reason({ code, reason: words, count, last }: Count): unknown {
  return html`<li>${explained("unread", code, words)} <small>${say("quarantine.times", { count, time: at(last) })}</small></li>`;
}
