#include "tests/base/model/model.h"

#include <algorithm>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::model {
namespace {

Model* current = nullptr;

}  // namespace

Model& Model::Current() {
  TG_ASSERT(current != nullptr);
  return *current;
}

bool Model::Explore(const Bounds& bounds, const std::function<bool(Model&)>& program) {
  Model model;
  model.bounds_ = bounds;
  current = &model;
  bool holds = true;
  do {
    model.Reset();
    ++model.executions_;
    holds = program(model);
  } while (holds && model.NextExecution());
  current = nullptr;
  return holds;
}

void Model::Reset() {
  depth_ = 0;
  preemptions_left_ = bounds_.preemptions;
  oddities_left_ = bounds_.oddities;
  locations_.clear();
  sequential_ = {};
  thread_count_ = 0;
  main_.now = main_.acquired = main_.released = {};
  running_ = &main_;
}

// The next path in the tree of choices, depth first; false if there is none.
bool Model::NextExecution() {
  while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().count) {
    choices_.pop_back();
  }
  if (choices_.empty()) return false;
  ++choices_.back().taken;
  return true;
}

int Model::Choose(int count) {
  if (count == 1) return 0;
  if (depth_ == choices_.size()) choices_.push_back({0, count});
  TG_ASSERT(choices_[depth_].count == count);  // the program must be deterministic
  return choices_[depth_++].taken;
}

void Model::AddThread(std::function<void()> body) {
  if (thread_count_ == threads_.size()) {
    threads_.push_back(std::make_unique<Thread>());
    threads_.back()->stack.resize(kStackBytes);
  }
  Thread& thread = *threads_[thread_count_++];
  thread.body = std::move(body);
  thread.now = main_.now;
  thread.acquired = thread.released = main_.now;
  thread.done = false;
  ::getcontext(&thread.context);
  thread.context.uc_stack.ss_sp = thread.stack.data();
  thread.context.uc_stack.ss_size = thread.stack.size();
  thread.context.uc_link = &main_.context;
  ::makecontext(&thread.context, &Model::Enter, 0);
}

void Model::Enter() {
  Model& model = Current();
  model.running_->body();
  model.running_->done = true;
}

std::vector<size_t> Model::Runnable() const {
  std::vector<size_t> runnable;
  for (size_t i = 0; i < thread_count_; ++i) {
    if (!threads_[i]->done) runnable.push_back(i);
  }
  return runnable;
}

void Model::SwitchTo(size_t thread) {
  Thread& from = *running_;
  running_index_ = thread;
  running_ = threads_[thread].get();
  ::swapcontext(&from.context, &running_->context);
}

void Model::Run() {
  for (auto runnable = Runnable(); !runnable.empty(); runnable = Runnable()) {
    running_ = &main_;
    SwitchTo(runnable[static_cast<size_t>(Choose(static_cast<int>(runnable.size())))]);
  }
  running_ = &main_;
  for (size_t i = 0; i < locations_.size(); ++i) {  // main joined all threads
    main_.now[i] = static_cast<uint16_t>(locations_[i].size() - 1);
  }
}

// Before every step of a thread another thread may run.
void Model::MayBeInterrupted() {
  if (running_ == &main_ || preemptions_left_ == 0) return;
  auto others = Runnable();
  std::erase(others, running_index_);
  const int choice = Choose(static_cast<int>(others.size()) + 1);
  if (choice == 0) return;
  --preemptions_left_;
  SwitchTo(others[static_cast<size_t>(choice - 1)]);
}

void Model::Join(View& into, const View& other) {
  for (size_t i = 0; i < kMaxLocations; ++i) into[i] = std::max(into[i], other[i]);
}

bool Model::Releases(std::memory_order order) const {
  if (bounds_.releases_are_relaxed) return false;
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

bool Model::Acquires(std::memory_order order) const {
  if (bounds_.acquires_are_relaxed) return false;
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

int Model::NewLocation(uint64_t value) {
  TG_ASSERT(locations_.size() < kMaxLocations);
  locations_.push_back({{value, {}}});
  return static_cast<int>(locations_.size() - 1);
}

void Model::See(int location, size_t index, std::memory_order order) {
  const View& message = locations_[static_cast<size_t>(location)][index].view;
  uint16_t& seen = running_->now[static_cast<size_t>(location)];
  seen = std::max(seen, static_cast<uint16_t>(index));
  Join(Acquires(order) ? running_->now : running_->acquired, message);
}

uint64_t Model::Load(int location, std::memory_order order) {
  MayBeInterrupted();
  const auto& stores = locations_[static_cast<size_t>(location)];
  const size_t oldest = running_->now[static_cast<size_t>(location)];
  const size_t newest = stores.size() - 1;
  size_t index = newest;
  if (running_ != &main_ && oddities_left_ > 0) {
    index = newest - static_cast<size_t>(Choose(static_cast<int>(newest - oldest) + 1));
    if (index != newest) --oddities_left_;
  }
  See(location, index, order);
  return stores[index].value;
}

void Model::Append(int location, uint64_t value, std::memory_order order, const View* continued) {
  auto& stores = locations_[static_cast<size_t>(location)];
  running_->now[static_cast<size_t>(location)] = static_cast<uint16_t>(stores.size());
  View view = Releases(order) ? running_->now : running_->released;
  if (continued != nullptr) Join(view, *continued);
  view[static_cast<size_t>(location)] = static_cast<uint16_t>(stores.size());
  stores.push_back({value, view});
}

void Model::Store(int location, uint64_t value, std::memory_order order) {
  MayBeInterrupted();
  Append(location, value, order, nullptr);
}

uint64_t Model::Exchange(int location, uint64_t value, std::memory_order order) {
  MayBeInterrupted();
  const size_t index = locations_[static_cast<size_t>(location)].size() - 1;
  const StoreEvent before = locations_[static_cast<size_t>(location)][index];
  See(location, index, order);
  Append(location, value, order, &before.view);  // continues the release sequence
  return before.value;
}

bool Model::CompareExchangeWeak(int location, uint64_t& expected, uint64_t value,
                                std::memory_order order) {
  MayBeInterrupted();
  const size_t index = locations_[static_cast<size_t>(location)].size() - 1;
  const StoreEvent before = locations_[static_cast<size_t>(location)][index];
  bool fails = before.value != expected;
  if (!fails && oddities_left_ > 0 && Choose(2) == 1) {
    fails = true;
    --oddities_left_;
  }
  See(location, index, order);
  expected = before.value;
  if (fails) return false;
  Append(location, value, order, &before.view);
  return true;
}

void Model::FenceSeqCst() {
  if (bounds_.no_fences) return;
  MayBeInterrupted();
  Join(running_->now, running_->acquired);
  Join(running_->now, sequential_);
  sequential_ = running_->now;
  running_->released = running_->now;
}

}  // namespace tollgate::model
