#include "api/table_search.h"

#include <algorithm>

namespace tollgate::api {
namespace {

using table::SlotState;

// Orders the states by progress. Their numbers are in another order.
int Progress(SlotState state) {
  switch (state) {
    case SlotState::kFree:
      return 0;
    case SlotState::kAccepted:
      return 1;
    case SlotState::kClaimed:
      return 2;
    case SlotState::kRejected:
      return 3;
    case SlotState::kSent:
      return 4;
    case SlotState::kUnresolved:
      return 5;
    case SlotState::kBooked:
    case SlotState::kFreeBooked:
      return 6;
  }
  return 0;
}

}  // namespace

TableSearch::TableSearch(net::EventLoop& loop, const table::PaymentTable& table,
                         TableSearchOptions options)
    : loop_(loop), table_(table), options_(std::move(options)), turn_(loop, [this] { OnTurn(); }) {}

void TableSearch::Find(const payments::Uuid& id, OnFound done) {
  next_[id].askers.push_back(std::move(done));
  if (!turn_.armed()) turn_.Arm(std::max(loop_.now_ns(), next_pass_ns_));
}

// Each turn does one of three: answers, the beginning of a pass, or a part of it. A timer that is
// armed for now is due in the next turn.
void TableSearch::OnTurn() {
  if (!answers_.empty()) {
    Answer();
  } else if (wanted_.empty()) {
    BeginPass();
  } else {
    SearchPart();
  }
  if (!answers_.empty() || !wanted_.empty()) return turn_.Arm(loop_.now_ns());
  if (!next_.empty()) turn_.Arm(std::max(loop_.now_ns(), next_pass_ns_));
}

void TableSearch::Answer() {
  for (size_t i = 0; i < options_.answers_per_turn && !answers_.empty(); ++i) {
    const auto [done, found] = std::move(answers_.front());
    answers_.pop_front();
    done(found);
  }
}

void TableSearch::BeginPass() {
  wanted_.swap(next_);
  marks_.reset();
  for (const auto& [id, wanted] : wanted_) marks_.set(Mark(id));
  slot_ = 0;
}

void TableSearch::SearchPart() {
  const auto slots = static_cast<uint32_t>(table_.slot_count());
  const uint32_t end = slot_ + std::min(slots - slot_, options_.slots_per_turn);
  slots_looked_at_ += end - slot_;
  for (; slot_ < end; ++slot_) Look(table::SlotIndex{slot_});
  if (slot_ < slots) return;
  for (auto& [id, wanted] : wanted_) {
    for (OnFound& done : wanted.askers) answers_.emplace_back(std::move(done), wanted.best);
  }
  wanted_.clear();
  next_pass_ns_ = loop_.now_ns() + int64_t{slots} * options_.pause_ns_per_slot;
}

// Reads again if the payment changes meanwhile. Empty if the slot is free or damaged.
std::optional<TableSearch::Snapshot> TableSearch::ReadSurely(table::SlotIndex slot) const {
  for (;;) {
    const table::SlotStatus before = table_.Status(slot);
    if (before.state == SlotState::kFree) return std::nullopt;
    auto copy = options_.read_for_test ? options_.read_for_test(slot) : table_.Read(slot);
    if (copy || table_.Status(slot) == before) return copy;
  }
}

void TableSearch::Look(table::SlotIndex slot) {
  const auto id = table_.IdAtFirstLook(slot);
  if (!id || !marks_[Mark(*id)]) return;
  const auto it = wanted_.find(*id);
  if (it == wanted_.end()) return;
  auto copy = ReadSurely(slot);
  // The slot holds another payment now. The wanted one has left for the books.
  if (!copy || copy->payment.id != *id) return;
  Wanted& wanted = it->second;
  if (!wanted.best || Progress(copy->status.state) > Progress(wanted.best->status.state)) {
    wanted.best = copy;
  }
}

}  // namespace tollgate::api
