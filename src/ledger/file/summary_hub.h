// SummaryHub: carries the questions of summaries between the acceptors and the workers of one
// process (tollgate/ledger/record_barrier.h).
//
// Thread: any. What it calls runs on the loop of whoever joined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "ledger/file/loop_mail.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/ledger/record_barrier.h"

namespace tollgate::ledger::file {

class SummaryHub {
 public:
  struct Worker {
    std::function<void(const QuestionId& question)> on_asked;
    std::function<void(const QuestionId& question)> on_done;
  };
  using OnAnswer = std::function<void(uint64_t number, bool complete)>;

  // Both return the number of the member, by which it leaves. They are called on the member's loop.
  uint64_t JoinWorker(std::shared_ptr<LoopMail> mail, Worker worker);
  uint64_t JoinAsker(std::shared_ptr<LoopMail> mail, OnAnswer on_answer);
  void Leave(uint64_t member);

  // Returns how many workers got the question.
  size_t Ask(const QuestionId& question);
  void Done(const QuestionId& question);
  // `question.asker` is the number of a member.
  void Answer(const QuestionId& question, bool complete);

 private:
  struct Member {
    std::shared_ptr<LoopMail> mail;
    std::shared_ptr<const Worker> worker;  // null: an asker
    OnAnswer on_answer;
  };
  // Calls `tell` for each worker on its loop. Returns their number.
  size_t TellWorkers(const QuestionId& question,
                     std::function<void(const QuestionId&)> Worker::*tell);

  std::mutex mutex_;
  uint64_t last_member_ = 0;            // guarded by mutex_
  std::map<uint64_t, Member> members_;  // guarded by mutex_
};

}  // namespace tollgate::ledger::file
