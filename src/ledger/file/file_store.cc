#include "ledger/file/file_store.h"

#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "ledger/file/reader.h"
#include "ledger/file/trouble.h"

namespace tollgate::ledger::file {
namespace {

// The payments of one transaction: it must not keep others from the file for long.
constexpr size_t kPaymentsMax = 1'024;
// Questions that wait for a disk that does not answer, also those whose askers have given up.
constexpr size_t kQuestionsMax = 4'096;

}  // namespace

FileStore::FileStore(const FileOptions& options)
    : options_(options), writer_(options, [this] { return is_stopped(); }) {}

FileStore::~FileStore() {
  {
    const std::lock_guard lock(mutex_);
    stopped_.store(true, std::memory_order_relaxed);
  }
  has_changes_.notify_all();
  has_questions_.notify_all();
  if (writing_.joinable()) writing_.join();
  if (reading_.joinable()) reading_.join();
}

void FileStore::Start() {
  std::call_once(started_, [this] {
    writing_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "books-write");
      WriteAll();
    });
    reading_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "books-read");
      ReadAll();
    });
  });
}

void FileStore::Write(Change change) {
  {
    const std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
  }
  has_changes_.notify_one();
}

void FileStore::Read(OnRead read) {
  {
    const std::lock_guard lock(mutex_);
    if (questions_.size() < kQuestionsMax) questions_.push_back(std::exchange(read, nullptr));
  }
  if (read) return read(nullptr);
  has_questions_.notify_one();
}

void FileStore::NoteDamage(const Database& database) {
  if (!IsDamage(database.code()) || damaged_.exchange(true)) return;
  if (options_.report) options_.report(true, AboutDamage(options_.path, database));
}

// Waits for changes. Returns none when it is time to rest, or to end.
std::vector<Change> FileStore::TakeChanges() {
  std::vector<Change> taken;
  std::unique_lock lock(mutex_);
  if (const int64_t wait_ms = writer_.BackOffMs(); wait_ms > 0) {
    has_changes_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                          [this] { return is_stopped(); });
  }
  size_t payments = 0;
  while (!changes_.empty() && payments < kPaymentsMax) {
    payments += changes_.front().payments;
    taken.push_back(std::move(changes_.front()));
    changes_.pop_front();
  }
  return taken;
}

void FileStore::WriteAll() {
  while (!is_stopped()) {
    const std::vector<Change> changes = TakeChanges();
    if (!changes.empty()) {
      const bool committed = writer_.Execute(changes);
      for (const Change& change : changes) change.done(committed);
      continue;
    }
    const int64_t next_ms = writer_.Rest();
    std::unique_lock lock(mutex_);
    const auto has_work = [this] { return !changes_.empty() || is_stopped(); };
    if (next_ms < 0) {
      has_changes_.wait(lock, has_work);
    } else {
      has_changes_.wait_for(lock, std::chrono::milliseconds(next_ms), has_work);
    }
  }
  writer_.End();
}

void FileStore::ReadAll() {
  Reader reader(options_.path);
  while (!is_stopped()) {
    OnRead read;
    {
      std::unique_lock lock(mutex_);
      has_questions_.wait(lock, [this] { return !questions_.empty() || is_stopped(); });
      if (is_stopped()) break;
      read = std::move(questions_.front());
      questions_.pop_front();
    }
    reader.Ask(read);
  }
}

}  // namespace tollgate::ledger::file
