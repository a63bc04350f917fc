#include "ledger/file/mend_call.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

namespace tollgate::ledger::file {
namespace {

class Mender {
 public:
  Mender(BookFile& file, const MendRequest& request, uint8_t number)
      : request_(request),
        number_(number),
        find_(file.database(),
              "SELECT count, cents FROM " + SumsTable(file.header().epoch) + " WHERE key = ?"),
        put_(file.database(),
             "INSERT OR REPLACE INTO " + SumsTable(file.header().epoch) + " VALUES(?, ?, ?)") {}

  SumFigures At(int level, int64_t node) {
    SumFigures sum;
    find_.With(SumKey(level, node, number_)).First([&](const Row& row) {
      sum = {.count = row.Int(0), .cents = row.Int(1)};
    });
    return sum;
  }
  void Change(int level, int64_t node, const SumFigures& sum) {
    changed_[static_cast<size_t>(level)][node] = sum;
  }

  // Rebuilds a node as the sum of its children. A node that is partly outside what was compared and
  // had more than its children is not lowered: it may be right, and a child that was not compared
  // may be wrong.
  void MakeAgain(int level, int64_t node) {
    SumFigures before, after;
    const auto& below = changed_[static_cast<size_t>(level) - 1];
    for (size_t i = 0; i < kSumChildren; ++i) {
      const int64_t child = (node << kSumBits) + static_cast<int64_t>(i);
      const SumFigures is = At(level - 1, child);
      const auto will_be = below.find(child);
      const SumFigures added = will_be == below.end() ? is : will_be->second;
      before = {.count = before.count + is.count, .cents = before.cents + is.cents};
      after = {.count = after.count + added.count, .cents = after.cents + added.cents};
    }
    const SumFigures own = At(level, node);
    const int64_t first_ms = node << (kSumBits * level);
    const int64_t last_ms = ((node + 1) << (kSumBits * level)) - 1;
    if (first_ms < request_.range.from_ms || last_ms > request_.range.to_ms) {
      if (own.count > before.count && own.count > after.count) after.count = own.count;
      if (own.cents > before.cents && own.cents > after.cents) after.cents = own.cents;
    }
    if (own != after) Change(level, node, after);
  }

  // False: there was nothing to change.
  bool Write() {
    bool any = false;
    for (size_t level = 0; level < changed_.size(); ++level) {
      for (const auto& [node, sum] : changed_[level]) {
        put_.With(SumKey(static_cast<int>(level), node, number_), sum.count, sum.cents).Run();
        any = true;
      }
    }
    return any;
  }

 private:
  const MendRequest& request_;
  const uint8_t number_;
  Statement find_, put_;
  std::array<std::map<int64_t, SumFigures>, kSumTop + 1> changed_;  // by level and node
};

}  // namespace

MendReply Mend(BookFile& file, const MendRequest& request, const std::vector<SumCell>& cells,
               const std::string& processor) {
  const Header& header = file.header();
  const MendReply refused{.mended = false, .mends = header.mends};
  const NameList& names = *header.names;
  const auto name = std::find(names.begin(), names.end(), processor);
  const int64_t shelf = header.present ? header.present->number : 0;
  if (request.epoch != header.epoch || request.shelf != shelf || request.mends != header.mends ||
      processor.empty() || name == names.end()) {
    return refused;
  }
  file.AddSums();
  Mender mender(file, request, static_cast<uint8_t>(name - names.begin()));
  std::set<int64_t> families;
  for (const SumCell& cell : cells) {
    if (mender.At(0, cell.at_ms) != cell.was) return refused;
    mender.Change(0, cell.at_ms, cell.is);
    families.insert(cell.at_ms >> kSumBits);
  }
  if (families.size() > kMendFamiliesMax) return refused;
  for (const int64_t family : families) mender.MakeAgain(1, family);
  int64_t node = request.node;
  for (int level = request.level; level <= kSumTop; ++level, node >>= kSumBits) {
    mender.MakeAgain(level, node);
  }
  const int64_t mends = header.mends + (mender.Write() ? 1 : 0);
  if (mends != header.mends) file.SetMends(mends);
  return {.mended = true, .mends = mends};
}

}  // namespace tollgate::ledger::file
