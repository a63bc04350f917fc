#include "tollgate/ledger/copy_books.h"

#include <chrono>
#include <thread>

#include "ledger/copy/image.h"

namespace tollgate::ledger {
namespace {

using copy::Digest;
using copy::Head;

// A gateway greets its books twice a second, which raises its table's number.
constexpr std::chrono::milliseconds kWatch{1'200};

base::Status CheckNobodyWorks(const Head& before, const Head& after) {
  for (const auto& [id, row] : after.tables) {
    const auto was = before.tables.find(id);
    if (was != before.tables.end() && was->second.number == row.number) continue;
    return base::Error{"a gateway uses these books: the number of table " + payments::ToString(id) +
                       " has moved; stop all gateways on them, then run this again"};
  }
  return base::OkStatus();
}

struct Read {
  Head head;
  Digest digest;
};

base::Result<Read> DigestOf(copy::ImageReader& reader, copy::ImageWriter* writer) {
  auto head = reader.ReadHead();
  if (!head.ok()) return head.error();
  Read read{.head = head.value(), .digest = copy::DigestOf(head.value())};
  const auto status = reader.ReadContent(
      read.head, {.pending =
                      [&](const auto& id, const auto& claim) {
                        AddPending(read.digest, id, claim);
                        if (writer != nullptr) writer->PutPending(id, claim);
                      },
                  .settled =
                      [&](const auto& id, const auto& settled, const auto& shelf) {
                        AddSettled(read.digest, id, settled, shelf);
                        if (writer != nullptr) writer->PutSettled(id, settled, shelf);
                      },
                  .sum =
                      [&](const copy::Sum& sum) {
                        AddSum(read.digest, sum);
                        if (writer != nullptr) writer->PutSum(sum);
                      }});
  if (!status.ok()) return status.error();
  return read;
}

// Empty: they are the same.
std::string Difference(const Digest& from, const Digest& to) {
  std::string text;
  const auto add = [&](bool same, const char* what) {
    if (!same) text += (text.empty() ? "" : ", ") + std::string(what);
  };
  add(from.head == to.head, "their id, names, shelves or purges");
  add(from.tables == to.tables, "their tables");
  add(from.pending == to.pending && from.pending_count == to.pending_count, "pending claims");
  add(from.settled == to.settled && from.settled_count == to.settled_count, "settled payments");
  add(from.sums == to.sums, "sums");
  return text;
}

std::unique_ptr<copy::ImageReader> ReaderOf(const BooksAt& at) {
  return at.kind == PlaceKind::kFile ? copy::MakeFileReader(at.path)
                                     : copy::MakeRedisReader(at.redis);
}

}  // namespace

base::Result<CopyFacts> CopyBooks(const BooksAt& from, const BooksAt& to,
                                  const std::function<void(std::string_view what)>& show) {
  show("looking whether a gateway uses them");
  const auto reader = ReaderOf(from);
  const auto before = reader->ReadHead();
  if (!before.ok()) return before.error();
  std::this_thread::sleep_for(kWatch);
  const auto watched = reader->ReadHead();
  if (!watched.ok()) return watched.error();
  if (auto status = CheckNobodyWorks(before.value(), watched.value()); !status.ok()) {
    return status.error();
  }
  const auto writer =
      to.kind == PlaceKind::kFile ? copy::MakeFileWriter(to.path) : copy::MakeRedisWriter(to.redis);
  if (auto status = writer->Begin(watched.value()); !status.ok()) return status.error();
  show("copying");
  const auto source = DigestOf(*reader, writer.get());
  if (!source.ok()) return source.error();
  if (auto status = CheckNobodyWorks(before.value(), source.value().head); !status.ok()) {
    return status.error();
  }
  if (auto status = writer->Finish(); !status.ok()) return status.error();
  show("comparing");
  const auto copied = DigestOf(*ReaderOf(to), nullptr);
  if (!copied.ok()) return copied.error();
  const auto& digest = source.value().digest;
  if (const auto text = Difference(digest, copied.value().digest); !text.empty()) {
    return base::Error{"the copy is not what was copied (" + text +
                       "): remove it, start no gateway on it, and run this again"};
  }
  const auto again = reader->ReadHead();
  if (!again.ok()) return again.error();
  if (auto status = CheckNobodyWorks(before.value(), again.value()); !status.ok()) {
    return status.error();
  }
  return CopyFacts{.tables = static_cast<int64_t>(source.value().head.tables.size()),
                   .pending = digest.pending_count,
                   .settled = digest.settled_count,
                   .counted = digest.counted,
                   .left_behind = source.value().head.left_behind};
}

}  // namespace tollgate::ledger
