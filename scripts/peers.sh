#!/usr/bin/env bash
# What `make bench` runs beside ours, or looks with, and `make setup` does not install: PostGIS, perf.
set -euo pipefail

server=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -1)
version=$(basename "$(dirname "$(dirname "$server")")")
lacking=()
[ -e "/usr/share/postgresql/$version/extension/postgis.control" ] || lacking+=("postgresql-$version-postgis-3")
command -v perf >/dev/null || lacking+=(linux-perf)
[ ${#lacking[@]} = 0 ] && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${lacking[@]}"
else
    echo "detente: make bench needs ${lacking[*]}. As root: apt-get install ${lacking[*]}" >&2
    exit 1
fi
