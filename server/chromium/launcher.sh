#!/bin/sh
# What CHROMIUM_LAUNCHER is in the image: runs one Chromium at a time as the user `browser`, with all that it writes in that user's home.
#
#   probe                 exit code 0: it can be done here; prints "sandbox" where Chromium's sandbox works as well
#   start PROGRAM FLAG…   becomes Chromium, on the same standard error and file descriptors 3 and 4
#   kill                  kills every process of the user at once
#   clean                 removes all that it wrote
set -eu

if [ "$(id -un 2>&1)" != browser ]; then
  # The file descriptors of Chromium's debugger are kept; sudo would close all but the first three.
  exec sudo -n -C 5 -u browser -- "$0" "$@"
fi

umask 077
export HOME=/var/lib/browser
cd "$HOME"

kill_all() {
  # Not the process that asks for it. It fails when there is no other.
  kill -KILL -1 2>/dev/null || true
}

clean() {
  # What was just killed may still be writing, and may have locked us out of its folders: a second at most.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if find . -mindepth 1 -delete 2>/dev/null; then return; fi
    chmod -R u+rwx . 2>/dev/null || true
    sleep 0.1
  done
  find . -mindepth 1 -delete
}

case ${1:-} in
  probe)
    if [ ! -w . ]; then
      echo "$HOME cannot be written to by $(id -un)" >&2
      exit 1
    fi
    if unshare -Urpn --fork --root=/ true 2>/dev/null; then echo sandbox; fi
    ;;
  start)
    shift
    program=$1
    shift
    # Of a server that was killed.
    kill_all
    clean
    export TMPDIR="$HOME" XDG_CONFIG_HOME="$HOME"
    # No program that Chromium starts can become another user, whatever bits it has.
    exec setpriv --no-new-privs "$program" --user-data-dir="$HOME/profile" "$@"
    ;;
  kill) kill_all ;;
  clean) clean ;;
  *)
    echo "${1:-nothing} was asked for; expected probe, start, kill or clean" >&2
    exit 2
    ;;
esac
