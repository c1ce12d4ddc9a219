#!/usr/bin/env bash
# Make .venv from the lock, fetch the front-end files; do nothing that is done already.
# With ./bundle (scripts/make_bundle.sh) nothing is fetched: wheels, front-end files and fonts come from there.
# Usage: scripts/install.sh base|dev|sdc   (sdc: base and what SDC devices need, on the machine of the device bridge)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
what="${1:-base}"

stamp_of() { cat "requirements/$1.txt" | sha256sum | cut -d' ' -f1; }
find_python() {
  for candidate in python3.11 python3 python3.12 python3.13; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"; return
    fi
  done
}

if [ ! -x .venv/bin/python ]; then
  python="$(find_python || true)"
  if [ -z "$python" ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "· 安装 python3 与 python3-venv ……"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
    python="$(find_python || true)"
  fi
  if [ -z "$python" ]; then
    echo "需要 Python 3.11 或更新版本（含 venv）。Debian 12 请以 root 执行：apt-get install python3 python3-venv"; exit 1
  fi
  echo "· 建立 Python 环境 .venv（$("$python" --version)）……"
  "$python" -m venv .venv
fi

offline=()
if [ -d bundle/wheels ]; then
  here="$(.venv/bin/python -c 'import platform, sys; print(f"py{sys.version_info[0]}{sys.version_info[1]}-{platform.system().lower()}-{platform.machine()}")')"
  if [ "$here" != "$(cat bundle/PLATFORM)" ]; then
    echo "离线安装包是为 $(cat bundle/PLATFORM) 制作的，本机是 $here。请在相同的系统与 Python 版本上重新制作。"; exit 1
  fi
  if [ ! -f .venv/.bundle-checked ]; then
    sha256sum --quiet --check bundle/SHA256SUMS || { echo "离线安装包不完整或已损坏，请重新拷贝。"; exit 1; }
    touch .venv/.bundle-checked
  fi
  offline=(--no-index --find-links bundle/wheels)
  [ -d static/vendor ] || cp -r bundle/vendor static/vendor
  fonts="${MAFEI_INSTANCE_DIR:-instance}/fonts"
  [ -d "$fonts" ] || { mkdir -p "$(dirname "$fonts")" && cp -r bundle/fonts "$fonts"; }
fi

install_lock() {
  local name="$1" stamp=".venv/.installed-$1"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(stamp_of "$name")" ] && return
  local count; count=$(grep -c '==' "requirements/$name.txt")
  echo "· 安装 $count 个 Python 包（首次约需一两分钟，按锁文件核对摘要）……"
  .venv/bin/python -m pip install --disable-pip-version-check --require-hashes --progress-bar off "${offline[@]}" -r "requirements/$name.txt" 2>&1 \
    | awk '/^Collecting /{n++; printf "\r  已取得 %d / '"$count"'", n; fflush()} /^Installing collected/{print "\n  正在安装……"} /^ERROR|error:/{print}'
  [ "${PIPESTATUS[0]}" = 0 ] || { echo "Python 包安装失败。请检查网络，或使用离线安装包（scripts/make_bundle.sh）。"; exit 1; }
  stamp_of "$name" > "$stamp"
}

install_lock base
[ "$what" = dev ] && install_lock dev
if [ "$what" = dev ] || [ "$what" = sdc ]; then install_lock sdc; fi
.venv/bin/python scripts/vendor_assets.py
