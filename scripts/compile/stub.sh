#!/bin/sh
# gantry @VERSION@, portable. Deno @DENO@ and the program follow this text, compressed. The first run unpacks them into a private
# folder; later runs check that folder with tests that the shell has built in, and exec. Variables carry a prefix because
# assigning to one that the user has exported would change what gantry and its children see.
if [ -n "${GANTRY_CACHE:-}" ]; then
  gantry_stub_cache=$GANTRY_CACHE
elif [ -O / ]; then # only root owns it: this asks for the user without starting a process
  gantry_stub_cache=/var/cache/gantry
else
  gantry_stub_cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/gantry
fi
gantry_stub_runtime=$gantry_stub_cache/@RUNTIME@
gantry_stub_program=$gantry_stub_cache/@PROGRAM@

gantry_stub_is_ours() {
  for gantry_stub_item in "$gantry_stub_cache" "$gantry_stub_runtime" "$gantry_stub_program"; do
    [ -O "$gantry_stub_item" ] && [ ! -L "$gantry_stub_item" ] && [ -d "$gantry_stub_item" ] || return 1
  done
}

# Files are unpacked with an old date, `.stamp` with one a second later: a file that was cut, changed or removed since is
# not older than the stamp.
gantry_stub_is_whole() {
  gantry_stub_folder=$1
  shift
  for gantry_stub_item in "$@"; do
    [ -f "$gantry_stub_folder/$gantry_stub_item" ] &&
      [ "$gantry_stub_folder/.stamp" -nt "$gantry_stub_folder/$gantry_stub_item" ] || return 1
  done
}
gantry_stub_has_runtime() { gantry_stub_is_whole "$gantry_stub_runtime" gantry; }
gantry_stub_has_program() { gantry_stub_is_whole "$gantry_stub_program" @FILES@; }

gantry_stub_fail() {
  printf 'gantry: %s\n' "$@" >&2
  exit 125
}

# Why a folder cannot be used; nothing when it can. Whoever may write to it could run code as this user.
gantry_stub_objection() {
  if [ -L "$1" ]; then
    echo 'is a symbolic link'
  elif [ -e "$1" ] && [ ! -d "$1" ]; then
    echo 'is not a folder'
  elif [ -e "$1" ] && [ ! -O "$1" ]; then
    echo 'belongs to another user'
  elif [ -n "$(find "$1" -prune -perm /022 2>/dev/null)" ]; then
    echo 'can be written by others'
  fi
}

gantry_stub_refuse_foreign() {
  for gantry_stub_item in "$@"; do
    gantry_stub_said=$(gantry_stub_objection "$gantry_stub_item")
    # Asked again: another run may just have been replacing a damaged one.
    [ -z "$gantry_stub_said" ] || gantry_stub_said=$(gantry_stub_objection "$gantry_stub_item")
    [ -z "$gantry_stub_said" ] || gantry_stub_fail "the cache $gantry_stub_item $gantry_stub_said" \
      'hint: remove it, or set GANTRY_CACHE to a folder of your own'
  done
}

# Unpacks $3 bytes of this file, from byte $2 on, as the folder $1; $4 tells whether that folder is whole.
gantry_stub_unpack() {
  # Named before it is made: a signal between the two must not leave a folder that the trap does not know.
  gantry_stub_part=$(mktemp -u "$gantry_stub_cache/.part.XXXXXXXX")
  gantry_stub_said=$(mkdir -m 700 "$gantry_stub_part" 2>&1) ||
    gantry_stub_fail "cannot write to the cache: $gantry_stub_said" 'hint: GANTRY_CACHE names another folder'
  mkdir "$gantry_stub_part/new" 2>/dev/null
  gantry_stub_said=$({ tail -c "+$2" "$0" | head -c "$3" | gzip -dc | tar -xof - -C "$gantry_stub_part/new"; } 2>&1) &&
    [ -z "$gantry_stub_said" ] || gantry_stub_fail "cannot unpack into the cache $gantry_stub_cache: $gantry_stub_said" \
    'hint: is the disk full, or this file cut short? GANTRY_CACHE names another folder'
  sync "$gantry_stub_part"/new/* "$gantry_stub_part"/new/.stamp 2>/dev/null || sync
  # Another first run may have been quicker; theirs is as good. Who runs from a damaged folder keeps the files they have open.
  "$4" || {
    mv -T "$1" "$gantry_stub_part/old" 2>/dev/null
    mv -T "$gantry_stub_part/new" "$1" 2>/dev/null
  }
  rm -rf "$gantry_stub_part"
}

# Runs in a shell of its own: its umask and traps must not reach gantry.
gantry_stub_prepare() {
  umask 077
  gantry_stub_part=
  trap '[ -z "$gantry_stub_part" ] || rm -rf "$gantry_stub_part"' EXIT
  trap 'exit 125' HUP INT TERM
  gantry_stub_said=$(mkdir -p "$gantry_stub_cache" 2>&1) || [ -e "$gantry_stub_cache" ] || [ -L "$gantry_stub_cache" ] ||
    gantry_stub_fail "cannot make the cache: $gantry_stub_said" 'hint: GANTRY_CACHE names another folder'
  gantry_stub_refuse_foreign "$gantry_stub_cache" "$gantry_stub_runtime" "$gantry_stub_program"
  # What runs that were killed left behind.
  find "$gantry_stub_cache" -maxdepth 1 -name '.part.*' -mmin +60 -exec rm -rf {} + 2>/dev/null
  gantry_stub_has_runtime || gantry_stub_unpack "$gantry_stub_runtime" @RUNTIME_START@ @RUNTIME_LENGTH@ gantry_stub_has_runtime
  gantry_stub_has_program || gantry_stub_unpack "$gantry_stub_program" @PROGRAM_START@ @PROGRAM_LENGTH@ gantry_stub_has_program
}

gantry_stub_is_ready() { gantry_stub_is_ours && gantry_stub_has_runtime && gantry_stub_has_program; }

gantry_stub_is_ready || {
  (gantry_stub_prepare </dev/null) || exit 125
  gantry_stub_is_ready || (gantry_stub_prepare </dev/null) || exit 125
  gantry_stub_is_ready || gantry_stub_fail "cannot keep its files in the cache $gantry_stub_cache" 'hint: GANTRY_CACHE names another folder'
}
[ -x "$gantry_stub_runtime/gantry" ] ||
  gantry_stub_fail "programs may not run from the cache $gantry_stub_cache (mounted noexec?)" 'hint: GANTRY_CACHE names another folder'

# Deno's code cache belongs in the private folder; gantry gives its children what the user had.
case $0 in /*) GANTRY_STUB_PATH=$0 ;; *) GANTRY_STUB_PATH=$PWD/$0 ;; esac
GANTRY_STUB_DENO_DIR=${DENO_DIR+=$DENO_DIR}
GANTRY_STUB_DENO_NO_UPDATE_CHECK=${DENO_NO_UPDATE_CHECK+=$DENO_NO_UPDATE_CHECK}
DENO_DIR=$gantry_stub_program/deno
DENO_NO_UPDATE_CHECK=1
export GANTRY_STUB_PATH GANTRY_STUB_DENO_DIR GANTRY_STUB_DENO_NO_UPDATE_CHECK DENO_DIR DENO_NO_UPDATE_CHECK
exec "$gantry_stub_runtime/gantry" @COMMAND@ "$gantry_stub_program/main.js" "$@"
