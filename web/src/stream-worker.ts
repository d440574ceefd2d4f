// Holds the streams of all tabs.

import { CHANNEL, Streams, type Wish } from "./streams";

const channel = new BroadcastChannel(CHANNEL);
const streams = new Streams((said) => channel.postMessage(said));

(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = ({ ports: [port] }) => {
  if (port) port.onmessage = (event: MessageEvent<Wish>) => streams.want(event.data);
};
