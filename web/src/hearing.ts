// What a tab hears of the streams (streams.ts), by the worker that all tabs share.

import workerUrl from "./stream-worker?sharedworker&url";
import { CHANNEL, type Said, type StreamName, Streams, type Wish } from "./streams";

let who = "";
let send: ((wish: Wish) => void) | undefined;
let entered: () => void = () => undefined;
const heard = new Map<StreamName, (said: Said) => void>();
const channel = new BroadcastChannel(CHANNEL);

/** The cookie is the browser's: whoever signs in or out does so in all tabs. */
function take(said: Said): void {
  if (who === "") {
    // Where a session ended and the same person comes back, a stream opens and nothing else.
    if (said.data !== "" || said.name === "open") entered();
  } else if (said.name === "who") {
    if (said.data !== who) location.reload();
  } else heard.get(said.stream)?.(said);
}

/** Be told, while this tab is at the door, that somebody went in by another. */
export function whenEntered(then: () => void): void {
  entered = then;
  channel.onmessage = (event: MessageEvent<Said>) => take(event.data);
}

/** Say as whom the page is signed in, before it hears anything. */
export function signedIn(as: string): void {
  who = as;
}

/** Hear all streams anew: somebody signed in again. */
export function hearAgain(): void {
  for (const stream of heard.keys()) send?.({ who, stream });
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
  const worker = new SharedWorker(workerUrl, { type: "module", name: "detente" });
  worker.onerror = () => {
    send = alone();
    for (const stream of heard.keys()) send({ who, stream });
  };
  return (wish) => worker.port.postMessage(wish);
}

function alone(): (wish: Wish) => void {
  const streams = new Streams((said) => {
    take(said);
    if (said.name === "who") channel.postMessage(said);
  });
  return (wish) => streams.want(wish);
}
