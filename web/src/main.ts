import "@fontsource/noto-sans/latin-400.css";
import "@fontsource/noto-sans/latin-ext-400.css";
import "@fontsource/noto-sans/cyrillic-400.css";
import "@fontsource/noto-sans/cyrillic-ext-400.css";
import "@fontsource/noto-sans/latin-600.css";
import "@fontsource/noto-sans/latin-ext-600.css";
import "@fontsource/noto-sans/cyrillic-600.css";
import "@fontsource/noto-sans-arabic/arabic-400.css";
import "@fontsource/noto-sans-arabic/arabic-600.css";
import "./style.css";
import "./app";
import { preferred, speak } from "./words";

/** A file that is dropped beside a field for files would take the place of the page, and of all that is written in it. */
function stay(event: DragEvent): void {
  const onField = event.target instanceof HTMLInputElement && event.target.type === "file";
  if (!onField && event.dataTransfer?.types.includes("Files")) event.preventDefault();
}
window.addEventListener("dragover", stay);
window.addEventListener("drop", stay);

void speak(preferred());
