// Why something was not done: in the reader's language by its code, and beside it the node's own words.

import { html } from "lit";
import { type Problem, Refusal } from "./api";
import { called, say } from "./words";

/** From here on it is the node's fault, and not refused (RFC 9110, 15.6). */
const FAULT = 500;

export function refusal(error: unknown): string {
  if (error instanceof Refusal) return worded(error.problem, error.message, error.status);
  return error instanceof TypeError ? say("unreachable") : String((error as Error).message);
}

/** The same where it stands in the place of what was done: it does not look like that. */
export function refusedLine(error: unknown): unknown {
  return html`<span class="refused">${refusal(error)}</span>`;
}

/** What a code means; words of the node that has none are all there is. */
export function worded({ code }: Partial<Problem>, detail: string, status = 0): string {
  const meaning = called("refused", code);
  if (code === undefined || meaning === code) return say("failed", { why: verbatim(detail) });
  const whole = status < FAULT ? say("failed", { why: meaning }) : meaning;
  return `${whole} ${say("node-words", { detail: verbatim(detail) })}`;
}

/** The node's own words within a sentence that may run from right to left. */
function verbatim(text: string): string {
  return `\u2068${text}\u2069`;
}
