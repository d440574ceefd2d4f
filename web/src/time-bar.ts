// Another time: what had been shown by then, or what is known now of a time to come.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { hear, tell } from "./events";
import { link, linked } from "./link";
import { Speaking, type Word, at as written, say } from "./words";

const HOUR_MS = 3_600_000;
const SPANS = { h6: 6, d1: 24, d7: 168, d30: 720 } as const;
type Span = keyof typeof SPANS;

/** Steps from one end of the span to the other. */
const STEPS = 96;
const STEP_MS = 1_000;

@customElement("detente-time")
export class TimeBar extends Speaking {
  /** Null is now. */
  @state() private time: number | null = timeOf(linked("time"));
  @state() private span: Span = "d1";
  @state() private playing = 0;
  @state() private problem = "";
  /** Around which the span lies; it stands still while one looks. */
  private middle = Date.now();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-not-drawn", (why) => {
      this.problem = why;
      this.pause();
    }, this.over.signal);
    this.go(this.time);
  }

  override disconnectedCallback(): void {
    this.pause();
    this.go(null);
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const half = SPANS[this.span] * HOUR_MS;
    const value = Math.round((((this.time ?? Date.now()) - this.middle + half) / (2 * half)) * STEPS);
    return html`<h2>${say("look-time")}</h2>
      <p class="time-is" role="status" aria-live="polite">${this.label()}</p>
      <label>${say("look-time-move")}<input name="slider" type="range" min="0" max=${STEPS} step="1" .value=${String(value)} dir="ltr"
        aria-valuetext=${this.label()} @input=${(event: Event) => this.slid(Number((event.target as HTMLInputElement).value))}></label>
      <div class="row">
        <label>${say("look-time-at")}<input name="time" type="datetime-local" step="1" dir="ltr"
          .value=${this.time === null ? "" : new Date(this.time).toISOString().slice(0, 19)}
          @change=${(event: Event) => this.typed((event.target as HTMLInputElement).value)}></label>
        <label>${say("look-span")}<select name="span" @change=${(event: Event) => this.wider((event.target as HTMLSelectElement).value as Span)}>
          ${Object.keys(SPANS).map((one) => html`<option value=${one} ?selected=${one === this.span}>${say(`look-span.${one}` as Word)}</option>`)}
        </select></label>
        <button type="button" aria-pressed=${this.playing !== 0} @click=${() => (this.playing ? this.pause() : this.play())}>${say(this.playing ? "look-pause" : "look-play")}</button>
        <button type="button" ?disabled=${this.time === null} @click=${() => { this.pause(); this.go(null); }}>${say("look-to-now")}</button>
      </div>
      ${this.problem === "" ? nothing : html`<p class="refused" role="alert">${say("look-not-drawn", { why: this.problem })}</p>`}
      ${this.time === null ? nothing : html`<p class="hint">${say("look-time-note")}</p>`}`;
  }

  private label(): string {
    if (this.time === null) return say("look-time-now");
    return say(this.time <= Date.now() ? "look-time-past" : "look-time-plan", { time: stamp(this.time) });
  }

  private slid(step: number): void {
    const half = SPANS[this.span] * HOUR_MS;
    const time = this.middle - half + (step / STEPS) * 2 * half;
    this.go(whole(time));
  }

  private typed(text: string): void {
    const time = timeOf(text === "" ? null : `${text.length === 16 ? `${text}:00` : text}Z`);
    if (time !== null && Math.abs(time - this.middle) > SPANS[this.span] * HOUR_MS) this.middle = time;
    this.go(time);
  }

  private wider(span: Span): void {
    this.span = span;
    this.middle = Date.now();
  }

  /** From where one is, or from the beginning of the span. */
  private play(): void {
    const half = SPANS[this.span] * HOUR_MS;
    const [first, last] = [this.middle - half, this.middle + half];
    const step = (2 * half) / STEPS;
    if (this.time === null || this.time < first || this.time + step > last) this.go(whole(first));
    this.playing = window.setInterval(() => {
      const next = (this.time ?? first) + step;
      if (next > last) this.pause();
      else this.go(whole(next));
    }, STEP_MS);
  }

  private pause(): void {
    clearInterval(this.playing);
    this.playing = 0;
  }

  private go(time: number | null): void {
    this.time = time;
    this.problem = "";
    const at = time === null ? null : `${new Date(time).toISOString().slice(0, 19)}Z`;
    link({ time: at });
    tell("detente-time", { at, past: time !== null && time <= Date.now() });
  }
}

/** Whole minutes: what was asked once is asked again. */
function whole(time: number): number {
  return Math.round(time / 60_000) * 60_000;
}

function stamp(time: number): string {
  return written(new Date(time).toISOString());
}

function timeOf(text: string | null): number | null {
  const time = text === null ? NaN : Date.parse(text);
  return Number.isFinite(time) ? time : null;
}
