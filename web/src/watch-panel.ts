// The watch: alerts gravest first, the track that was picked, and how the feeds are.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { tell } from "./events";
import { follow, isOpen } from "./following";
import "./quarantine";
import { explained, refusedLine } from "./refused";
import { distress } from "./watch-distress";
import { type AlertShown, type FeedState, type Group, type SilentFeed, type Track, watch } from "./watch-live";
import { called_, desk, far, isTakenIn, kindOf, nameOfGroup, nears, soon, takeIn } from "./watch-words";
import { Speaking, at, called, listed, say } from "./words";

const CLOCK_MS = 1_000;

const LISTED_MAX = 50;
/** Nobody reads more at once; the gravest are listed, and the others counted. */

@customElement("detente-watch")
export class WatchPanel extends Speaking {
  @property() party = "";
  @property() track: string | null = null;
  @state() private told: unknown = "";
  private over?: AbortController;
  private ticking = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    watch.start();
    this.over = new AbortController();
    follow(this, "detente-watch", () => this.requestUpdate(), this.over.signal);
    // The clock runs on where nothing is told.
    this.ticking = window.setInterval(() => {
      if (isOpen(this) && watch.sinceHeard() * 1_000 >= CLOCK_MS) this.requestUpdate();
    }, CLOCK_MS / 2);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    clearInterval(this.ticking);
    super.disconnectedCallback();
  }

  override render(): unknown {
    const { silences } = watch;
    const groups = watch.groups.slice(0, LISTED_MAX);
    const unlisted = watch.groups.length - groups.length + watch.groupsLeftOut;
    return html`<h2>${say("tab.watch")}</h2>
      <p class="hint">${say("watch.informs")}</p>
      <p>${watch.asOf ? say("watch.as-of", { time: at(watch.asOf), tracks: watch.tracks.size }) : say("watch.not-yet")}</p>
      <div role="status">
        ${watch.live ? nothing : html`<p class="refused">${say("not-live")}</p>`}
        ${watch.problem ? html`<p class="refused">${say("watch.problem", { why: explained("problem", watch.problemCode, watch.problem) })}</p>` : nothing}
        ${this.told ? html`<p class="said">${this.told}</p>` : nothing}
      </div>
      ${distress()}
      ${this.picked()}
      <h3>${say("watch.alerts")}</h3>
      ${groups.length + silences.length === 0 ? html`<p class="hint">${say("watch.none")}</p>` : nothing}
      <ol class="alerts">${groups.map((one) => html`<li>${this.group(one)}</li>`)}${silences.map((one) => html`<li>${this.silence(one)}</li>`)}</ol>
      ${unlisted > 0 ? html`<p class="refused">${say("watch.more-alerts", { count: unlisted })}</p>` : nothing}
      ${watch.tracksLeftOut ? html`<p class="refused">${say("watch.more-tracks", { count: watch.tracksLeftOut })}</p>` : nothing}
      <h3>${say("watch.feeds")}</h3>
      ${watch.feeds.length === 0 ? html`<p class="hint">${say("watch.no-feeds")}</p>` : this.feeds(watch.feeds)}
      <detente-quarantine></detente-quarantine>`;
  }

  private group(group: Group): unknown {
    return html`<article class="alert ${group.level}">
      <h4><strong>${called("watch.level", group.level)}</strong> ${this.nameOf(group)} <span class="clock">${soon(group)}</span></h4>
      ${group.doubted ? html`<p class="late">${say("watch.doubted")}</p>` : nothing}
      <ul>${group.alerts.map((one) => this.line(one, group.alerts.length > 1))}</ul>
      ${desk(group) && group.track?.party !== this.party ? html`<p>${say("watch.call", { desk: desk(group) })}</p>` : nothing}
      ${this.taking(group.alerts)}
    </article>`;
  }

  private nameOf(group: Group): unknown {
    if (!group.track) return nameOfGroup(group);
    return html`<button type="button" class="link" @click=${() => tell("detente-track", group.id)}>${nameOfGroup(group)}</button>`;
  }

  private line(alert: AlertShown, ofMany: boolean): unknown {
    const object = alert.entry?.object;
    return html`<li>
      ${object ? html`<button type="button" class="link" @click=${() => tell("detente-object", object)}>${nears(alert)}</button>` : nears(alert)}
      ${ofMany ? html`<span class="clock">${soon(alert)}</span>` : nothing}
      ${far(alert) ? html`<span class="far">${far(alert)}</span>` : nothing}
      ${alert.entry?.desk && alert.entry.party !== this.party ? html`<span class="far">${say("watch.call", { desk: desk(alert.entry) })}</span>` : nothing}
      ${proof(alert)}
    </li>`;
  }

  private silence(one: SilentFeed): unknown {
    return html`<article class="alert lost">
      <h4><strong>${say("watch.silent")}</strong> ${say("watch.feed-of", { feed: one.feed, party: one.party })}</h4>
      <p>${one.heard ? say("watch.last-heard", { time: at(one.heard) }) : say("watch.never-heard")}</p>
      ${one.problem ? html`<p>${explained("problem", one.problem_code, one.problem)}</p>` : nothing}
      ${desk(one) && one.party !== this.party ? html`<p>${say("watch.call", { desk: desk(one) })}</p>` : nothing}
      ${proof(one)}
      ${this.taking([one])}
    </article>`;
  }

  /** Who has taken it in, and a button for whoever has not. */
  private taking(alerts: readonly (AlertShown | SilentFeed)[]): unknown {
    const words = new Map(alerts.flatMap((one) => (one.acknowledged ?? []).map((word) => [word.party, word.level])));
    return html`<div class="row">
      ${[...words].map(([party, level]) => html`<span class="taken">${say("watch.taken", { party: party ?? say("watch.reporter"), level: called("level", level) })}</span>`)}
      ${isTakenIn(alerts, this.party)
        ? nothing
        : html`<button type="button" class="main" ?disabled=${!alerts.some((one) => one.leaf)} @click=${() => void this.take(alerts)}>${say("acknowledge")}</button>`}
    </div>`;
  }

  private async take(alerts: readonly (AlertShown | SilentFeed)[]): Promise<void> {
    try {
      const taken = takeIn(alerts, this.party);
      this.requestUpdate();
      const sequence = await taken;
      if (sequence >= 0) this.told = say("acknowledged", { sequence });
    } catch (error) {
      this.told = refusedLine(error);
    }
  }

  private picked(): unknown {
    const track = this.track === null ? undefined : watch.tracks.get(this.track);
    if (this.track === null) return nothing;
    return html`<section class="details" aria-label=${say("watch.track")}>
      <h3>${track ? `${kindOf(track)} ${called_(track)}` : say("watch.track-gone")}</h3>
      ${track ? facts(track) : nothing}
      <button type="button" @click=${() => tell("detente-track", null)}>${say("close")}</button>
    </section>`;
  }

  private feeds(feeds: readonly FeedState[]): unknown {
    return html`<table><thead><tr>
        <th scope="col">${say("watch.feed")}</th><th scope="col">${say("party")}</th>
        <th scope="col">${say("state")}</th><th scope="col">${say("watch.heard")}</th></tr></thead>
      <tbody>${feeds.map((one) => html`<tr class=${one.silent ? "silent" : ""}>
        <td>${one.name}</td><td>${one.party}</td>
        <td>${say(one.silent ? "watch.silent" : "watch.speaks")}${one.problem ? html`<br>${explained("problem", one.problem_code, one.problem)}` : nothing}</td>
        <td>${one.heard ? at(one.heard) : say("watch.never-heard")}<br>${say("watch.positions", { count: one.positions, doubted: one.doubted })}${refused(one)}</td>
      </tr>`)}</tbody></table>`;
  }
}

/** How much of it could not be taken: the node tells it to whoever reports the feed. */
function refused({ refused: reasons }: FeedState): unknown {
  const count = Object.values(reasons).reduce((sum, one) => sum + one, 0);
  return count === 0 ? nothing : html`<br><span class="late">${say("quarantine.count", { count })}</span>`;
}

/** What proves that the party was told, once that is on record. */
function proof(alert: AlertShown | SilentFeed): unknown {
  return alert.object ? html`<a class="far" href="/v1/objects/${alert.object}/evidence" download>${say("evidence")}</a>` : nothing;
}

function facts(track: Track): unknown {
  const rows: [string, string][] = [
    [say("party"), listed([track.party, track.feed])],
    [say("position"), `${track.lat.toFixed(5)}, ${track.lon.toFixed(5)} ± ${Math.round(track.accuracy_m)} m`],
    [say("watch.seen"), at(track.time)],
  ];
  if (track.course_deg !== null && track.course_deg !== undefined) {
    rows.push([say("watch.course"), listed([`${Math.round(track.course_deg)}°`, `${Math.round(track.speed_m_s ?? 0)} m/s`])]);
  }
  if (track.lower_m !== null && track.lower_m !== undefined) {
    rows.push([say("altitude"), `${Math.round(track.lower_m)} – ${track.upper_m === null || track.upper_m === undefined ? "∞" : Math.round(track.upper_m)} m`]);
  }
  const doubts = (track.doubts ?? []).map((one) => called("watch.doubt", one));
  if (doubts.length > 0) rows.push([say("watch.doubts"), listed(doubts, "list.semicolon")]);
  return html`<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}
