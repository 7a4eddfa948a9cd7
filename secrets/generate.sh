#!/bin/sh
# Makes the secrets of docker-compose.yml beside this script, each once: what is there already is kept, since with another
# user-id-secret every user would be a new one. `make secrets` and `sh secrets/generate.sh` are the same.
set -eu
cd "$(dirname "$0")"
umask 077

random() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# The containers run as users of their own, so a file can be read by all of them; only you can get at the directory it is in.
keep() {
  if [ -s "$1" ]; then echo "secrets/$1: kept"; return; fi
  cat >"$1.new"
  chmod 444 "$1.new"
  mv "$1.new" "$1"
  echo "secrets/$1: made"
}

chmod 700 .
random | keep user-id-secret
random | keep admin-key
random | keep grafana-admin-password
# Who may send events, app=key: one app a line, more lines are yours to add.
printf 'demo=%s\n' "$(random)" | keep write-keys
chmod 644 write-keys

# Valkey gets the users of docs/redis-users.acl with the digests of their passwords; nobody else gets in.
digests=
for user in worker reader admin operator; do
  random | keep "redis-$user"
  digests="$digests;s/>PASSWORD-OF-$(echo $user | tr a-z A-Z)/#$(tr -d '\n' <"redis-$user" | sha256)/"
done
sed "$digests" ../docs/redis-users.acl | keep redis-users.acl
