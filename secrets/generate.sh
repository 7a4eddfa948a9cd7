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
printf 'redis://retention:%s@valkey:6379/0' "$(random)" | keep redis-url

# Valkey gets the digest of the password that stands in redis-url; nobody else gets in, and nobody may administrate.
password=$(sed 's|^redis://retention:\(.*\)@valkey:6379/0$|\1|' redis-url)
keep valkey-users.acl <<ACL
user default off
user retention on #$(printf %s "$password" | sha256) ~* resetchannels +@all -@admin -@dangerous +info +config|get
ACL
