// What the node tells as it happens, heard once for all tabs of a browser.
//
// A browser has six connections to a node by HTTP/1.1, and each stream holds one: three tabs with
// two streams each would leave none for a call. So a shared worker holds the streams, and tells
// the tabs. Where a browser has none, each tab hears by itself.

export type StreamName = "events" | "watch";

/** What a tab wants to hear, and as whom it is signed in; as nobody it wants nothing. */
export interface Wish {
  who: string;
  stream: StreamName;
}

/** What is told to all tabs; `name` is of the event, or `open`, `error`, and `who` where another signed in. */
export interface Said {
  stream: StreamName;
  name: string;
  data: string;
  id: string;
}

export const CHANNEL = "detente-streams";

const PATHS: Record<StreamName, string> = { events: "/v1/events/stream", watch: "/v1/watch/stream" };
const NAMES: Record<StreamName, readonly string[]> = { events: ["message"], watch: ["screen", "change"] };

const AGAIN_MS = 5_000;
/** After an answer that is no stream, which a browser takes for the end. */

/** The streams themselves, in the worker or in a tab. */
export class Streams {
  private who = "";
  private readonly open = new Map<StreamName, EventSource>();

  constructor(private readonly out: (said: Said) => void) {}

  want({ who, stream }: Wish): void {
    if (who !== this.who) {
      for (const one of this.open.values()) one.close();
      this.open.clear();
      this.who = who;
      this.out({ stream, name: "who", data: who, id: "" });
    }
    if (who === "") return;
    const there = this.open.get(stream);
    if (stream === "events" && there?.readyState === EventSource.OPEN) {
      this.out({ stream, name: "open", data: "", id: "" });
    } else {
      // Whoever begins to watch is told all of it, and so it is asked anew.
      there?.close();
      this.begin(stream);
    }
  }

  private begin(stream: StreamName): void {
    const made = new EventSource(PATHS[stream]);
    this.open.set(stream, made);
    for (const name of NAMES[stream]) {
      made.addEventListener(name, (event) => {
        const { data, lastEventId } = event as MessageEvent<string>;
        this.out({ stream, name, data, id: lastEventId });
      });
    }
    made.onopen = () => this.out({ stream, name: "open", data: "", id: "" });
    made.onerror = () => {
      this.out({ stream, name: "error", data: "", id: "" });
      if (made.readyState !== EventSource.CLOSED) return;
      setTimeout(() => {
        if (this.open.get(stream) === made) this.begin(stream);
      }, AGAIN_MS);
    };
  }
}
