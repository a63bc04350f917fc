// FileStore: the file of books of one process. One thread writes, for all workers: it takes what
// they have asked for since its last commit and makes one transaction of it. Another thread reads,
// so neither a commit nor a slow disk delays an acceptor.
//
// Thread: Start, Write and Read any. `run`, `done` and `read` are called on its threads.
// Owns: two threads, two connections to SQLite.
// Invariants: every Write and Read that is accepted ends in one call of `done` or `read`, unless
// the store ends first.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ledger/file/book_file.h"
#include "ledger/file/writer.h"
#include "tollgate/ledger/file_options.h"

namespace tollgate::ledger::file {

class FileStore {
 public:
  explicit FileStore(const FileOptions& options);
  ~FileStore();
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  // Starts the threads. Later calls do nothing.
  void Start();
  void Write(Change change);
  // Calls `read` inside a read transaction. Null: the file cannot be read now, or too many wait.
  using OnRead = std::function<void(BookFile* file)>;
  void Read(OnRead read);
  // Called inside `read`, at its end. Keeps whether the file is damaged, and tells people once.
  void NoteDamage(const Database& database);
  // True: something that was read showed that the file is damaged. Thread: any.
  bool is_damaged() const { return damaged_.load(std::memory_order_relaxed); }

  const FileOptions& options() const { return options_; }

 private:
  void WriteAll();
  void ReadAll();
  std::vector<Change> TakeChanges();
  bool is_stopped() const { return stopped_.load(std::memory_order_relaxed); }

  const FileOptions options_;
  Writer writer_;  // of the writing thread
  std::mutex mutex_;
  std::condition_variable has_changes_, has_questions_;
  std::deque<Change> changes_;    // guarded by mutex_
  std::deque<OnRead> questions_;  // guarded by mutex_
  std::atomic<bool> stopped_{false};
  std::atomic<bool> damaged_{false};  // stored before the answer is posted, which orders it
  std::once_flag started_;
  std::thread writing_, reading_;
};

}  // namespace tollgate::ledger::file
