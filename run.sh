#!/usr/bin/env bash
# Start Mafei on this machine with embedded defaults: one command, nothing to configure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'TEXT'
用法：./run.sh [选项]
  --port 端口          网页端口，默认 8080
  --host 地址          监听地址，默认 127.0.0.1（只供本机；填 0.0.0.0 供院内访问）
  --instance 目录      数据目录，默认 ./instance
  --no-demo            不载入演示医院（正式使用）
  --no-simulators      不启动设备与 HIS 模拟器
  --help               显示本说明
TEXT
}

port=8080 host=127.0.0.1 instance="$PWD/instance" demo=true simulators=true
while [ $# -gt 0 ]; do
  case "$1" in
    --port) port="${2:?--port 后面要写端口}"; shift 2 ;;
    --host) host="${2:?--host 后面要写地址}"; shift 2 ;;
    --instance) instance="$(mkdir -p "${2:?--instance 后面要写目录}" && cd "$2" && pwd)"; shift 2 ;;
    --no-demo) demo=false; simulators=false; shift ;;
    --no-simulators) simulators=false; shift ;;
    --help|-h) usage; exit 0 ;;
    *) echo "不认识的选项：$1"; usage; exit 2 ;;
  esac
done

case "$port" in
  ''|*[!0-9]*) echo "端口“$port”不是数字。请写 1–65535 之间的数，例如 ./run.sh --port 8080。"; exit 2 ;;
esac
started=$(date +%s.%N)
./scripts/install.sh base
python=.venv/bin/python

export MAFEI_INSTANCE_DIR="$instance" MAFEI_PORT="$port" MAFEI_HOST="$host" MAFEI_DEMO="$demo"
export FLASK_APP=wsgi PYTHONDONTWRITEBYTECODE=
# exec: bash reads a script while it runs, so an update of this file must find nobody still in the middle of it.
exec "$python" scripts/start.py --instance "$instance" --host "$host" --port "$port" \
  --demo "$demo" --simulators "$simulators" --began "$started"
