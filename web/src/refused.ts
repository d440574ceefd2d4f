// Why something was not done: in the reader's language by its code, and beside it the node's own words.

import { html } from "lit";
import { Refusal } from "./api";
import { called, say } from "./words";

/** From here on it is the node's fault, and not refused (RFC 9110, 15.6). */
const FAULT = 500;

/** A refusal by its code, and the status with which it came, if it came with one. */
interface Told {
  code?: string | undefined;
  status?: number | undefined;
}

export function refusal(error: unknown): string {
  if (error instanceof Refusal) return worded({ ...error.problem, status: error.status }, error.message);
  return error instanceof TypeError ? say("unreachable") : String((error as Error).message);
}

/** The same where it stands in the place of what was done: it does not look like that. */
export function refusedLine(error: unknown): unknown {
  return html`<span class="refused">${refusal(error)}</span>`;
}

/** What a code means, and of which field; words of the node that has none are all there is. */
export function worded({ code, status = 0 }: Told, detail: string, field = ""): string {
  const meaning = called("refused", code);
  if (code === undefined || meaning === code) return say("failed", { why: verbatim(detail) });
  const why = field === "" ? meaning : `${field}: ${meaning}`;
  return beside(status < FAULT ? say("failed", { why }) : meaning, detail);
}

/** What a refusal's code means by itself. */
export function meaningOf(code: string | undefined): string {
  const meaning = called("refused", code);
  return meaning === code ? "" : meaning;
}

/** What something means, and beside it what the node says of it. */
export function beside(meaning: string, detail: string): string {
  return `${meaning} ${say("node-words", { detail: verbatim(detail) })}`;
}

/** What a code of a group means, beside the node's own words; these alone where it has no meaning here. */
export function explained(group: string, code: string | null | undefined, detail: string): string {
  const meaning = called(group, code);
  return meaning === "" || meaning === code ? verbatim(detail) : beside(meaning, detail);
}

/** The node's own words within a sentence that may run from right to left. */
export function verbatim(text: string): string {
  return `\u2068${text}\u2069`;
}
