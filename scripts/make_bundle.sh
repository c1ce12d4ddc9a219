#!/usr/bin/env bash
# Pack everything an installation without internet needs: our files, the locked wheels, front-end files, print fonts.
# Run it on a machine with internet, of the same system, architecture and Python version as the hospital's server.
# Usage: scripts/make_bundle.sh [target directory, default dist]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target="$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)"

command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1 || { echo "请在源码检出目录（git）中运行本脚本。"; exit 1; }
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
  echo "提醒：有未提交的修改，它们不会进入离线安装包。"
fi
./scripts/install.sh base
python=.venv/bin/python
version="$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')"
tag="$("$python" -c 'import platform, sys; print(f"py{sys.version_info[0]}{sys.version_info[1]}-{platform.system().lower()}-{platform.machine()}")')"
name="mafei-$version-$tag"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
root="$work/$name"
mkdir "$root"
echo "· 取出源码 $(git rev-parse --short HEAD) ……"
git archive HEAD | tar -x -C "$root"
git rev-parse HEAD > "$root/REVISION"
mkdir "$root/bundle"
echo "$tag" > "$root/bundle/PLATFORM"
echo "· 下载 Python 包（按锁文件核对摘要）……"
"$python" -m pip download -qq --disable-pip-version-check --require-hashes --only-binary :all: \
  -r requirements/base.txt -r requirements/sdc.txt -d "$root/bundle/wheels"
echo "· 复制前端文件与打印字体……"
"$python" scripts/vendor_assets.py --check >/dev/null
cp -r static/vendor "$root/bundle/vendor"
"$python" -m printing.fonts --instance "$work/instance" >/dev/null
cp -r "$work/instance/fonts" "$root/bundle/fonts"
(cd "$root" && find bundle -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum > bundle/SHA256SUMS)

archive="$target/$name.tar.gz"
tar -C "$work" -czf "$archive" "$name"
(cd "$target" && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "离线安装包：$archive（$(du -h "$archive" | cut -f1)）"
echo "拷到医院服务器后：tar xf $name.tar.gz && cd $name && ./run.sh"
