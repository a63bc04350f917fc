#!/usr/bin/env bash
# Takes one rule of the forwarding state machine out at a time and runs the simulation, which must
# find the hole. Works in a copy of the sources; prints a line per rule.
#   tools/mutants.sh [SEEDS] [PATTERN]     only the rules whose names match PATTERN
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seeds=${1:-2000}
pattern=${2:-.}
copy=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-mutants.XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp -r CMakeLists.txt CMakePresets.json bench cmake include src tests tools "$copy/"
cd "$copy"
cmake --preset dev --log-level=ERROR >/dev/null
escaped=0

build() { cmake --build build/dev --target forward_test -j "$(nproc)" >build.log 2>&1; }
simulate() { TOLLGATE_SIM_SEEDS=$seeds build/dev/tests/forward_test --gtest_filter='Simulation.*' --gtest_fail_fast >run.log 2>&1; }

build || { tail build.log; echo "mutants: the unchanged sources do not build" >&2; exit 1; }
simulate || { tail run.log; echo "mutants: the unchanged sources fail" >&2; exit 1; }

# mutant NAME FILE OLD NEW: one exact replacement, undone afterwards.
mutant() {
  local name=$1 file=$2
  grep -qE "$pattern" <<<"$name" || return 0
  cp "$file" original
  python3 - "$file" "$3" "$4" <<'PY'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
assert text.count(old) == 1, f"{path}: {text.count(old)} times: {old}"
open(path, "w").write(text.replace(old, new))
PY
  if ! build; then
    printf '%-74s does not build\n' "$name"
    escaped=1
  elif simulate; then
    printf '%-74s NOT FOUND\n' "$name"
    escaped=1
  else
    printf '%-74s found: %s\n' "$name" \
      "$(grep -oE 'charged twice|lost|not charged there|not on the books|sent, and the books|sent again while|counted|amount or time differ|still in the table|rejected, and charged|assertion failed[^/]*' run.log | sort | uniq -c | sort -rn | head -2 | awk '{$1=""; print}' | paste -sd,)"
  fi
  cp original "$file"
}

f=src/forward
mutant "an unknown outcome is pinned" $f/outcomes.cc \
  $'  held.pinned = true;\n  held.backoffs = 0;\n  SetStatus(held, SlotState::kUnresolved);\n  CountUnresolved(entry, true);\n  WaitUnresolved(entry);' \
  $'  held.backoffs = 0;\n  Refused(entry);'
mutant "a refusal of a later copy frees nothing" $f/outcomes.cc \
  $'  WaitUnresolved(entry);\n}\n\nvoid Forwarder::Impl::OnAttemptPosted' \
  $'  pool[entry].pinned = false;\n  CountUnresolved(entry, false);\n  Refused(entry);\n}\n\nvoid Forwarder::Impl::OnAttemptPosted'
mutant "a 404 frees no pinned payment" $f/outcomes.cc \
  $'      held.phase = Phase::kCommitting;\n      pool.PushBack(committing, entry);\n      return MoveCommitted();' \
  $'      held.pinned = false;\n      CountUnresolved(entry, false);\n      return Refused(entry);'
mutant "a 500 is looked up before it counts as refused" $f/outcomes.cc \
  $'      return StartLookup(entry);  // this attempt has ended: "absent" will be proof' \
  $'      return Booked(entry, pool[entry].requested_at_ms);'
mutant "a 500 with a body is unknown" $f/outcomes.cc \
  $'    case PostOutcome::kError500:\n    case PostOutcome::kUnknown:\n      return Unknown(entry);' \
  $'    case PostOutcome::kError500:\n      return Refused(entry);\n    case PostOutcome::kUnknown:\n      return Unknown(entry);'
mutant "a repeat keeps its requestedAt" $f/claiming.cc \
  $'                      .requested_at_ms = held.requested_at_ms},\n                     entry' \
  $'                      .requested_at_ms = clock.WallMillis()},\n                     entry'
mutant "422 books at the time the processor holds" $f/outcomes.cc \
  $'    return Booked(entry, result.requested_at_ms);\n  }\n  Rejected' \
  $'    return Booked(entry, clock.WallMillis());\n  }\n  Rejected'
mutant "422 looks at the amount" $f/outcomes.cc \
  'if (result.payment.amount_cents == payment.amount_cents) {' 'if (payment.amount_cents > 0) {'
mutant "SENT is stored before the POST" $f/claiming.cc \
  $'  SetStatus(held, SlotState::kSent);\n  held.ticket' $'  held.ticket'
mutant "a slot found SENT is pinned" $f/claiming.cc \
  $'      held.pinned = true;\n      held.told = true;' \
  $'      held.phase = Phase::kReady;\n      pool.PushBack(Route(entry) ? to_claim : ready, entry);\n      return;\n      held.told = true;'
mutant "nothing is sent that another owner has claimed" $f/claiming.cc \
  $'      metrics.elsewhere.Add();\n      break;' $'      return Granted(entry, {.verdict = ClaimVerdict::kYours, .attempt = held.attempt, .processor = held.processor, .requested_at_ms = held.requested_at_ms}, false);'
mutant "a lost tail is told again" $f/forwarder.cc \
  $'  impl_->retell.Begin();' $''
mutant "BOOKED is recorded before the slot is freed" $f/outcomes.cc \
  $'  held.phase = Phase::kToRecord;\n  pool.PushBack(to_record, entry);\n}\n\nvoid Forwarder::Impl::Rejected' \
  $'  Release(entry, SlotState::kFree);\n}\n\nvoid Forwarder::Impl::Rejected'
mutant "a rejection rests and is told again" $f/recording.cc \
  'Release(entry, SlotState::kFreeBooked);' \
  'Release(entry, held.reject_reason == 0 ? SlotState::kFreeBooked : SlotState::kFree);'
mutant "a claim found in the table is repeated as it was" $f/claiming.cc \
  $'      held.as_it_was = true;\n      held.phase = Phase::kToClaim;\n      pool.PushBack(to_claim, entry);' \
  $'      held.phase = Phase::kReady;\n      pool.PushBack(Route(entry) ? to_claim : ready, entry);'

mutant "what the ledger holds of a claim is adopted" $f/claiming.cc \
  '  if (!same) {' '  if (!same && reply.attempt == 0) {'
mutant "nothing new is claimed while the ledger is told again" $f/claiming.cc \
  'ledger.can_claim() && !retell.active();' 'ledger.can_claim();'
mutant "a freed slot rests before it is reused" src/table/payment_table.cc \
  'freed_ms + rest_ms' 'freed_ms'
mutant "a slot rests only while the books answer" src/table/rest_clock.h \
  'std::min(since_ms, kAnswerGapMs)' 'since_ms'
mutant "what was told again after a loss rests anew" src/table/rest_clock.h \
  'void_ms_.store(rest_ms_, ' 'void_ms_.store(rest_ms_ - rest_ms_, '
mutant "the rest goes on after a restart where it was" src/table/payment_table.cc \
  'rest_ms - std::min(rested_ms, rest_ms)' 'rest_ms - std::max(rested_ms - rested_ms, rest_ms)'

mutant "what another owner has claimed is only looked up" $f/claiming.cc \
  'return Configured(held.processor) && !OthersHave(held);' 'return Configured(held.processor);'
mutant "after a lost tail a claim is asked for before a payment is sent again" $f/claiming.cc \
  '    if (held.tail != tails) {' '    if (held.tail > tails) {'
mutant "nothing is sent again while the books cannot be asked" $f/claiming.cc \
  'if (held.pinned && !ledger.ready()) {' 'if (held.pinned && held.attempt == 0) {'

# Those of DURABILITY=disk.
mutant "disk: the 202 and the ring only after the commit" src/api/admission.h \
  'waits_(table.durability() == table::Durability::kDisk)' 'waits_(false)'
mutant "disk: each payment waits for the commit that covers it" src/api/admission.h \
  'waiting_.front().ticket <= committed' 'committed < UINT64_MAX'
mutant "disk: SENT is synced before the POST" $f/claiming.cc \
  ' && pool[committing.front()].ticket <= committed' ' && committed > 0'
mutant "disk: what a claim had to say is synced before the POST" $f/claiming.cc \
  $'    held.ticket = table.TakeTicket();\n    CountUnresolved' $'    CountUnresolved'
mutant "disk: a ticket is that of the next commit" src/table/committer.cc \
  'ticket = started_.load() + 1' 'ticket = started_.load()'
mutant "disk: a failed sync commits nothing" src/table/committer.cc \
  'failed_ = options_.sync() != 0;' 'failed_ = options_.sync() < 0;'
mutant "disk: after a failed sync the pages are dirtied again" src/table/committer.cc \
  $'  if (failed_) options_.dirty_all();\n' ''
mutant "disk: and every one of them" src/table/payment_table.cc \
  'i += kSlotsPerPage' 'i += slot_count + kSlotsPerPage'
mutant "disk: an opening dirties what a dead process could not sync" src/table/payment_table.cc \
  $'  if (options.durability == Durability::kDisk) DirtyAll();\n' ''
mutant "a table in use that knows no run of the ledger tells it again" src/table/payment_table.cc \
  'if (!file.created() && header' 'if (false && header'

m=tests/forward/ledger_model.cc
mutant "claims change only by a higher attempt (ledger)" $m \
  'if (request.attempt > pending.attempt) {' 'if (request.attempt != pending.attempt) {'
mutant "another opening's claim is taken over under a number of its own (ledger)" $m \
  'pending.attempt = std::min<uint16_t>(pending.attempt + 1, payments::kAttemptMax);' ''
mutant "an older opening of a table is refused (ledger)" $m \
  'return owner.incarnation < known.incarnation || owner.nonce != known.nonce;' \
  'return owner.incarnation == known.incarnation && owner.nonce != known.nonce;'
mutant "an opening of equal number that is another's is refused (ledger)" $m \
  'return owner.incarnation < known.incarnation || owner.nonce != known.nonce;' \
  'return owner.incarnation < known.incarnation;'
mutant "new claims wait until all had time to tell what was lost (ledger)" $m \
  'kGraceMs = 2'"'"'000;' 'kGraceMs = 0;'
mutant "a rejection leaves another's claim alone (ledger)" $m \
  'if (!request.booked && others) return' 'if (!request.booked && others && owner.nonce == 0) return'
mutant "what was claimed before a purge is not counted (ledger)" $m \
  '.counted = !request.epoch_known || request.epoch >= state_.epoch,' '.counted = true,'
mutant "claims survive a purge (ledger)" $m \
  $'  state_.entries.clear();\n' $'  state_.entries.clear();\n  state_.pending.clear();\n'
mutant "one owner per id (ledger)" $m \
  'if (!SameClaim(pending, owner, request)) {' 'if (false) {'
mutant "booked ids are known (ledger)" $m \
  'if (const auto it = state_.entries.find(payment.id); it != state_.entries.end()) {' \
  'if (const auto it = state_.entries.find(payment.id); it != state_.entries.end() && false) {'
exit $escaped
