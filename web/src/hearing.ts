// What a tab hears of the streams (streams.ts), by the worker that all tabs share.

import workerUrl from "./stream-worker?sharedworker&url";
import { CHANNEL, type Said, type StreamName, Streams, type Wish } from "./streams";

let who = "";
let send: ((wish: Wish) => void) | undefined;
const heard = new Map<StreamName, (said: Said) => void>();

function take(said: Said): void {
  // The cookie is the browser's: whoever signs in or out does so in all tabs.
  if (said.name === "who") {
    if (said.data !== who) location.reload();
  } else heard.get(said.stream)?.(said);
}

/** Say as whom the page is signed in, before it hears anything. */
export function signedIn(as: string): void {
  who = as;
}

/** Say that nobody is signed in any more, to the other tabs as well. */
export function signedOut(): void {
  who = "";
  send?.({ who, stream: "events" });
}

/** Hear a stream from now on. */
export function hearStream(stream: StreamName, then: (said: Said) => void): void {
  heard.set(stream, then);
  send ??= started();
  send({ who, stream });
}

function started(): (wish: Wish) => void {
  if (typeof SharedWorker === "undefined") return alone();
  new BroadcastChannel(CHANNEL).onmessage = (event: MessageEvent<Said>) => take(event.data);
  const worker = new SharedWorker(workerUrl, { type: "module", name: "detente" });
  worker.onerror = () => {
    send = alone();
    for (const stream of heard.keys()) send({ who, stream });
  };
  return (wish) => worker.port.postMessage(wish);
}

function alone(): (wish: Wish) => void {
  const streams = new Streams(take);
  return (wish) => streams.want(wish);
}
