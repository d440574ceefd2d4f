// A call as a notification of the computer, where its user allows that. It names no place and no
// word: whoever passes the screen reads it.

import { tell } from "./events";

let shown: Notification | null = null;

/** What the browser says of it; nothing where it has none. */
export function mayNotify(): NotificationPermission | null {
  return "Notification" in window && window.isSecureContext ? Notification.permission : null;
}

/** Only ever on a press of a button. */
export async function letNotify(): Promise<void> {
  await Notification.requestPermission();
}

/** Show this until another is to be shown; nothing is shown no longer. */
export function notify(text: string): void {
  shown?.close();
  shown = null;
  if (text === "" || mayNotify() !== "granted") return;
  try {
    // Of several tabs with one tag one is shown.
    shown = new Notification(text, { tag: "detente-hotline", requireInteraction: true });
  } catch {
    // Some browsers of telephones have them for service workers alone.
    return;
  }
  shown.onclick = () => {
    window.focus();
    tell("detente-tab", "hotline");
  };
}
