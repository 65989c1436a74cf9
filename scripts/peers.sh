#!/usr/bin/env bash
# Exim, OpenSMTPD and Prometheus for test/interop, unpacked below build/peers: as packages the first two and Postfix exclude each other, and the
# third would be started.
# Nothing is configured or started, and no user is made: the tests give each program a root of its own to see.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/peers
packages='exim4-base exim4-daemon-light opensmtpd prometheus'

if [ ! -x "$folder/usr/sbin/exim4" ] || [ ! -x "$folder/usr/sbin/smtpd" ] || [ ! -x "$folder/usr/bin/promtool" ]; then
  sudo=''
  [ "$(id -u)" = 0 ] || sudo='sudo -n'
  rm -rf "$folder"
  mkdir -p "$folder/packages"
  (
    cd "$folder/packages"
    apt-get download -qq $packages 2>/dev/null || {
      $sudo apt-get update -qq
      apt-get download -qq $packages
    }
  )
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$folder"; done
  if ldd "$folder/usr/sbin/exim4" "$folder/usr/sbin/smtpd" | grep -q 'not found'; then
    libraries=$(for package in "$folder"/packages/*.deb; do dpkg-deb -f "$package" Depends; done |
      tr ',' '\n' | grep -oE '^ *lib[a-z0-9.+-]+' | grep -v libjs- | sort -u)
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $libraries >/dev/null
  fi
  rm -rf "$folder/packages"
fi
