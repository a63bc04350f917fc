// FileBooks: summary, look-up and purge, from a file of books.
//
// Thread: one loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ledger/file/file_summary_cut.h"
#include "ledger/file/loop_calls.h"
#include "tollgate/ledger/books.h"
#include "tollgate/ledger/books_place.h"

namespace tollgate::ledger::file {

// What a caller with a table expects of the books. Without a table it takes any.
struct Expected {
  std::optional<payments::Uuid> books;
  bool complete = false;  // they lack no payments

  // False: they are not those.
  bool Are(const Header& header) const { return !books || *books == header.books; }
  bool AreUsable(const Header& header) const {
    return Are(header) && !(complete && header.lossy_s != 0);
  }
  // Empty: the table has no books yet, so nothing may be asked.
  static std::optional<Expected> Of(const BooksMemory* memory) {
    if (memory == nullptr) return Expected{};
    const payments::Uuid id = memory->Books();
    if (id == payments::Uuid{}) return std::nullopt;
    return Expected{.books = id, .complete = true};
  }
};

class FileBooks final : public Books {
 public:
  // `cut` null: summaries do not wait for what is being recorded.
  FileBooks(net::EventLoop& loop, std::shared_ptr<FileStore> store,
            payments::ProcessorDirectory& directory, const BooksMemory* memory,
            const QueryLimits& limits, std::unique_ptr<FileSummaryCut> cut)
      : loop_(loop),
        directory_(directory),
        memory_(memory),
        queries_max_(limits.queries_max),
        calls_(loop, std::move(store), limits.timeout_ms, limits.queries_max),
        cut_(std::move(cut)) {}

  void Start() override { calls_.store().Start(); }
  void OnInexactSummary(std::function<void()> count) override { on_inexact_ = std::move(count); }
  void GetSummary(const payments::SummaryRange& range, OnSummary done) override;
  void Find(const payments::Uuid& id, OnEntry done) override;
  void Purge(OnPurged done) override;
  void AcceptLoss(OnAccepted done) override;

 private:
  void ReadSums(const payments::SummaryRange& range, int64_t until_ns,
                std::shared_ptr<const Cut> cut, OnSummary done);

  net::EventLoop& loop_;
  payments::ProcessorDirectory& directory_;
  const BooksMemory* const memory_;
  const size_t queries_max_;
  std::function<void()> on_inexact_;
  LoopCalls calls_;
  const std::unique_ptr<FileSummaryCut> cut_;
};

}  // namespace tollgate::ledger::file
