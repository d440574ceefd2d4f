// The newest of a search: the node lists in the order of the record, oldest first.

import { type Schemas, type View, ask } from "./api";
import { say } from "./words";

const PAGE = 1_000;
const PAGES_MAX = 50;
/** Pages asked for: more than a month's reports of a busy theatre. */

export async function latest(query: string, count: number): Promise<{ views: View[]; more: boolean }> {
  let found: View[] = [];
  let after = -1;
  let left = false;
  for (let pages = 0; ; pages++) {
    const page: Schemas["Page"] = await ask("GET", `/v1/objects?${query}&limit=${PAGE}&after=${after}`);
    found = [...found, ...page.objects];
    left ||= found.length > count;
    found = found.slice(-count);
    if (!page.more || page.after === after) return { views: found.reverse(), more: left };
    after = page.after;
    if (pages === PAGES_MAX) throw new Error(say("more-found"));
  }
}
