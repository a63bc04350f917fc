#include "ledger/file/file_sum_nodes.h"

#include <utility>

#include "ledger/file/mend_call.h"
#include "tollgate/base/assert.h"

namespace tollgate::ledger::file {
namespace {

constexpr size_t kCallsMax = 16;

// By ledger number of the processor.
struct RawFamily {
  std::map<uint8_t, std::array<SumFigures, kSumChildren>> children;
  std::map<uint8_t, SumFigures> above;
};
struct RawPage {
  SumPage page;  // without families
  std::vector<RawFamily> families;
  std::shared_ptr<const NameList> names;
};

RawPage ReadPage(BookFile& file, const std::vector<SumFamily>& asked) {
  const Header& header = file.header();
  RawPage raw;
  raw.page.epoch = header.epoch;
  raw.page.shelf = header.present ? header.present->number : 0;
  raw.page.mends = header.mends;
  raw.page.memory_began_ms = header.memory_began_ms();
  raw.names = header.names;
  Statement nodes(file.database(), "SELECT key, count, cents FROM " + SumsTable(header.epoch) +
                                       " WHERE key BETWEEN ? AND ?");
  for (const SumFamily& family : asked) {
    RawFamily found;
    const int64_t first = family.node << kSumBits;
    const int64_t last = first + static_cast<int64_t>(kSumChildren) - 1;
    nodes.With(SumKey(family.level, first, 0), SumKey(family.level, last, 255))
        .ForEach([&](const Row& row) {
          const auto child = static_cast<size_t>(row.Int(0)) >> 8U & (kSumChildren - 1);
          found.children[static_cast<uint8_t>(row.Int(0) & 0xFF)][child] = {.count = row.Int(1),
                                                                            .cents = row.Int(2)};
        });
    nodes.With(SumKey(family.level + 1, family.node, 0), SumKey(family.level + 1, family.node, 255))
        .ForEach([&](const Row& row) {
          found.above[static_cast<uint8_t>(row.Int(0) & 0xFF)] = {.count = row.Int(1),
                                                                  .cents = row.Int(2)};
        });
    raw.families.push_back(std::move(found));
  }
  return raw;
}

SumPage PageOf(RawPage raw, const std::vector<SumFamily>& asked,
               payments::ProcessorDirectory& directory) {
  const auto processor_of = [&](uint8_t number) {
    return number < raw.names->size()
               ? directory.Add((*raw.names)[number]).value_or(payments::kNoProcessor)
               : payments::kNoProcessor;
  };
  for (size_t i = 0; i < asked.size(); ++i) {
    SumFamilyPage family{.family = asked[i], .children = {}, .above = {}};
    for (const auto& [number, children] : raw.families[i].children) {
      const payments::ProcessorId processor = processor_of(number);
      if (processor != payments::kNoProcessor) family.children[processor] = children;
    }
    for (const auto& [number, sum] : raw.families[i].above) {
      const payments::ProcessorId processor = processor_of(number);
      if (processor != payments::kNoProcessor) family.above[processor] = sum;
    }
    raw.page.families.push_back(std::move(family));
  }
  return std::move(raw.page);
}

}  // namespace

FileSumNodes::FileSumNodes(net::EventLoop& loop, std::shared_ptr<FileStore> store,
                           int64_t timeout_ms, payments::ProcessorDirectory& directory)
    : directory_(directory), calls_(loop, std::move(store), timeout_ms, kCallsMax) {}

void FileSumNodes::Read(std::span<const SumFamily> families, OnPage done) {
  TG_ASSERT(families.size() <= kSumFamiliesMax);
  const std::vector<SumFamily> asked(families.begin(), families.end());
  calls_.Read<RawPage>([asked](BookFile& file) { return ReadPage(file, asked); },
                       [this, asked, done = std::move(done)](std::optional<RawPage> raw) {
                         if (!raw) return done(std::nullopt);
                         done(PageOf(std::move(*raw), asked, directory_));
                       });
}

void FileSumNodes::Mend(const MendRequest& request, OnMended done) {
  MendRequest plain = request;
  plain.cells = {};
  calls_.Write<MendReply>([plain, cells = std::vector(request.cells.begin(), request.cells.end()),
                           name = directory_.Name(request.processor)](
                              BookFile& file) { return file::Mend(file, plain, cells, name); },
                          std::move(done));
}

}  // namespace tollgate::ledger::file
