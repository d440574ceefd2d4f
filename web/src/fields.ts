// Fields of what is read, as the page names them where they are typed.

import { type Word, say } from "./words";

const FIELDS: Record<string, Word> = {
  id: "speak.party-id",
  name: "own-name",
  category: "what-it-is",
  lat: "position",
  lon: "position",
  latitude: "position",
  longitude: "position",
  position: "position",
  mgrs: "position",
  geometry: "position",
  country: "field.country",
  radius_m: "radius",
  width_m: "map.say.width_m",
  buffer_m: "map.say.buffer_m",
  standoff_m: "standoff",
  uncertainty_m: "hotline.uncertain",
  hazard_m: "hazard",
  lower_m: "lower",
  upper_m: "upper",
  altitude_reference: "reference",
  start: "from",
  end: "until",
  review_due: "field.review_due",
  plan: "category.plan",
  movement: "speak.kind.movement",
  rule: "rule",
  desk: "desk",
  time: "look-time",
  speed_max_m_s: "field.speed_max_m_s",
  accuracy_m: "look-accuracy",
  escort: "speak.escort",
  vehicles: "speak.vehicles",
  vehicle_count: "speak.vehicle-count",
  marking: "speak.marking",
  marking_visible_day: "speak.visible.day",
  marking_visible_thermal: "speak.visible.thermal",
  schedule: "field.schedule",
  track: "field.track",
};

/** What a field is called; nothing where the node names something else. */
export function fieldName(name: string): string {
  const word = FIELDS[name];
  return word === undefined ? "" : say(word);
}
