#!/usr/bin/env bash
# What `make bench` runs beside ours and `make setup` does not install: PostGIS.
set -euo pipefail

server=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -1)
version=$(basename "$(dirname "$(dirname "$server")")")
[ -e "/usr/share/postgresql/$version/extension/postgis.control" ] && exit
package=postgresql-$version-postgis-3
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package"
else
    echo "detente: make bench needs $package. As root: apt-get install $package" >&2
    exit 1
fi
