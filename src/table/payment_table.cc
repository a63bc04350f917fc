#include "tollgate/table/payment_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <utility>

#include "table/payment_rules.h"
#include "table/payment_table_impl.h"
#include "table/sealed_number.h"
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

base::Status PaymentTable::Impl::Open() {
  if (options.slots == 0 || options.slots > kSlotsMax) {
    return base::Error{"TABLE_SLOTS must be between 1 and " + std::to_string(kSlotsMax)};
  }
  TG_ASSERT(options.rest_ms >= 0 && options.rest_ms <= kRestMsMax);
  const bool memory = options.durability == Durability::kMemory;
  auto status = memory ? file.OpenMemory(options.slots)
                       : file.Open(options.path, {.slots = options.slots,
                                                  .create = options.adopt_slots_max == 0,
                                                  .slots_max = options.adopt_slots_max == 0
                                                                   ? kSlotsMax
                                                                   : options.adopt_slots_max,
                                                  .lock_wait_ms = options.lock_wait_ms});
  if (!status.ok()) return status;
  TableHeader& header = file.header();
  status = names.Load(
      header, [this](payments::ProcessorId index) { return MayHoldWhatWasSent(file, index); });
  if (!status.ok()) return status;
  ++header.incarnation;
  header.nonce = RandomNumber();
  // The table was in use without storing the ledger's run: the run may have been any.
  if (!file.created() && header.ledger_run_id[0] == 0) SetText(header.ledger_run_id, "unknown");
  slot_count = header.slots;
  // A process that died may have left pages that its last sync failed to write and that the kernel
  // marked clean.
  if (options.durability == Durability::kDisk) DirtyAll();
  // Synced at every durability level: an opening that Redis knows of must never be forgotten. The
  // sync covers the slots too, so what the scan finds is on disk.
  status = file.WriteHeader(true);
  if (!status.ok()) return status;
  identity = IdentityIn(header);
  report.created = file.created();
  Scan();
  if (options.durability == Durability::kDisk) {
    committer = std::make_unique<Committer>(CommitterOptions{
        .interval_us = options.sync_interval_us,
        .batch_max = options.sync_batch_max,
        .sync = options.sync_for_test ? options.sync_for_test : [this] { return file.Sync(); },
        .dirty_all = [this] { DirtyAll(); }});
  }
  return base::OkStatus();
}

bool PaymentTable::Impl::IsSound(const Slot& slot, const SlotStatus& status) const {
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
  return !has_processor || (names.Knows(status.processor) && status.attempt > 0 && has_time);
}

// The rest clock across restarts, in whole seconds. It is rounded down, so an opening never adds to
// it. Each opening continues where the last release left it. It does not depend on the wall clock.
// After 136 years it stands still, and each opening starts every rest from the beginning.
uint32_t PaymentTable::Impl::TableSeconds() const {
  const uint64_t now_s = table_s_at_open + rest_clock.NowMs() / 1000;
  return static_cast<uint32_t>(std::min<uint64_t>(now_s, UINT32_MAX));
}

void PaymentTable::Impl::Scan() {
  free = std::make_unique<base::IndexStack<>>(slot_count);
  resting =
      std::make_unique<base::MpmcRing<uint64_t>>(std::bit_ceil(std::max<size_t>(slot_count, 2)));
  std::vector<std::pair<uint32_t, SlotIndex>> rest;  // time freed (s), slot
  for (const SlotIndex index : AllSlots(slot_count)) {
    Slot& slot = At(index);
    const uint64_t word = slot.status.load(std::memory_order_relaxed);  // no other thread yet
    const SlotStatus status = UnpackStatus(word);
    if (status.state == SlotState::kFree) continue;
    if (!IsSound(slot, status)) {
      ++report.damaged;
    } else if (status.state == SlotState::kFreeBooked) {
      rest.push_back({slot.freed_at_s, index});
    } else {
      report.to_continue.push_back(index);
      const payments::ProcessorId processor = names.ToDirectory(status.processor);
      const bool sent = status.state == SlotState::kSent || status.state == SlotState::kUnresolved;
      if (sent && processor >= names.configured_count()) ++report.sent_to_strangers[processor];
    }
  }
  for (auto i = static_cast<uint32_t>(slot_count); i-- > 0;) {  // so that slot 0 is used first
    const uint64_t word = Slots()[i].status.load(std::memory_order_relaxed);  // no other thread yet
    if (UnpackStatus(word).state == SlotState::kFree) free->Push(i);
  }
  std::sort(rest.begin(), rest.end());
  table_s_at_open = rest.empty() ? 0 : rest.back().first;
  for (const auto& [freed_s, slot] : rest) {
    // The slot has rested at least from its release to the last release: the books' answers while
    // the table was closed are not known. Both times are rounded down, so subtract one second.
    const uint64_t rested_ms = (std::max<uint64_t>(table_s_at_open - freed_s, 1) - 1) * 1000;
    const auto rest_ms = static_cast<uint64_t>(options.rest_ms);
    TG_ASSERT(resting->TryPush(RestItem(slot, rest_ms - std::min(rested_ms, rest_ms))));
  }
  report.resting = rest.size();
  report.unfinished = report.to_continue.size();
  std::stable_sort(
      report.to_continue.begin(), report.to_continue.end(),
      [this](SlotIndex a, SlotIndex b) { return At(a).accepted_at_ms < At(b).accepted_at_ms; });
}

SlotStatus PaymentTable::Impl::Unpack(uint64_t word) const {
  SlotStatus status = UnpackStatus(word);
  status.processor = names.ToDirectory(status.processor);
  return status;
}

uint64_t PaymentTable::Impl::Pack(const SlotStatus& status) const {
  SlotStatus stored = status;
  stored.processor = names.ToFile(status.processor);
  TG_ASSERT(stored.processor != ProcessorNames::kMissing);  // CanHold has returned true
  return PackStatus(stored);
}

// Writes to every page without changing it.
void PaymentTable::Impl::DirtyAll() {
  constexpr size_t kSlotsPerPage = 4096 / sizeof(Slot);
  for (size_t i = 0; i < slot_count; i += kSlotsPerPage) {
    Slots()[i].status.fetch_or(0, std::memory_order_relaxed);
    if (options.dirtied_for_test) options.dirtied_for_test(i);
  }
}

PaymentTable::PaymentTable() = default;
PaymentTable::~PaymentTable() = default;

base::Result<std::unique_ptr<PaymentTable>> PaymentTable::Open(
    const TableOptions& options, payments::ProcessorDirectory& directory) {
  std::unique_ptr<PaymentTable> table(new PaymentTable);
  table->impl_ = std::make_unique<Impl>(options, directory);
  auto status = table->impl_->Open();
  if (!status.ok()) return status.error();
  return table;
}

TableIdentity PaymentTable::identity() const {
  const std::lock_guard lock(impl_->header_mutex);
  return impl_->identity;
}
const RecoveryReport& PaymentTable::recovery() const { return impl_->report; }
size_t PaymentTable::slot_count() const { return impl_->slot_count; }
const std::string& PaymentTable::path() const { return impl_->options.path; }
Durability PaymentTable::durability() const { return impl_->options.durability; }
void PaymentTable::RemoveFile() { impl_->file.Remove(impl_->options.path); }
const Slot& PaymentTable::At(SlotIndex slot) const { return impl_->At(slot); }

// Slots that hold nothing come first, then the slot that was freed first, if it has rested.
std::optional<SlotIndex> PaymentTable::Impl::TakeFree() {
  if (const auto slot = free->TryPop()) return SlotIndex{*slot};
  const uint64_t now_ms = rest_clock.NowMs();
  const auto item =
      resting->TryPopIf([now_ms](uint64_t candidate) { return UsableFromMs(candidate) <= now_ms; });
  return item ? std::optional(SlotOf(*item)) : std::nullopt;
}

std::optional<SlotIndex> PaymentTable::Acquire(const payments::Payment& payment,
                                               int64_t wall_now_ms) {
  if (!healthy() || fenced()) return std::nullopt;
  const auto taken = impl_->TakeFree();
  if (!taken) return std::nullopt;
  Slot& slot = impl_->At(*taken);
  impl_->Forget(slot);
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
    return impl_->free->Push(NumberOf(slot));
  }
  impl_->At(slot).freed_at_s = impl_->TableSeconds();
  impl_->At(slot).recorded_in = NumberIn(impl_->file.live().number);
  SetStatus(slot, status);
  const auto rest_ms = static_cast<uint64_t>(impl_->options.rest_ms);
  // Do not count the current millisecond, so that a rest is never too short.
  const uint64_t freed_ms = impl_->rest_clock.NowMs() + (rest_ms == 0 ? 0 : 1);
  TG_ASSERT(impl_->resting->TryPush(RestItem(slot, freed_ms + rest_ms)));
}

bool PaymentTable::CanHold(payments::ProcessorId processor) {
  if (processor >= payments::kNoProcessor) return false;
  if (impl_->names.ToFile(processor) != ProcessorNames::kMissing) return true;
  const std::lock_guard lock(impl_->header_mutex);
  return impl_->names.Add(processor, impl_->file).has_value();
}

void PaymentTable::SetStatus(SlotIndex slot, const SlotStatus& status) {
  impl_->At(slot).status.store(impl_->Pack(status), std::memory_order_release);
}

SlotStatus PaymentTable::Status(SlotIndex slot) const {
  return impl_->Unpack(impl_->At(slot).status.load(std::memory_order_acquire));
}

void PaymentTable::SetClaimEpoch(SlotIndex slot, uint32_t epoch) {
  impl_->At(slot).claim_epoch.store(epoch, std::memory_order_relaxed);  // before SetStatus
}

// A sequence lock whose sequence is the status: a slot is reused only after its status was 0.
std::optional<PaymentTable::Snapshot> PaymentTable::Read(SlotIndex slot) const {
  const Slot& source = impl_->At(slot);
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
                  .status = impl_->Unpack(before)};
}

std::optional<payments::Uuid> PaymentTable::IdAtFirstLook(SlotIndex slot) const {
  Slot& source = impl_->At(slot);
  const uint64_t word = source.status.load(std::memory_order_acquire);  // partner: Acquire
  if (UnpackStatus(word).state == SlotState::kFree) return std::nullopt;
  return payments::Uuid{.high = std::atomic_ref(Word(source, 0)).load(std::memory_order_relaxed),
                        .low = std::atomic_ref(Word(source, 1)).load(std::memory_order_relaxed)};
}

size_t PaymentTable::UsedApprox() const {
  const size_t unused =
      impl_->free->SizeApprox() + impl_->resting->SizeApprox() + impl_->report.damaged;
  return impl_->slot_count > unused ? impl_->slot_count - unused : 0;
}

uint64_t PaymentTable::TakeTicket() { return impl_->committer ? impl_->committer->Take() : 0; }
uint64_t PaymentTable::CommittedTicket() const {
  return impl_->committer ? impl_->committer->committed() : UINT64_MAX;
}
CommitListener PaymentTable::AddCommitListener(std::function<void()> on_commit) {
  if (!impl_->committer) return {};
  return impl_->committer->AddListener(std::move(on_commit));
}
void PaymentTable::StartCommits() {
  if (impl_->committer) impl_->committer->Start();
}
bool PaymentTable::healthy() const { return !impl_->committer || impl_->committer->healthy(); }
bool PaymentTable::CommitWanted() const { return impl_->committer && impl_->committer->wanted(); }
void PaymentTable::BeginCommit() { impl_->committer->Begin(); }
bool PaymentTable::TryCommit() { return impl_->committer->Try(); }

}  // namespace tollgate::table
