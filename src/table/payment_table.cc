#include "tollgate/table/payment_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <utility>

#include "table/committer.h"
#include "table/payment_rules.h"
#include "table/processor_names.h"
#include "table/rest_clock.h"
#include "table/sealed_number.h"
#include "table/table_file.h"
#include "tollgate/base/assert.h"

namespace tollgate::table {

bool MayHoldWhatWasSent(const TableFile& file, payments::ProcessorId index) {
  for (size_t i = 0; i < file.header().slots; ++i) {
    const SlotStatus status = UnpackStatus(file.slots()[i].status.load(std::memory_order_relaxed));
    const bool open = status.state == SlotState::kClaimed || status.state == SlotState::kSent ||
                      status.state == SlotState::kUnresolved;
    if (open && status.processor == index) return true;
  }
  return false;
}

namespace {

// A word of the payment part. The slot's owner writes it while other threads may read it to see
// that it changed. So it is a relaxed atomic, ordered by the fences around the access.
uint64_t& Word(Slot& slot, size_t index) { return reinterpret_cast<uint64_t*>(&slot)[index]; }
constexpr size_t kPaymentWords = 5;  // id, cents, time, generation with checksum
static_assert(offsetof(Slot, status) == kPaymentWords * sizeof(uint64_t));

struct PaymentPart {
  payments::Payment payment;
  int64_t accepted_at_ms;
  uint32_t generation;
  uint32_t checksum;
};
static_assert(sizeof(PaymentPart) == kPaymentWords * sizeof(uint64_t));

void Store(Slot& slot, const PaymentPart& part) {
  const auto words = std::bit_cast<std::array<uint64_t, kPaymentWords>>(part);
  for (size_t i = 0; i < kPaymentWords; ++i) {
    std::atomic_ref(Word(slot, i)).store(words[i], std::memory_order_relaxed);
  }
}

PaymentPart Load(const Slot& slot) {
  std::array<uint64_t, kPaymentWords> words;
  for (size_t i = 0; i < kPaymentWords; ++i) {
    words[i] = std::atomic_ref(Word(const_cast<Slot&>(slot), i)).load(std::memory_order_relaxed);
  }
  return std::bit_cast<PaymentPart>(words);
}

uint32_t ChecksumOf(const PaymentPart& part) {
  Slot slot{};
  slot.payment = part.payment;
  slot.accepted_at_ms = part.accepted_at_ms;
  slot.generation = part.generation;
  return PaymentChecksum(slot);
}

bool IsFree(SlotState state) {
  return state == SlotState::kFree || state == SlotState::kFreeBooked;
}

// A resting slot and the time of the rest clock from which it may be used, in one word for the
// queue: 24 bits of slot, 40 bits of milliseconds. 40 bits last for 34 years. After that the time
// stands still, and slots no longer rest.
constexpr unsigned kSlotBits = 24;
static_assert(kSlotsMax <= size_t{1} << kSlotBits);
constexpr uint64_t kQueueMsMax = (uint64_t{1} << (64 - kSlotBits)) - 1;
constexpr int64_t kRestMsMax = 24 * 3'600'000;

uint64_t RestItem(SlotIndex slot, uint64_t usable_from_ms) {
  return std::min(usable_from_ms, kQueueMsMax) << kSlotBits | NumberOf(slot);
}
uint64_t UsableFromMs(uint64_t item) { return item >> kSlotBits; }
SlotIndex SlotOf(uint64_t item) {
  return SlotIndex{static_cast<uint32_t>(item) & ((uint32_t{1} << kSlotBits) - 1)};
}

}  // namespace

PaymentTable::PaymentTable(const TableOptions& options, payments::ProcessorDirectory& directory)
    : options_(options),
      file_(std::make_unique<TableFile>()),
      names_(std::make_unique<ProcessorNames>(directory)),
      rest_clock_(std::make_unique<RestClock>(static_cast<uint64_t>(options.rest_ms))) {}
PaymentTable::~PaymentTable() = default;

base::Result<std::unique_ptr<PaymentTable>> PaymentTable::Open(
    const TableOptions& options, payments::ProcessorDirectory& directory) {
  std::unique_ptr<PaymentTable> table(new PaymentTable(options, directory));
  auto status = table->OpenAndScan();
  if (!status.ok()) return status.error();
  return table;
}

base::Status PaymentTable::OpenAndScan() {
  if (options_.slots == 0 || options_.slots > kSlotsMax) {
    return base::Error{"TABLE_SLOTS must be between 1 and " + std::to_string(kSlotsMax)};
  }
  TG_ASSERT(options_.rest_ms >= 0 && options_.rest_ms <= kRestMsMax);
  const bool memory = options_.durability == Durability::kMemory;
  auto status = memory ? file_->OpenMemory(options_.slots)
                       : file_->Open(options_.path, {.slots = options_.slots,
                                                     .create = options_.adopt_slots_max == 0,
                                                     .slots_max = options_.adopt_slots_max == 0
                                                                      ? kSlotsMax
                                                                      : options_.adopt_slots_max,
                                                     .lock_wait_ms = options_.lock_wait_ms});
  if (!status.ok()) return status;
  TableHeader& header = file_->header();
  status = names_->Load(
      header, [this](payments::ProcessorId index) { return MayHoldWhatWasSent(*file_, index); });
  if (!status.ok()) return status;
  ++header.incarnation;
  header.nonce = RandomNumber();
  // The table was in use without storing the ledger's run: the run may have been any.
  if (!file_->created() && header.ledger_run_id[0] == 0) SetText(header.ledger_run_id, "unknown");
  slot_count_ = header.slots;
  // A process that died may have left pages that its last sync failed to write and that the kernel
  // marked clean.
  if (options_.durability == Durability::kDisk) DirtyAll();
  // Synced at every durability level: an opening that Redis knows of must never be forgotten. The
  // sync covers the slots too, so what the scan finds is on disk.
  status = file_->WriteHeader(true);
  if (!status.ok()) return status;
  identity_ = IdentityIn(header);
  report_.created = file_->created();
  Scan();
  if (options_.durability == Durability::kDisk) {
    committer_ = std::make_unique<Committer>(CommitterOptions{
        .interval_us = options_.sync_interval_us,
        .batch_max = options_.sync_batch_max,
        .sync = options_.sync_for_test ? options_.sync_for_test : [this] { return file_->Sync(); },
        .dirty_all = [this] { DirtyAll(); }});
  }
  return base::OkStatus();
}

Slot* PaymentTable::Slots() const { return file_->slots(); }
Slot& PaymentTable::SlotAt(SlotIndex slot) const { return file_->slots()[NumberOf(slot)]; }

bool PaymentTable::IsSound(const Slot& slot, const SlotStatus& status) const {
  if (slot.checksum != PaymentChecksum(slot)) return false;
  if (!IsPayment(slot)) return false;
  // No real clock gives such a time, and sums with it could overflow.
  constexpr int64_t kTimeMax = int64_t{1} << 53U;
  if (slot.accepted_at_ms < -kTimeMax || slot.accepted_at_ms > kTimeMax) return false;
  // The next attempt needs a number.
  if (status.state == SlotState::kAccepted) return status.attempt < payments::kAttemptMax;
  const bool has_processor =
      status.state == SlotState::kClaimed || status.state == SlotState::kSent ||
      status.state == SlotState::kUnresolved || status.state == SlotState::kBooked ||
      status.state == SlotState::kFreeBooked;
  const bool has_time = status.requested_at_ms != 0 || status.state == SlotState::kFreeBooked;
  return !has_processor || (names_->Knows(status.processor) && status.attempt > 0 && has_time);
}

// The rest clock across restarts, in whole seconds. It is rounded down, so an opening never adds to
// it. Each opening continues where the last release left it. It does not depend on the wall clock.
// After 136 years it stands still, and each opening starts every rest from the beginning.
uint32_t PaymentTable::TableSeconds() const {
  const uint64_t now_s = table_s_at_open_ + rest_clock_->NowMs() / 1000;
  return static_cast<uint32_t>(std::min<uint64_t>(now_s, UINT32_MAX));
}

void PaymentTable::Scan() {
  free_ = std::make_unique<base::IndexStack<>>(slot_count_);
  resting_ =
      std::make_unique<base::MpmcRing<uint64_t>>(std::bit_ceil(std::max<size_t>(slot_count_, 2)));
  std::vector<std::pair<uint32_t, SlotIndex>> rest;  // time freed (s), slot
  for (const SlotIndex index : AllSlots(slot_count_)) {
    Slot& slot = SlotAt(index);
    const uint64_t word = slot.status.load(std::memory_order_relaxed);  // no other thread yet
    const SlotStatus status = UnpackStatus(word);
    if (status.state == SlotState::kFree) continue;
    if (!IsSound(slot, status)) {
      ++report_.damaged;
    } else if (status.state == SlotState::kFreeBooked) {
      rest.push_back({slot.freed_at_s, index});
    } else {
      report_.to_continue.push_back(index);
      const payments::ProcessorId processor = names_->ToDirectory(status.processor);
      const bool sent = status.state == SlotState::kSent || status.state == SlotState::kUnresolved;
      if (sent && processor >= names_->configured_count()) ++report_.sent_to_strangers[processor];
    }
  }
  for (auto i = static_cast<uint32_t>(slot_count_); i-- > 0;) {  // so that slot 0 is used first
    const uint64_t word = Slots()[i].status.load(std::memory_order_relaxed);  // no other thread yet
    if (UnpackStatus(word).state == SlotState::kFree) free_->Push(i);
  }
  std::sort(rest.begin(), rest.end());
  table_s_at_open_ = rest.empty() ? 0 : rest.back().first;
  for (const auto& [freed_s, slot] : rest) {
    // The slot has rested at least from its release to the last release: the books' answers while
    // the table was closed are not known. Both times are rounded down, so subtract one second.
    const uint64_t rested_ms = (std::max<uint64_t>(table_s_at_open_ - freed_s, 1) - 1) * 1000;
    const auto rest_ms = static_cast<uint64_t>(options_.rest_ms);
    TG_CHECK(resting_->TryPush(RestItem(slot, rest_ms - std::min(rested_ms, rest_ms))));
  }
  report_.resting = rest.size();
  report_.unfinished = report_.to_continue.size();
  std::stable_sort(report_.to_continue.begin(), report_.to_continue.end(),
                   [this](SlotIndex a, SlotIndex b) {
                     return SlotAt(a).accepted_at_ms < SlotAt(b).accepted_at_ms;
                   });
}

SlotStatus PaymentTable::Unpack(uint64_t word) const {
  SlotStatus status = UnpackStatus(word);
  status.processor = names_->ToDirectory(status.processor);
  return status;
}

uint64_t PaymentTable::Pack(const SlotStatus& status) const {
  SlotStatus stored = status;
  stored.processor = names_->ToFile(status.processor);
  TG_ASSERT(stored.processor != ProcessorNames::kMissing);  // CanHold has returned true
  return PackStatus(stored);
}

// Writes to every page without changing it.
void PaymentTable::DirtyAll() {
  constexpr size_t kSlotsPerPage = 4096 / sizeof(Slot);
  for (size_t i = 0; i < slot_count_; i += kSlotsPerPage) {
    Slots()[i].status.fetch_or(0, std::memory_order_relaxed);
    if (options_.dirtied_for_test) options_.dirtied_for_test(i);
  }
}

TableIdentity PaymentTable::identity() const {
  const std::lock_guard lock(header_mutex_);
  return identity_;
}
void PaymentTable::RemoveFile() { file_->Remove(options_.path); }
const Slot& PaymentTable::At(SlotIndex slot) const { return SlotAt(slot); }

// Slots that hold nothing come first, then the slot that was freed first, if it has rested.
std::optional<SlotIndex> PaymentTable::TakeFree() {
  if (const auto slot = free_->TryPop()) return SlotIndex{*slot};
  const uint64_t now_ms = rest_clock_->NowMs();
  const auto item = resting_->TryPopIf(
      [now_ms](uint64_t candidate) { return UsableFromMs(candidate) <= now_ms; });
  return item ? std::optional(SlotOf(*item)) : std::nullopt;
}

std::optional<SlotIndex> PaymentTable::Acquire(const payments::Payment& payment,
                                               int64_t wall_now_ms) {
  if (!healthy() || fenced()) return std::nullopt;
  const auto taken = TakeFree();
  if (!taken) return std::nullopt;
  Slot& slot = SlotAt(*taken);
  Forget(slot);
  // Mark the slot free before its payment part changes: a crash between these stores leaves a free
  // slot. The release fence is the partner of Read's acquire fence: a reader that sees a word of
  // the new payment also sees that the slot was free.
  slot.status.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  PaymentPart part{.payment = payment,
                   .accepted_at_ms = wall_now_ms,
                   .generation = slot.generation + 1,
                   .checksum = 0};
  part.checksum = ChecksumOf(part);
  Store(slot, part);
  slot.claim_epoch.store(0, std::memory_order_relaxed);
  static constexpr SlotStatus kAccepted{.state = SlotState::kAccepted};
  slot.status.store(PackStatus(kAccepted), std::memory_order_release);  // partner: Status, Read
  return *taken;
}

void PaymentTable::Release(SlotIndex slot, const SlotStatus& status) {
  TG_ASSERT(IsFree(status.state));
  if (status.state == SlotState::kFree) {
    SetStatus(slot, status);
    return free_->Push(NumberOf(slot));
  }
  SlotAt(slot).freed_at_s = TableSeconds();
  SlotAt(slot).recorded_in = NumberIn(file_->live().number);
  SetStatus(slot, status);
  const auto rest_ms = static_cast<uint64_t>(options_.rest_ms);
  // Do not count the current millisecond, so that a rest is never too short.
  const uint64_t freed_ms = rest_clock_->NowMs() + (rest_ms == 0 ? 0 : 1);
  TG_CHECK(resting_->TryPush(RestItem(slot, freed_ms + rest_ms)));
}

bool PaymentTable::CanHold(payments::ProcessorId processor) {
  if (processor >= payments::kNoProcessor) return false;
  if (names_->ToFile(processor) != ProcessorNames::kMissing) return true;
  const std::lock_guard lock(header_mutex_);
  return names_->Add(processor, *file_).has_value();
}

void PaymentTable::SetStatus(SlotIndex slot, const SlotStatus& status) {
  SlotAt(slot).status.store(Pack(status), std::memory_order_release);
}

SlotStatus PaymentTable::Status(SlotIndex slot) const {
  return Unpack(SlotAt(slot).status.load(std::memory_order_acquire));
}

void PaymentTable::SetClaimEpoch(SlotIndex slot, uint32_t epoch) {
  SlotAt(slot).claim_epoch.store(epoch, std::memory_order_relaxed);  // before SetStatus
}

// A sequence lock whose sequence is the status: a slot is reused only after its status was 0.
std::optional<PaymentTable::Snapshot> PaymentTable::Read(SlotIndex slot) const {
  const Slot& source = SlotAt(slot);
  const uint64_t before = source.status.load(std::memory_order_acquire);
  const PaymentPart part = Load(source);
  const uint32_t epoch = source.claim_epoch.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);  // partner: Acquire's fence
  if (source.status.load(std::memory_order_relaxed) != before) return std::nullopt;
  if (part.checksum != ChecksumOf(part)) return std::nullopt;
  return Snapshot{.payment = part.payment,
                  .accepted_at_ms = part.accepted_at_ms,
                  .generation = part.generation,
                  .claim_epoch = epoch,
                  .status = Unpack(before)};
}

std::optional<payments::Uuid> PaymentTable::IdAtFirstLook(SlotIndex slot) const {
  Slot& source = SlotAt(slot);
  const uint64_t word = source.status.load(std::memory_order_acquire);  // partner: Acquire
  if (UnpackStatus(word).state == SlotState::kFree) return std::nullopt;
  return payments::Uuid{.high = std::atomic_ref(Word(source, 0)).load(std::memory_order_relaxed),
                        .low = std::atomic_ref(Word(source, 1)).load(std::memory_order_relaxed)};
}

size_t PaymentTable::UsedApprox() const {
  const size_t unused = free_->SizeApprox() + resting_->SizeApprox() + report_.damaged;
  return slot_count_ > unused ? slot_count_ - unused : 0;
}

uint64_t PaymentTable::TakeTicket() { return committer_ ? committer_->Take() : 0; }
uint64_t PaymentTable::CommittedTicket() const {
  return committer_ ? committer_->committed() : UINT64_MAX;
}
CommitListener PaymentTable::AddCommitListener(std::function<void()> on_commit) {
  if (!committer_) return {};
  return committer_->AddListener(std::move(on_commit));
}
void PaymentTable::StartCommits() {
  if (committer_) committer_->Start();
}
bool PaymentTable::healthy() const { return !committer_ || committer_->healthy(); }
bool PaymentTable::CommitWanted() const { return committer_ && committer_->wanted(); }
void PaymentTable::BeginCommit() { committer_->Begin(); }
bool PaymentTable::TryCommit() { return committer_->Try(); }

}  // namespace tollgate::table
