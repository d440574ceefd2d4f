#!/usr/bin/env bash
# The page (web/) into src/detente/doors/pages, from where the node serves it.
set -euo pipefail
cd "$(dirname "$0")/../web"

npm ci --silent --no-audit --no-fund
mkdir -p build/public
../.venv/bin/python ../scripts/openapi.py build/openapi.json
npm run --silent types
[ build/public/places.pmtiles -nt ../scripts/basemap.py ] &&
    [ -z "$(find ../src/detente/data -name '*.gz' -newer build/public/places.pmtiles)" ] ||
    ../.venv/bin/python ../scripts/basemap.py build/public/base.pmtiles
cp public/* build/public/
node licences.mjs build/public/licences.txt
npm run --silent build
