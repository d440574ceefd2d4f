// The panels, in the order of their tabs.

import { html } from "lit";
import "./check-panel";
import "./notice-panel";
import "./picture-panel";
import "./plans-panel";
import "./told-panel";

/** What a panel is told: the object whose details are asked for, and who asks. */
export interface Given {
  object: string | null;
  party: string;
}

export const PANELS = {
  picture: (given: Given) => html`<detente-picture .object=${given.object} party=${given.party}></detente-picture>`,
  check: () => html`<detente-check></detente-check>`,
  notice: () => html`<detente-notice></detente-notice>`,
  plans: (given: Given) => html`<detente-plans party=${given.party}></detente-plans>`,
  told: () => html`<detente-told></detente-told>`,
};
export type Tab = keyof typeof PANELS;
export const TABS = Object.keys(PANELS) as Tab[];
