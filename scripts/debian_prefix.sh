# Sourced by scripts/setup: programs of other Debian suites, unpacked into .cache/prefix/NAME by a private apt that knows
# nothing of the host's packages and cannot change them. Nothing is pinned: each gets what its suite has today.
# shellcheck shell=sh

# What is wanted beside the host's packages, as prefix names; see prefix_source. This is what tests need.
wanted_prefixes='containerd-1.6 containerd-1.7 containerd-2.1 criu containers-common'

# suite, package and the program or file that proves it is there.
prefix_source() {
  case $1 in
    containerd-1.6) echo bookworm containerd usr/bin/containerd ;;
    containerd-1.7) echo trixie containerd usr/bin/containerd ;;
    containerd-2.1) echo sid containerd usr/bin/containerd ;;
    # 4.2 or later: since Linux 6.16 older ones cannot dump sockets.
    criu) echo sid criu bin/criu ;;
    containers-common) echo bookworm golang-github-containers-common usr/share/containers/seccomp.json ;;
    docker) echo bookworm docker.io usr/sbin/dockerd ;;
    busybox) echo "$(host_suite)" busybox-static . ;;
  esac
}

# The host's own program does when it is of the right generation.
host_has() {
  case $1 in
    containerd-*) [ "$(containerd --version 2>/dev/null | sed 's/.* v\{0,1\}\([0-9]*\.[0-9]*\)\..*/\1/')" = "${1#*-}" ] ;;
    criu) host_criu=$(criu --version 2>/dev/null | sed -n 's/^Version: \([0-9]*\).*/\1/p') && [ "${host_criu:-0}" -ge 4 ] ;;
    *) return 1 ;;
  esac
}

missing_prefixes() {
  for name in $wanted_prefixes; do
    # shellcheck disable=SC2046 # three words
    set -- $(prefix_source "$name")
    [ -e "$cache/prefix/$name/$3" ] || host_has "$name" || printf '%s ' "$name"
  done
}

# In CI what is missing is an error; elsewhere the tests that need it are skipped and say so.
fetch_missing_prefixes() {
  for name in $(missing_prefixes); do
    fetch_prefix "$name" && continue
    [ -z "${CI:-}" ] || die "$name could not be fetched, and in CI every test must run"
    say "setup: going on without $name: the tests that need it will be skipped, with the reason"
  done
}

# Downloads one prefix and puts it in place whole.
fetch_prefix() {
  name=$1
  # shellcheck disable=SC2046
  set -- $(prefix_source "$name")
  suite=$1 package=$2
  say "setup: fetching $package from Debian $suite into .cache/prefix/$name"
  mkdir -p "$cache/prefix"
  remove_stale "$cache/prefix/$name".part.*
  part=$cache/prefix/$name.part.$$
  mkdir -p "$part/tree"
  private_apt_ready "$suite" || { fetch_failed && return 1; }
  wanted=$package
  if [ "$name" = criu ]; then
    # CRIU of a newer suite needs that suite's libraries: everything it depends on, for an apt that has nothing installed.
    wanted=$(private_apt "$suite" -qq --no-install-recommends --print-uris install "$package" 2>>"$log" |
      sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p") && [ -n "$wanted" ] || { fetch_failed && return 1; }
  fi
  # shellcheck disable=SC2086 # one word a package
  (cd "$part" && private_apt "$suite" -q download $wanted) >>"$log" 2>&1 || { fetch_failed && return 1; }
  for archive in "$part"/*.deb; do
    dpkg-deb -x "$archive" "$part/tree" >>"$log" 2>&1 || { fetch_failed && return 1; }
    rm "$archive"
  done
  [ "$name" != criu ] || wrap_criu "$part/tree" || { fetch_failed && return 1; }
  rm -rf "${cache:?}/prefix/$name"
  mv "$part/tree" "$cache/prefix/$name"
  rm -rf "$part"
}

fetch_failed() {
  rm -rf "$part"
  say "setup: $package could not be fetched from Debian $suite: $(last_error)"
  say "  Is the mirror ${mirror:-of /etc/apt} reachable? Nothing on this host was changed.   (full output: $log)"
}

# The host's mirror and proxy settings, but its own state, lists and an empty list of installed packages. Signatures are
# checked; the date until which a list claims to be valid is not: a mirror or a clock that lags is good enough for tests.
private_apt_ready() {
  : >"$log"
  mirror=$(debian_mirror /etc/apt)
  [ -n "$mirror" ] || { echo 'error: no Debian mirror in /etc/apt/sources.list or sources.list.d' >>"$log" && return 1; }
  for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ -e "$keyring" ] && break
  done
  apt_dir=$cache/apt/$1
  mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
  : >"$apt_dir/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$1" >"$apt_dir/sources.list"
  case " ${refreshed:-} " in *" $1 "*) return 0 ;; esac
  private_apt "$1" -q update >"$log" 2>&1 || return 1
  ! grep -q '^E: ' "$log" || return 1
  # apt-get update succeeds when it fell back to old lists; without any there is nothing to ask.
  ls "$apt_dir/lists"/*_Packages* >/dev/null 2>&1 || return 1
  refreshed="${refreshed:-} $1"
}

private_apt() {
  apt_root=$cache/apt/$1
  shift
  apt-get -o Dir::State="$apt_root" -o Dir::State::status="$apt_root/status" -o Dir::Cache="$apt_root/cache" \
    -o Dir::Etc::sourcelist="$apt_root/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferencesparts=- \
    -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root -o Acquire::Retries=2 "$@"
}

# The first Debian archive that the host itself uses, in either of apt's formats; $1 is apt's folder.
debian_mirror() {
  for file in "$1"/sources.list.d/*.sources "$1"/sources.list "$1"/sources.list.d/*.list; do
    [ -r "$file" ] || continue
    sed -n -e 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' \
      -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\)[[:space:]].*/\2/p' "$file"
  done | grep -E '/debian/?$' | head -n 1
}

host_suite() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | grep . || echo sid; }

# Runs CRIU with the loader and libraries it was built for: its C library is newer than the host's.
wrap_criu() {
  tree=$1
  loader=$(cd "$tree" && find usr/lib* lib* -name 'ld-linux-*.so.*' 2>/dev/null | head -n 1)
  libraries=$(cd "$tree" && find usr/lib lib -name 'lib*.so.*' 2>/dev/null | sed -e 's|/[^/]*$||' -e 's|^|$home/|' | sort -u | paste -sd:)
  [ -n "$loader" ] && [ -n "$libraries" ] || { echo 'error: criu came without a loader' >>"$log" && return 1; }
  mkdir -p "$tree/bin"
  cat >"$tree/bin/criu" <<END
#!/bin/sh
home=\$(readlink -f "\$0") && home=\${home%/bin/criu} || exit 1
exec "\$home/$loader" --library-path "$libraries" "\$home/usr/sbin/criu" "\$@"
END
  chmod 755 "$tree/bin/criu"
}

# Parts of an earlier run that was interrupted; the lock says that none is being made now.
remove_stale() {
  for stale in "$@"; do
    [ ! -e "$stale" ] || rm -rf "$stale"
  done
}
