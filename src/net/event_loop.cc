#include "tollgate/net/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::net {

namespace {

constexpr int kEventsPerTurn = 256;
constexpr size_t kTimersReserved = 1024;
constexpr size_t kWatchesReserved = 256;  // no growth under the first payments

uint64_t PackToken(int fd, uint32_t generation) {
  return uint64_t{generation} << 32U | static_cast<uint32_t>(fd);
}

}  // namespace

Timer::Timer(EventLoop& loop, std::function<void()> on_due)
    : loop_(loop), on_due_(std::move(on_due)) {}

Timer::~Timer() { Disarm(); }

void Timer::Arm(int64_t deadline_ns) {
  if (armed() && deadline_ns_ == deadline_ns) return;
  Disarm();
  deadline_ns_ = deadline_ns;
  loop_.HeapInsert(this);
}

void Timer::ArmIn(int64_t delay_ns) { Arm(loop_.now_ns() + delay_ns); }

void Timer::Disarm() {
  if (armed()) loop_.HeapErase(this);
}

EventLoop::EventLoop(const base::Clock& clock)
    : clock_(clock),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  TG_ASSERT(epoll_fd_.valid() && event_fd_.valid());
  heap_.reserve(kTimersReserved);
  watches_.resize(kWatchesReserved);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = PackToken(event_fd_.get(), 0);
  TG_CHECK(epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, event_fd_.get(), &event) == 0);
  ReadClock();
}

EventLoop::~EventLoop() = default;

void EventLoop::ReadClock() {
  now_ns_ = clock_.MonotonicNanos();
  wall_ms_ = clock_.WallMillis();
}

bool EventLoop::InLoopThread() const {
  const std::thread::id owner = thread_.load(std::memory_order_relaxed);
  return owner == std::thread::id{} || owner == std::this_thread::get_id();
}

void EventLoop::AssertThread() const { TG_ASSERT(InLoopThread()); }

base::Status EventLoop::Add(int fd, uint32_t events, EventHandler* handler) {
  AssertThread();
  const auto index = static_cast<size_t>(fd);
  if (index >= watches_.size()) watches_.resize(std::max(index + 1, watches_.size() * 2));
  Watch& watch = watches_[index];
  TG_ASSERT(watch.handler == nullptr);
  ++watch.generation;
  epoll_event event{};
  event.events = events;
  event.data.u64 = PackToken(fd, watch.generation);
  if (epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return base::ErrnoError("cannot watch descriptor " + std::to_string(fd));
  }
  watch.handler = handler;
  watch.events = events;
  return base::OkStatus();
}

void EventLoop::Modify(int fd, uint32_t events) {
  AssertThread();
  Watch& watch = watches_[static_cast<size_t>(fd)];
  TG_ASSERT(watch.handler != nullptr);
  if (watch.events == events) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = PackToken(fd, watch.generation);
  TG_CHECK(epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
  watch.events = events;
}

void EventLoop::Remove(int fd) {
  AssertThread();
  Watch& watch = watches_[static_cast<size_t>(fd)];
  TG_ASSERT(watch.handler != nullptr);
  watch.handler = nullptr;
  // A stale event of this turn carries the old generation, so it finds no handler.
  ++watch.generation;
  epoll_event event{};
  const int result = epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, &event);
  // A library may have closed the descriptor first. The kernel has then removed it already.
  TG_ASSERT(result == 0 || errno == EBADF || errno == ENOENT);
}

void EventLoop::Run() {
  while (!stopped_.load(std::memory_order_acquire)) RunOnce(-1);  // partner: Stop
  // Clears the owner so that the thread that joins this one may destroy the loop.
  thread_.store(std::thread::id{}, std::memory_order_relaxed);
}

void EventLoop::RunOnce(int timeout_ms) {
  if (thread_.load(std::memory_order_relaxed) == std::thread::id{}) {
    thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  AssertThread();
  int wait_ms = WaitMillis(timeout_ms);
  const bool guarded = sleep_guard_ != nullptr && wait_ms != 0;
  if (guarded && !sleep_guard_->PrepareSleep()) wait_ms = 0;
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = epoll_wait(epoll_fd_.get(), events.data(), kEventsPerTurn, wait_ms);
  TG_ASSERT(count >= 0 || errno == EINTR);
  if (guarded) sleep_guard_->AfterSleep();
  ReadClock();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    Dispatch(event.data.u64, event.events);
  }
  RunPosted();
  RunDueTimers();
  for (const auto& hook : turn_hooks_) hook();
}

void EventLoop::Dispatch(uint64_t token, uint32_t events) {
  const auto fd = static_cast<int>(token & 0xFFFFFFFFU);
  if (fd == event_fd_.get()) {
    uint64_t count = 0;
    const ssize_t got = read(event_fd_.get(), &count, sizeof(count));
    TG_ASSERT(got == sizeof(count) || errno == EAGAIN);
    return;
  }
  const Watch& watch = watches_[static_cast<size_t>(fd)];
  if (watch.handler == nullptr || watch.generation != token >> 32U) return;
  watch.handler->OnEvents(events);
}

int EventLoop::WaitMillis(int timeout_ms) const {
  if (has_posted_.load(std::memory_order_acquire)) return 0;  // partner: Post
  if (heap_.empty()) return timeout_ms;
  const int64_t left_ns = heap_.front()->deadline_ns_ - clock_.MonotonicNanos();
  if (left_ns <= 0) return 0;
  // Rounded up, because waking early would only cause a second wait.
  const int64_t left_ms = (left_ns + base::kNanosPerMilli - 1) / base::kNanosPerMilli;
  const int capped = static_cast<int>(std::min<int64_t>(left_ms, 3'600'000));
  return timeout_ms < 0 ? capped : std::min(timeout_ms, capped);
}

void EventLoop::RunPosted() {
  if (!has_posted_.load(std::memory_order_acquire)) return;  // partner: Post
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
  }
  for (const auto& task : tasks) task();
}

void EventLoop::RunDueTimers() {
  // A timer that is armed for now by another timer waits for the next turn, so a turn always ends.
  const int64_t due_ns = now_ns_;
  size_t budget = heap_.size();
  while (budget-- > 0 && !heap_.empty() && heap_.front()->deadline_ns_ <= due_ns) {
    Timer* timer = heap_.front();
    HeapErase(timer);
    timer->on_due_();
  }
}

void EventLoop::Stop() {
  stopped_.store(true, std::memory_order_release);  // partner: Run
  WakeUp();
}

void EventLoop::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
    has_posted_.store(true, std::memory_order_release);  // partner: WaitMillis, RunPosted
  }
  WakeUp();
}

void EventLoop::WakeUp() {
  const uint64_t one = 1;
  const ssize_t written = write(event_fd_.get(), &one, sizeof(one));
  // EAGAIN: the counter is full, so the loop wakes anyway.
  TG_ASSERT(written == sizeof(one) || errno == EAGAIN);
}

void EventLoop::AddTurnHook(std::function<void()> hook) {
  AssertThread();
  turn_hooks_.push_back(std::move(hook));
}

void EventLoop::HeapInsert(Timer* timer) {
  AssertThread();
  timer->heap_index_ = heap_.size();
  heap_.push_back(timer);
  SiftUp(timer->heap_index_);
}

void EventLoop::HeapErase(Timer* timer) {
  AssertThread();
  const size_t index = timer->heap_index_;
  timer->heap_index_ = Timer::kNotInHeap;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == timer) return;
  heap_[index] = last;
  last->heap_index_ = index;
  SiftUp(index);
  SiftDown(last->heap_index_);
}

void EventLoop::SiftUp(size_t index) {
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (heap_[parent]->deadline_ns_ <= heap_[index]->deadline_ns_) return;
    std::swap(heap_[parent], heap_[index]);
    heap_[parent]->heap_index_ = parent;
    heap_[index]->heap_index_ = index;
    index = parent;
  }
}

void EventLoop::SiftDown(size_t index) {
  for (;;) {
    size_t least = index;
    for (size_t child = 2 * index + 1; child <= 2 * index + 2 && child < heap_.size(); ++child) {
      if (heap_[child]->deadline_ns_ < heap_[least]->deadline_ns_) least = child;
    }
    if (least == index) return;
    std::swap(heap_[least], heap_[index]);
    heap_[least]->heap_index_ = least;
    heap_[index]->heap_index_ = index;
    index = least;
  }
}

}  // namespace tollgate::net
