// LoopCalls: the calls of one object on a loop to the file of books. Answers come on the loop, each
// within a time limit.
//
// Thread: the loop's; constructed before the loop runs, or on it.
// Invariants: each call's `done` runs once, on the loop, with nothing if the books are away, did
// not answer in time, or have too many questions already. After Abandon or the destructor none
// runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "ledger/file/file_store.h"
#include "ledger/file/loop_mail.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger::file {

class LoopCalls {
 public:
  LoopCalls(net::EventLoop& loop, std::shared_ptr<FileStore> store, int64_t timeout_ms,
            size_t calls_max);
  ~LoopCalls();
  LoopCalls(const LoopCalls&) = delete;
  LoopCalls& operator=(const LoopCalls&) = delete;

  FileStore& store() const { return *store_; }

  template <typename Answer>
  void Read(std::function<std::optional<Answer>(BookFile& file)> read,
            std::function<void(std::optional<Answer>)> done) {
    auto answer = std::make_shared<std::optional<Answer>>();
    auto finish = Begin<Answer>(answer, std::move(done));
    if (!finish) return;
    store_->Read([read = std::move(read), answer, finish, store = store_.get()](BookFile* file) {
      if (file == nullptr) return finish(false);
      *answer = read(*file);
      store->NoteDamage(file->database());
      finish(!file->database().failed());
    });
  }
  template <typename Answer>
  void Write(std::function<std::optional<Answer>(BookFile& file)> write,
             std::function<void(std::optional<Answer>)> done, size_t payments = 0) {
    auto answer = std::make_shared<std::optional<Answer>>();
    auto finish = Begin<Answer>(answer, std::move(done));
    if (!finish) return;
    store_->Write(
        {.run = [write = std::move(write), answer](BookFile& file) { *answer = write(file); },
         .done = finish,
         .payments = payments});
  }
  size_t open() const { return open_.size(); }
  // What is open is answered no more.
  void Abandon() { open_.clear(); }

 private:
  struct Open {
    int64_t deadline_ns = 0;
    std::function<void()> give_up;
  };

  // What to call on any thread when there is an answer. Null: there are too many calls, and `done`
  // was called.
  template <typename Answer>
  std::function<void(bool fine)> Begin(std::shared_ptr<std::optional<Answer>> answer,
                                       std::function<void(std::optional<Answer>)> done) {
    if (open_.size() >= calls_max_) {
      done(std::nullopt);
      return nullptr;
    }
    const uint64_t number = Add([done] { done(std::nullopt); });
    std::function<void(bool)> on_loop =
        life_.Guard([this, number, answer = std::move(answer), done = std::move(done)](bool fine) {
          if (open_.erase(number) == 0) return;
          if (fine) return done(std::move(*answer));
          done(std::nullopt);
        });
    return [mail = mail_, on_loop = std::move(on_loop)](bool fine) {
      mail->Post([on_loop, fine] { on_loop(fine); });
    };
  }
  uint64_t Add(std::function<void()> give_up);
  void OnDeadline();

  net::EventLoop& loop_;
  const std::shared_ptr<FileStore> store_;
  const int64_t timeout_ns_;
  const size_t calls_max_;
  const std::shared_ptr<LoopMail> mail_;
  base::Lifetime life_;
  uint64_t last_number_ = 0;
  std::map<uint64_t, Open> open_;  // in the order of their deadlines
  net::Timer deadline_timer_;
};

}  // namespace tollgate::ledger::file
