#include "ledger/file/summary_hub.h"

#include <utility>

namespace tollgate::ledger::file {

uint64_t SummaryHub::JoinWorker(std::shared_ptr<LoopMail> mail, Worker worker) {
  const std::lock_guard lock(mutex_);
  members_[++last_member_] = {.mail = std::move(mail),
                              .worker = std::make_shared<const Worker>(std::move(worker)),
                              .on_answer = nullptr};
  return last_member_;
}

uint64_t SummaryHub::JoinAsker(std::shared_ptr<LoopMail> mail, OnAnswer on_answer) {
  const std::lock_guard lock(mutex_);
  members_[++last_member_] = {
      .mail = std::move(mail), .worker = nullptr, .on_answer = std::move(on_answer)};
  return last_member_;
}

void SummaryHub::Leave(uint64_t member) {
  const std::lock_guard lock(mutex_);
  members_.erase(member);
}

size_t SummaryHub::TellWorkers(const QuestionId& question,
                               std::function<void(const QuestionId&)> Worker::*tell) {
  const std::lock_guard lock(mutex_);
  size_t told = 0;
  for (const auto& [number, member] : members_) {
    if (member.worker == nullptr) continue;
    ++told;
    member.mail->Post([worker = member.worker, tell, question] { ((*worker).*tell)(question); });
  }
  return told;
}

size_t SummaryHub::Ask(const QuestionId& question) {
  return TellWorkers(question, &Worker::on_asked);
}

void SummaryHub::Done(const QuestionId& question) { TellWorkers(question, &Worker::on_done); }

void SummaryHub::Answer(const QuestionId& question, bool complete) {
  const std::lock_guard lock(mutex_);
  const auto asker = members_.find(question.asker);
  if (asker == members_.end() || !asker->second.on_answer) return;
  asker->second.mail->Post([on_answer = asker->second.on_answer, number = question.number,
                            complete] { on_answer(number, complete); });
}

}  // namespace tollgate::ledger::file
