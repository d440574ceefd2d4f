// The panels, in the order of their tabs.

import { html } from "lit";
import "./check-panel";
import "./notice-panel";
import "./picture-panel";
import "./told-panel";
import "./watch-banner";
import "./watch-panel";

/** What a panel is told: the object whose details are asked for, and who asks. */
export interface Given {
  object: string | null;
  party: string;
  /** The track that was picked. */
  track?: string | null;
}

export const PANELS = {
  picture: (given: Given) => html`<detente-picture .object=${given.object} party=${given.party}></detente-picture>`,
  check: () => html`<detente-check></detente-check>`,
  notice: () => html`<detente-notice></detente-notice>`,
  watch: (given: Given) => html`<detente-watch party=${given.party} .track=${given.track ?? null}></detente-watch>`,
  told: () => html`<detente-told></detente-told>`,
};
export type Tab = keyof typeof PANELS;
export const TABS = Object.keys(PANELS) as Tab[];
