// What is new on the watch, on every panel, until it is taken in, looked at or over.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { hear, tell } from "./events";
import { chime } from "./ring";
import { type Group, type SilentFeed, watch } from "./watch-live";
import { isTakenIn, nameOfGroup, nears } from "./watch-words";
import { Speaking, called, say } from "./words";

/** One alert at one level, which is told once. */
interface New {
  key: string;
  text: string;
  level: string;
  /** Of one's own track. */
  own: boolean;
}

@customElement("detente-watch-banner")
export class WatchBanner extends Speaking {
  @property() party = "";
  @state() private news: readonly New[] = [];
  private readonly seen = new Set<string>();
  /** Those that have rung: once each. */
  private readonly rung = new Set<string>();
  private readonly over = new AbortController();

  override connectedCallback(): void {
    super.connectedCallback();
    watch.start();
    hear("detente-watch", () => this.look(), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const [first] = this.news;
    return html`<div role="alert">${first === undefined ? nothing : html`<p class="banner ${first.level}">
      <button type="button" class="link" title=${say("watch.show")} @click=${() => this.show()}>${first.text}${
        this.news.length > 1 ? ` ${say("and-more", { count: this.news.length - 1 })}` : ""}</button></p>`}</div>
      ${first === undefined ? nothing : html`<p class="banner-acts">
        <button type="button" class="wide" @click=${() => this.show()}>${say("watch.show")}</button>
        <button type="button" @click=${() => this.hush()}>${say("watch.hush")}</button></p>`}`;
  }

  private look(): void {
    const standing = [...watch.groups.flatMap((one) => newsOf(one, this.party)), ...watch.silences.flatMap((one) => silenceOf(one, this.party))];
    const keys = new Set(standing.map((one) => one.key));
    // What is over may come again, and is new then.
    for (const past of [this.seen, this.rung]) for (const key of past) if (!keys.has(key)) past.delete(key);
    this.sound(standing.filter((one) => one.own && !this.rung.has(one.key)));
    const news = standing.filter((one) => !this.seen.has(one.key));
    if (news.map((one) => one.text).join() !== this.news.map((one) => one.text).join()) this.news = news;
  }

  private sound(own: readonly New[]): void {
    if (own.length > 0 && chime()) for (const one of own) this.rung.add(one.key);
  }

  private show(): void {
    this.hush();
    tell("detente-tab", "watch");
  }

  private hush(): void {
    for (const one of this.news) this.seen.add(one.key);
    this.news = [];
  }
}

function newsOf(group: Group, party: string): New[] {
  return group.alerts
    .filter((one) => !isTakenIn([one], party))
    .map((one) => ({
      key: `${one.id} ${one.level}`,
      level: one.level,
      own: group.track?.party === party,
      text: say("watch.new", { level: called("watch.level", one.level), track: nameOfGroup(group), entry: nears(one) }),
    }));
}

function silenceOf(one: SilentFeed, party: string): New[] {
  if (isTakenIn([one], party)) return [];
  return [{ key: one.id, level: "lost", own: false, text: say("watch.new-silence", { feed: one.feed, party: one.party }) }];
}
