// Write the licences of all that is in the page beside it.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const parts = Object.entries(packages)
  .filter(([path, one]) => path && !one.dev && !one.devOptional && !one.optional)
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([path, one]) => {
    const name = `${path.replace(/^.*node_modules\//, "")} ${one.version} (${one.license ?? "see below"})`;
    const file = readdirSync(path).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    return `${name}\n${"=".repeat(name.length)}\n\n${file ? readFileSync(`${path}/${file}`, "utf8").trim() : "No file of its licence comes with it."}\n`;
  });
// The map's data come with terms of their own.
parts.push(readFileSync("../src/detente/data/README.md", "utf8"));
writeFileSync(process.argv[2], parts.join("\n\n"));
