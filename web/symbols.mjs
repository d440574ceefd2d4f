// Write the symbols of the map (MIL-STD-2525D, APP-6D) as pictures, by name, drawn by milsymbol:
// the page needs some thirty of them, and not the library.
import { writeFileSync } from "node:fs";
import ms from "milsymbol";

/** Second digit of the standard's identity: nobody here declares a hostile, nor a suspect. */
const IDENTITIES = { unknown: 1, friend: 3, neutral: 4 };

/** Symbol set and entity of what moves. Whose a craft is, and what it is for, nobody proves. */
const MOVING = { air: ["01", "000000"], sea: ["30", "000000"], land: ["10", "000000"] };

/** Of what is to be spared, where the standard has a symbol that says no more than the category. */
const PLACES = {
  medical: ["20", "120701"],
  school: ["20", "120402"],
  power: ["20", "120500"],
  religious: ["20", "121004"],
  water: ["20", "121400"],
  convoy: ["15", "160200"],
};

const out = {};

function write(name, identity, [set, entity], isDoubted) {
  const sidc = `100${identity}${set}${isDoubted ? 1 : 0}000${entity}0000`;
  const symbol = new ms.Symbol(sidc, { size: 22, civilianColor: false, outlineWidth: 3, outlineColor: "#ffffff" });
  if (!symbol.isValid() && entity !== "000000") throw new Error(`${name}: ${sidc} is no symbol`);
  const { x, y } = symbol.getAnchor();
  const { width, height } = symbol.getSize();
  out[name] = { svg: symbol.asSVG(), width, height, x, y };
}

for (const [identity, digit] of Object.entries(IDENTITIES)) {
  for (const [kind, what] of Object.entries(MOVING)) {
    write(`mark-${identity}-${kind}`, digit, what, false);
    write(`mark-${identity}-${kind}-doubted`, digit, what, true);
  }
}
for (const [category, what] of Object.entries(PLACES)) write(`mark-${category}`, IDENTITIES.neutral, what, false);

writeFileSync(process.argv[2], JSON.stringify(out));
