#!/usr/bin/env bash
# All checks: style, types, layers, tests on SQLite, then the tests that touch the database on PostgreSQL.
# ./test.sh            everything
# ./test.sh ARGS…      only pytest with these arguments, on SQLite
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./scripts/install.sh dev
bin=.venv/bin
say() { printf '\n== %s ==\n' "$1"; }

has() { command -v "$1" >/dev/null 2>&1; }
try_apt() {  # install Debian packages when we may; never fail the run for it
  if has apt-get && [ "$(id -u)" = 0 ]; then
    echo "· 从 Debian 安装：$*"
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || true
  fi
}
postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }

has chromium || try_apt chromium fonts-noto-cjk
has pdftoppm || try_apt poppler-utils
[ -n "$(postgres_bin)" ] && [ -x "$(postgres_bin)/initdb" ] || try_apt postgresql
has chromium || printf '\n!!! 没有 Chromium：浏览器测试将被跳过，本次结果不完整。\n'
[ -d ../shared/data ] || printf '\n!!! 没有 ../shared/data：使用真实设备数据的测试将被跳过。\n'

# What fails is run once more by itself: a test that waits for a browser or a process may lose against a busy machine,
# a broken one fails again.
run_tests() {
  "$bin/python" -m pytest "$@" && return
  say "失败的测试单独重跑一次"
  "$bin/python" -m pytest --last-failed --last-failed-no-failures none "$@"
}

if [ $# -gt 0 ]; then exec "$bin/python" -m pytest "$@"; fi

say "风格与类型"
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
"$bin/lint-imports"

say "测试（SQLite）"
run_tests -n 2 --dist loadgroup -m "not browser and not reliability" tests
say "测试（真实浏览器与真实进程）"
run_tests -n 2 --dist loadfile -m "browser or reliability" tests

# In memory where there is room: each test has a database of its own, some hundred files.
roomy() { [ -w /dev/shm ] && [ "$(df --output=avail -k /dev/shm | tail -1)" -gt 1000000 ] && echo /dev/shm || echo "${TMPDIR:-/tmp}"; }

pg_home="" pg_user=()
start_postgres() {
  pg_home="$(mktemp -d -p "$(roomy)")"
  if [ "$(id -u)" = 0 ]; then chown postgres "$pg_home"; pg_user=(runuser -u postgres --); fi
  port=$("$bin/python" -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
  "${pg_user[@]}" "$(postgres_bin)/initdb" -D "$pg_home/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 >/dev/null
  "${pg_user[@]}" "$(postgres_bin)/pg_ctl" -D "$pg_home/data" -w -l "$pg_home/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$pg_home -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0" start >/dev/null
}
stop_postgres() {
  [ -n "$pg_home" ] || return 0
  "${pg_user[@]}" "$(postgres_bin)/pg_ctl" -D "$pg_home/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$pg_home"
}
trap stop_postgres EXIT

if [ -n "$(postgres_bin)" ]; then
  say "测试（PostgreSQL）"
  start_postgres
  export MAFEI_TEST_POSTGRESQL="postgresql+psycopg://postgres@127.0.0.1:$port"
  run_tests -n 2 -m "not browser and not reliability" \
    tests/core tests/accounts tests/printjobs tests/patients tests/scheduling tests/vitals tests/devices tests/anesthesia \
    tests/documents tests/web tests/migrations tests/cli tests/terminology tests/integrations/test_engine.py tests/integrations/test_labs.py
else
  printf '\n!!! 没有 PostgreSQL：数据库测试只在 SQLite 上运行过，本次结果不完整。\n'
fi
say "全部通过"
