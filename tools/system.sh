#!/usr/bin/env bash
# What only Debian has. As root it installs what is missing; anyone else gets the one line to run
# and hears what will be skipped. It never fails a build.
#
#   tools/system.sh            browser and font (what `make test` wants)
#   tools/system.sh font       the Chinese font that label sheets embed (what `make run` wants)
#   tools/system.sh bench      browser, font and the load generator wrk
#   tools/system.sh venv       python3-venv, for a Python packed without ensurepip
set -uo pipefail

have_browser() { command -v chromium >/dev/null; }
have_font() { compgen -G '/usr/share/fonts/truetype/wqy/wqy-microhei.ttc' >/dev/null; }
have_wrk() { command -v wrk >/dev/null; }

packages=() skipped=()
want() { # want CHECK PACKAGE WHAT-IS-SKIPPED
  "$1" && return
  packages+=("$2") skipped+=("$3")
}
want_browser() { want have_browser chromium "tests that drive a browser"; }
want_font() { want have_font fonts-wqy-microhei "label sheets as PDF (they embed a Chinese font)"; }
want_wrk() { want have_wrk wrk "the fast load generator (benches fall back to a slower one in Python)"; }

case "${1:-all}" in
  all) want_browser; want_font ;;
  font) want_font ;;
  bench) want_browser; want_font; want_wrk ;;
  venv) want false python3-venv "making .venv" ;;
  *) echo "usage: tools/system.sh [all|font|bench|venv]" >&2; exit 2 ;;
esac
[ ${#packages[@]} -gt 0 ] || exit 0

line="apt-get update && apt-get install --yes --no-install-recommends ${packages[*]}"
say() { printf 'system: %s\n' "$*" >&2; }
left_out() {
  say "$1 To have everything, run as root:"
  say "    $line"
  local what; for what in "${skipped[@]}"; do say "until then skipped: $what"; done
  exit 0
}
command -v apt-get >/dev/null || left_out "not a Debian system, so ${packages[*]} must come another way."
[ "$(id -u)" = 0 ] || left_out "not root, so ${packages[*]} is not installed."

log=$(mktemp); trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
say "installing ${packages[*]}"
for pause in 2 10 0; do
  if { apt-get --quiet update && apt-get --quiet install --yes --no-install-recommends \
       -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 "${packages[@]}"; } >"$log" 2>&1 </dev/null; then
    exit 0
  fi
  sleep "$pause"
done
tail -n 5 "$log" >&2
left_out "apt-get did not succeed."
