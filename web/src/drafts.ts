// What a report is to be about, from where one looked to where one writes.

import { tell } from "./events";

export interface About {
  object: string;
  name: string;
  /** It is passed on with the report, which its author must have let; else only spoken of. */
  passedOn: boolean;
  /** The report answers it. */
  answers: boolean;
}

let waiting: About | null = null;

export function begin(about: About): void {
  waiting = about;
  tell("detente-draft", null);
}

/** The draft that waits, once. */
export function begun(): About | null {
  const found = waiting;
  waiting = null;
  return found;
}
