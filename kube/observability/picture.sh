#!/usr/bin/env bash
# Makes dashboard.png: four minutes of a real run with declines, a gateway that is overloaded and then out, a killed service and a
# message that nobody can read, scraped by a real Prometheus and drawn by dashboard.html in a Chromium. Needs what a build with
# tests has fetched to .tools/, curl, and a Chromium; takes five minutes. Everything is on loopback, in a folder of its own, and
# comes to an end.
#
#   JAVA_HOME=/usr/lib/jvm/temurin-25-jdk-amd64 CHROMIUM=/usr/bin/chromium kube/observability/picture.sh [FILE]
#
# With HOLD=600 it stays up for ten minutes more, for whoever wants to look at the page.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
chromium=${CHROMIUM:-chromium}
: "${JAVA_HOME:?must be a JDK 21 or newer}"
picture=${1:-$PWD/kube/observability/dashboard.png}
offset=11000
folder=$(mktemp -d)
pids=()

finish() {
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2> /dev/null || true
    wait "${pids[i]}" 2> /dev/null || true
  done
  rm -rf "$folder"
}
trap finish EXIT

await() { # await SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" > "$folder/await.log" 2>&1; do
    if ((SECONDS > deadline)); then
      echo "Waited in vain for: $*" >&2
      tail -5 "$folder"/*.log >&2
      exit 1
    fi
    sleep 1
  done
}

faults() { curl -fsS -X PUT "localhost:$((8090 + offset))/simulator/faults" -H 'Content-Type: application/json' -d "$1" > /dev/null; }

./holdfast up --processes --data "$folder/data" --port-offset $offset > "$folder/up.log" 2>&1 &
pids+=($!)
await 180 test -e "$folder/data/running.json"

ports=()
for port in 8080 8081 8082 8083 8084 8090; do ports+=("\"127.0.0.1:$((port + offset))\""); done
targets=$(IFS=,; echo "${ports[*]}")
sed "s|\"127.0.0.1:8080\"|$targets|" kube/observability/prometheus.yml > "$folder/prometheus.yml"
cp kube/observability/rules.yml "$folder/"
.tools/prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/prometheus" \
  --web.listen-address=127.0.0.1:$((9090 + offset)) > "$folder/prometheus.log" 2>&1 &
pids+=($!)
await 60 curl -fsS "localhost:$((9090 + offset))/-/ready"

begin=$SECONDS
at() { # at SECOND WHAT: when it is time
  sleep $((begin + $1 > SECONDS ? begin + $1 - SECONDS : 0))
  echo "$1 s: $2"
}
faults '{"latency_ms": 20, "jitter_ms": 30, "decline_rate": 0.05}'
./holdfast load --data "$folder/data" --rate 25/s --duration 240s --no-reconcile > "$folder/load.log" 2>&1 &
pids+=($!)
load=$!
at 40 'the gateway refuses one request in four, too many at a time'
faults '{"rate_limit_rate": 0.25}'
at 65 'no more'
faults '{"rate_limit_rate": 0}'
at 85 'the gateway is out'
faults '{"outage": true}'
at 105 'it is back'
faults '{"outage": false}'
at 160 'inventory is killed'
kill -9 "$(grep -o '"inventory" *: *[0-9]*[0-9]' "$folder/data/running.json" | grep -o '[0-9]*$')"
at 185 'a message that nobody can read'
broker=$(grep -o 'nats://[^"]*' "$folder/data/running.json")
broker=${broker#nats://}
exec 3<> "/dev/tcp/${broker%:*}/${broker##*:}"
printf 'CONNECT {"verbose":false}\r\nPUB orders.created.unreadable 12\r\nnot an order\r\nPING\r\n' >&3
timeout 2 cat <&3 > "$folder/broker.log" || true
exec 3>&-
wait "$load" || true # its report says what it thinks of the run
cat "$folder/load.log"

to=$(date +%s)
"$JAVA_HOME/bin/jwebserver" -b 127.0.0.1 -p $((8888 + offset)) -d "$PWD/kube/observability" > "$folder/web.log" 2>&1 &
pids+=($!)
await 30 curl -fsS -o /dev/null "localhost:$((8888 + offset))/dashboard.json"
page="http://127.0.0.1:$((8888 + offset))/dashboard.html?prometheus=http://127.0.0.1:$((9090 + offset))"
page+="&from=$((to - 270))000&to=${to}000&refresh=off"
"$chromium" --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-component-update \
  --disable-sync --hide-scrollbars --user-data-dir="$folder/chromium" --window-size=1600,2310 --virtual-time-budget=20000 \
  --screenshot="$picture" "$page" > "$folder/chromium.log" 2>&1
ls -l "$picture"
echo "$page"
sleep "${HOLD:-0}"
