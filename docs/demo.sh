#!/usr/bin/env bash
# Plays the session of README's recording with real binaries, in a temporary folder.
#
#   cargo build --release -p satchel-app -p satchel-server
#   asciinema rec --overwrite --cols 100 --rows 30 -c docs/demo.sh demo.cast   (pip install asciinema)
#   svg-term --in demo.cast --out docs/demo.svg --window                       (npm install svg-term-cli)
#   docs/demo.sh --fast >docs/demo.txt
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/target/release:$PATH"
collection="$PWD/fixtures/postman/real/twitter-api-v2.postman_collection.json"
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cp "$collection" "$folder/twitter.json"
cd "$folder"
pace=${1:-}
password='correct horse battery staple'

# Types a command as a person would, and runs it.
say() {
    if [ "$pace" = --fast ]; then
        printf '$ %s\n' "$1"
    else
        printf '$ '
        for ((i = 0; i < ${#1}; i++)); do
            printf '%s' "${1:i:1}"
            sleep 0.02
        done
        printf '\n'
    fi
    eval "$1"
  [ "$pace" = --fast ] || sleep 1.2
}

wait_for() { until grep -q "$2" "$1" 2>/dev/null; do sleep 0.05; done; }

satchel-server --data server --listen 127.0.0.1:0 >server.log 2>&1 &
wait_for server.log 'listening on'
server=$(sed -n 's/^listening on //p' server.log)
echo "$password" >password

say '# a laptop: a new account, and a real Postman collection'
say 'export SATCHEL_HOME=laptop'
say "satchel signup --server $server --email ada@example.com --password-stdin <password"
satchel agent >agent1.log 2>&1 &
wait_for agent1.log ready
say 'satchel import twitter.json'
say '# a desktop: sign in, and everything is there'
say 'export SATCHEL_HOME=desktop'
say "satchel signin --server $server --email ada@example.com --password-stdin <password"
satchel agent >agent2.log 2>&1 &
wait_for agent2.log ready
say 'satchel ls --tree | head -8'
say '# an edit on the desktop is on the laptop by itself'
say "satchel set 'Twitter API v2/Tweet Lookup/Single Tweet' header.X-Team=orbit"
say 'export SATCHEL_HOME=laptop'
say "satchel show 'Twitter API v2/Tweet Lookup/Single Tweet' | head -12"
say 'satchel status'
say '# and the server has read none of it'
say 'grep -c -a -e Tweet -e orbit server/* || true'
