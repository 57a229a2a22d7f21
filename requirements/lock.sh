#!/bin/sh
# Resolves the locks: sh requirements/lock.sh path/to/uv [--upgrade].
# Without --upgrade the pins stay where they can. They hold for every Python and platform that Penstock runs on,
# name no package index, and dev.txt holds every pin of demo.txt.
set -eu
uv=$1
shift
cd "$(dirname "$0")/.."
options="--universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet $*"

# shellcheck disable=SC2086
lock() { "$uv" pip compile $options "$@"; }

lock pyproject.toml --group build --extra demo -o requirements/demo.txt
lock pyproject.toml --group build --extra demo --extra test --extra dev -c requirements/demo.txt -o requirements/dev.txt
lock requirements/brisque.in --no-deps -o requirements/brisque.txt
lock requirements/axe.in --no-deps -o requirements/axe.txt
for file in demo dev brisque axe; do
  printf 'penstock: requirements/%s.txt: %s pinned\n' "$file" "$(grep -c '^[a-z].*==' "requirements/$file.txt")"
done
