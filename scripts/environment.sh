# Sourced by the scripts beside it: where the project is, which Deno it wants, and a PATH that finds it.
# shellcheck shell=sh

deno_version=2.9.6 # the one place; any later 2.x on PATH is used as it is

project=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
cache=$project/.cache

# A user's PATH may lack the folders of runc, criu and iptables.
case :$PATH: in *:/usr/sbin:*) ;; *) PATH=$PATH:/usr/sbin:/sbin ;; esac

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# True when the program is a Deno that can build and run gantry.
is_our_deno() {
  found_version=$("$1" --version 2>/dev/null | sed -n '1s/^deno \([0-9.]*\).*/\1/p') || return 1
  found_major=${found_version%%.*} found_minor=${found_version#*.}
  found_minor=${found_minor%%.*}
  [ "$found_major" = "${deno_version%%.*}" ] || return 1
  wanted_minor=${deno_version#*.}
  [ "$found_minor" -ge "${wanted_minor%%.*}" ] 2>/dev/null
}

# Puts a suitable Deno first in PATH; false when there is none.
use_deno() {
  if found=$(command -v deno) && is_our_deno "$found"; then return 0; fi
  is_our_deno "$cache/deno/bin/deno" || return 1
  PATH=$cache/deno/bin:$PATH
}

export PATH
