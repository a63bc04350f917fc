# Shared by the scripts that run a set-up: processes in one temporary folder, which ends with them.
# The caller has set PORT, DEFAULT_PORT, FALLBACK_PORT and BUILD_DIR, and `make_target`, by which
# people start it.
# shellcheck shell=bash
: "${make_target:?}"
folder=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-run.XXXXXX")
names=()
pids=()
command_pid=

say() { printf '%s\n' "$*"; }
fail() {
  say "run: $*" >&2
  exit 1
}

stop_all() {
  trap '' INT TERM
  local i
  # setsid gave COMMAND a process group named by its own pid.
  [ -z "$command_pid" ] || { kill -TERM -- "-$command_pid" && wait "$command_pid"; } 2>/dev/null
  # In the reverse order of their start: first who sends, last who is sent to.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[$i]}" 2>/dev/null && wait "${pids[$i]}" 2>/dev/null
  done
  rm -rf "$folder"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND…: in a process group of its own, so that Ctrl-C reaches this script alone.
start() {
  local name=$1
  shift
  setsid "$@" >"$folder/$name.log" 2>&1 </dev/null &
  pids+=($!)
  names+=("$name")
}

died() {
  say "run: $1 ended; its last words:" >&2
  tail -n 8 "$folder/$1.log" | sed 's/^/    /' >&2
  exit 1
}

gave_up() {
  say "run: $1 does not answer after 15 s; its last words:" >&2
  tail -n 8 "$folder/$1.log" | sed 's/^/    /' >&2
  exit 1
}

check_alive() {
  local i
  for i in "${!pids[@]}"; do
    kill -0 "${pids[$i]}" 2>/dev/null || died "${names[$i]}"
  done
}

# wait_for WHAT COMMAND…: until the command succeeds, at most 15 s.
wait_for() {
  local what=$1 deadline=$((SECONDS + 15))
  shift
  until "$@" >/dev/null 2>&1; do
    check_alive
    [ $SECONDS -lt $deadline ] || gave_up "$what"
    sleep 0.05
  done
}

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

for port in "$PORT" "$DEFAULT_PORT" "$FALLBACK_PORT"; do
  port_free "$port" || fail "port $port is taken, perhaps by another 'make run'." \
    "Stop it, or choose other ports: make $make_target PORT=… DEFAULT_PORT=… FALLBACK_PORT=…"
done
for binary in tollgate processor-sim; do
  [ -x "$BUILD_DIR/$binary" ] || fail "$BUILD_DIR/$binary is missing; run 'make build' first"
done

start_processors() {
  start processor-default "$BUILD_DIR/processor-sim" --listen "127.0.0.1:$DEFAULT_PORT" \
    --fee "${DEFAULT_SIM_FEE:-0.05}"
  start processor-fallback "$BUILD_DIR/processor-sim" --listen "127.0.0.1:$FALLBACK_PORT" \
    --fee "${FALLBACK_SIM_FEE:-0.15}"
}

# Writes READY_FILE. Runs COMMAND, or waits for Ctrl-C.
run_until_the_end() {
  [ -z "${READY_FILE:-}" ] || printf '%s\n' "$folder" >"$READY_FILE"

  if [ -n "${COMMAND:-}" ]; then
    # In a group of its own and waited for, so that a signal to this script ends it too, at once.
    RUN_DIR=$folder PORT=$PORT setsid bash -c "$COMMAND" &
    command_pid=$!
    wait "$command_pid"
    local status=$?
    command_pid=
    exit $status
  fi
  while true; do
    sleep 1 &
    wait $!
    check_alive
  done
}
