#!/usr/bin/env bash
# Everything that `make demo` and `make test` need, on a fresh Debian machine.
# What the system lacks is installed where we are root, and named where we are not.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
lacking=()

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || lacking+=(python3)
# Debian keeps ensurepip, without which no virtual environment can be made, in a package of its own.
"$python" -c 'import ensurepip, venv' 2>/dev/null || lacking+=(python3-venv)
# The page is built with it, and the tests of sign-in run a real OpenID provider; 18, as Debian
# has it, will do.
command -v node >/dev/null || lacking+=(nodejs)
command -v npm >/dev/null || lacking+=(npm)

# The tests start a PostgreSQL of their own; a node may use any.
command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ||
    lacking+=(postgresql)

# The log is verified by an implementation that is not ours: Go's (tests/golang).
command -v go >/dev/null || lacking+=(golang-go)
[ -d /usr/share/gocode/src/golang.org/x/mod/sumdb ] || lacking+=(golang-golang-x-mod-dev)

# The page is looked at in a real browser.
command -v chromium >/dev/null || lacking+=(chromium)

# GDAL's own programs read the node's layers, as a GIS does.
command -v ogr2ogr >/dev/null || lacking+=(gdal-bin)

# Alerts are verified by a program that shares nothing with us.
command -v xmlsec1 >/dev/null || lacking+=(xmlsec1)

install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# Debian makes and starts a server of its own with the package. Nobody asked for one: it is told
# not to, and what it was told before is put back.
install_postgresql() {
    local told=/etc/postgresql-common/createcluster.conf status=0
    install postgresql-common
    cp -p "$told" "$told.detente"
    sed -i '/^create_main_cluster/d' "$told"
    echo 'create_main_cluster = false' >>"$told"
    install postgresql || status=$?
    mv "$told.detente" "$told"
    return "$status"
}

if ((${#lacking[@]})); then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q
        for one in "${lacking[@]}"; do
            if [ "$one" = postgresql ]; then install_postgresql; else install "$one"; fi
        done
    else
        echo "detente: this machine lacks ${lacking[*]}. As root: apt-get install ${lacking[*]}" >&2
        exit 1
    fi
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "detente: expected Python 3.11 or later, got $("$python" --version)" >&2
    exit 1
}

[ -x .venv/bin/python ] || "$python" -m venv .venv
# The lock is whole, so nothing is resolved: an older pip, asked to resolve `coverage[toml]`, takes
# the newest release, which has no hash here, in place of the locked one.
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --no-deps --require-hashes -r requirements-dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --no-deps --no-build-isolation --editable .
(cd tests/oidc && npm ci --silent --no-audit --no-fund)
# As an installed wheel has it: without, each start of a command takes a tenth of a second more.
.venv/bin/python -m compileall -q src/detente
echo "detente: compiling the kernels, once (some 20 s)"
.venv/bin/python -m detente.picture.warm
