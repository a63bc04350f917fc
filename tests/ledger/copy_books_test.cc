// Books that move from one kind of place to the other, and back. The parameter is where they begin.
#include "tollgate/ledger/copy_books.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "ledger/copy/image.h"
#include "tests/forward/plain_memory.h"
#include "tests/ledger/place_fixture.h"
#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

using simulation::PlainMemory;

constexpr int64_t kSpanMs = 30'000'000;

class CopyBooksTest : public PlaceTest {
 protected:
  static Where Other(Where where) { return where == Where::kRedis ? Where::kFile : Where::kRedis; }
  // Of the one Redis and of the one file of the test.
  BooksAt At(Where where, const std::string& prefix = "tollgate:", size_t buckets = 65'536) const {
    BooksAt at;
    if (where == Where::kFile) {
      at.kind = PlaceKind::kFile;
      at.path = folder_ / std::string(kBooksFileName);
    } else {
      at.redis.unix_path = folder_ / "redis.sock";
      at.redis.prefix = prefix;
      at.redis.buckets = buckets;
    }
    return at;
  }
  base::Result<CopyFacts> Copy(const BooksAt& from, const BooksAt& to) {
    return CopyBooks(from, to, [](std::string_view) {});
  }
  std::string Refusal(const BooksAt& from, const BooksAt& to) {
    const auto facts = Copy(from, to);
    EXPECT_FALSE(facts.ok());
    return facts.ok() ? "" : facts.error().message;
  }

  payments::Uuid RandomId() { return {random_.Next(), random_.Next()}; }
  ClaimRequest RandomRequest() {
    return {.payment = {.id = RandomId(),
                        .amount_cents = static_cast<int64_t>(random_.Below(1'000'000)) + 1},
            .slot = static_cast<uint32_t>(random_.Below(1'000)),
            .generation = static_cast<uint32_t>(random_.Below(1'000)),
            .attempt = static_cast<uint16_t>(random_.Below(9) + 1),
            .processor = static_cast<payments::ProcessorId>(random_.Below(2)),
            .requested_at_ms = 1'752'583'000'000 + static_cast<int64_t>(random_.Below(kSpanMs))};
  }
  // Books some, rejects some and leaves some pending.
  void Work(size_t count) {
    std::vector<ClaimRequest> claims;
    std::vector<RecordRequest> records;
    for (size_t i = 0; i < count; ++i) {
      claims.push_back(RandomRequest());
      ids_.push_back(claims.back().payment.id);
      if (i % 5 == 0) continue;
      records.push_back({.claim = claims.back(),
                         .booked = i % 7 != 0,
                         .reason = payments::RejectReason::kRefused,
                         .epoch_known = false});
    }
    for (size_t i = 0; i < claims.size(); i += 200) {
      const size_t end = std::min(i + 200, claims.size());
      Claim(owner_, std::vector(claims.data() + i, claims.data() + end));
    }
    for (size_t i = 0; i < records.size(); i += 200) {
      const size_t end = std::min(i + 200, records.size());
      Record(owner_, std::vector(records.data() + i, records.data() + end));
    }
  }
  // Books with everything that there is.
  void Fill() {
    Use({.grace_ms = 100, .new_fleet = true});
    ledger_ = place_->MakeLedger(loop_, directory_, "", &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
    ASSERT_TRUE(Until([&] { return ledger_->can_claim(); })) << Told();
    Work(300);
    ASSERT_TRUE(Purge(*NewBooks()));
    Work(600);
    hands_->MakeShelfOlder(100'000);
    Work(400);
    hands_->MakeShelfOlder(100'000);
    Work(101);
    hands_->SetNumber({5, 5}, -17);
  }
  void Stop() {
    ledger_.reset();
    place_.reset();
  }

  // What clients and operators see.
  struct Seen {
    std::map<payments::Uuid, BookEntry> found;
    std::vector<std::map<std::string, std::pair<int64_t, int64_t>>> summaries;
    bool operator==(const Seen&) const = default;
  };
  Seen Look(PlaceHands& hands) {
    const auto place = hands.Place({}, [](bool, std::string_view) {});
    const auto books = place->MakeBooks(loop_, directory_, nullptr, {.timeout_ms = 20'000});
    books->Start();
    EXPECT_TRUE(Until([&] { return books->ready(); }));
    Seen seen;
    for (const payments::Uuid& id : ids_) {
      if (const auto entry = Find(*books, id)) seen.found[id] = *entry;
    }
    base::Random random(11);
    for (int i = 0; i < 30; ++i) {
      payments::SummaryRange range;
      if (i != 0) {
        range.from_ms = 1'752'583'000'000 + static_cast<int64_t>(random.Below(kSpanMs));
        range.to_ms = range.from_ms + static_cast<int64_t>(random.Below(kSpanMs / 2));
      }
      std::optional<std::optional<payments::Summary>> answer;
      books->GetSummary(range, [&](auto summary) { answer = std::move(summary); });
      EXPECT_TRUE(Until([&] { return answer.has_value(); }));
      auto& sums = seen.summaries.emplace_back();
      for (const auto& it : answer.value_or(std::nullopt).value_or(payments::Summary{})) {
        sums[it.name] = {it.count, it.amount_cents};
      }
    }
    return seen;
  }

  base::Random random_{5};
  PlainMemory memory_;
  std::vector<payments::Uuid> ids_;
  const std::unique_ptr<PlaceHands> others_ = PlaceHands::Make(Other(GetParam()), folder_);
};

TEST_P(CopyBooksTest, WhatClientsAndTablesSeeIsTheSameThere) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Stop();
  const Seen before = Look(*hands_);
  ASSERT_GT(before.found.size(), 500U);
  const auto facts = Copy(At(GetParam()), At(Other(GetParam())));
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts.value().tables, 2);
  EXPECT_GT(facts.value().pending, 200);
  EXPECT_EQ(facts.value().left_behind > 0, GetParam() == Where::kFile) << "the oldest shelf";
  EXPECT_EQ(Look(*others_), before);
  EXPECT_EQ(others_->Number(owner_.table), hands_->Number(owner_.table));
  EXPECT_EQ(others_->Number({5, 5}), -17);
  EXPECT_EQ(others_->PendingClaims(), hands_->PendingClaims());
  EXPECT_EQ(others_->ShelfNumber(), 3);
}

TEST_P(CopyBooksTest, ATableGoesOnThereAndWouldNoticeTheOriginal) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  const ClaimRequest request = RandomRequest();
  Claim(owner_, {request});
  const std::string run = ledger_->run_id();
  Stop();
  ASSERT_TRUE(Copy(At(GetParam()), At(Other(GetParam()))).ok());
  const auto go_on = [&](PlaceHands& hands) {
    place_ = hands.Place({.grace_ms = 100}, [this](bool, std::string_view text) {
      const std::lock_guard lock(told_mutex_);
      told_ += std::string(text) + "\n";
    });
    ledger_ = place_->MakeLedger(loop_, directory_, run, &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
    EXPECT_TRUE(Until([&] { return ledger_->can_claim(); })) << Told();
  };
  const uint64_t number = memory_.number;
  go_on(*others_);
  EXPECT_TRUE(tail_lost_) << "another server, so it tells all again";
  EXPECT_EQ(EraOf(memory_.number), EraOf(number)) << "and nothing was lost";
  EXPECT_EQ(Claim(owner_, {request}).at(0).verdict, ClaimVerdict::kYours);
  Record(owner_, {{.claim = request, .epoch_known = false}});
  EXPECT_EQ(Find(*NewBooks(&memory_), request.payment.id)->state, EntryState::kBooked);
  Stop();
  go_on(*hands_);
  EXPECT_GT(EraOf(memory_.number), EraOf(number)) << "the original has a lower number";
}

// With other numbers of buckets, as bits of a byte are in the keys then.
TEST_P(CopyBooksTest, ThereAndBackIsTheSame) {
  if (GetParam() == Where::kFile) GTEST_SKIP() << "the file keeps more shelves";
  ASSERT_NO_FATAL_FAILURE(Fill());
  Stop();
  ASSERT_TRUE(Copy(At(Where::kRedis), At(Where::kFile)).ok());
  const auto digest_of = [&](copy::ImageReader& reader) {
    const auto head = reader.ReadHead();
    EXPECT_TRUE(head.ok());
    copy::Digest digest = copy::DigestOf(head.value());
    EXPECT_TRUE(reader
                    .ReadContent(head.value(),
                                 {.pending = [&](const auto&... it) { AddPending(digest, it...); },
                                  .settled = [&](const auto&... it) { AddSettled(digest, it...); },
                                  .sum = [&](const auto&... it) { AddSum(digest, it...); }})
                    .ok());
    return digest;
  };
  const auto original = digest_of(*copy::MakeRedisReader(At(Where::kRedis).redis));
  EXPECT_GT(original.counted, 500);
  for (const size_t buckets : {size_t{8'192}, size_t{131'072}}) {
    const BooksAt back = At(Where::kRedis, "back" + std::to_string(buckets) + ":", buckets);
    const auto facts = Copy(At(Where::kFile), back);
    ASSERT_TRUE(facts.ok()) << facts.error().message;
    EXPECT_EQ(digest_of(*copy::MakeRedisReader(back.redis)), original) << buckets;
  }
}

TEST_P(CopyBooksTest, BooksThatAGatewayUsesAreNotCopied) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  std::string told;
  std::thread copies([&] { told = Refusal(At(GetParam()), At(Other(GetParam()))); });
  Until([] { return false; }, 2'000);
  copies.join();
  EXPECT_NE(told.find("a gateway uses these books"), std::string::npos) << told;
  Stop();
  EXPECT_TRUE(Copy(At(GetParam()), At(Other(GetParam()))).ok()) << "nothing was begun there";
}

TEST_P(CopyBooksTest, WhatIsThereAlreadyIsKept) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Stop();
  ASSERT_TRUE(Copy(At(GetParam()), At(Other(GetParam()))).ok());
  const Seen there = Look(*others_);
  const std::string told = Refusal(At(GetParam()), At(Other(GetParam())));
  const char* const says = GetParam() == Where::kRedis ? "exists already" : "there is something";
  EXPECT_NE(told.find(says), std::string::npos) << told;
  EXPECT_EQ(Look(*others_), there);
}

TEST_P(CopyBooksTest, WhereNoBooksAreIsSaid) {
  if (GetParam() == Where::kFile) std::ofstream(folder_ / std::string(kBooksFileName));
  const std::string told = Refusal(At(GetParam()), At(Other(GetParam())));
  EXPECT_NE(told.find(GetParam() == Where::kRedis ? "there are no books under the prefix"
                                                  : "has no books of Tollgate"),
            std::string::npos)
      << told;
}

TOLLGATE_IN_EACH_PLACE(CopyBooksTest);

// A comparison that sees no difference is worth nothing.
TEST(CopyDigest, SeesEachField) {
  using copy::Digest;
  copy::Head head;
  head.header.names = std::make_shared<file::NameList>(file::NameList{"a", "b"});
  head.tables[{1, 1}] = {};
  std::vector<Digest> digests{copy::DigestOf(head)};
  const auto add = [&](auto change) {
    copy::Head other = head;
    change(other);
    digests.push_back(copy::DigestOf(other));
  };
  add([](copy::Head& it) { it.header.books = {1, 0}; });
  add([](copy::Head& it) { it.header.epoch = 1; });
  add([](copy::Head& it) { it.header.purged_ms = 1; });
  add([](copy::Head& it) { it.header.mends = 1; });
  add([](copy::Head& it) { it.header.lossy_s = 1; });
  add([](copy::Head& it) {
    it.header.names = std::make_shared<file::NameList>(file::NameList{"b", "a"});
  });
  add([](copy::Head& it) { it.header.present = file::Shelf{.number = 1}; });
  add([](copy::Head& it) { it.header.present = file::Shelf{.number = 1, .began_s = 1}; });
  add([](copy::Head& it) { it.header.older = file::Shelf{.began_s = 1}; });
  add([](copy::Head& it) { it.tables[{1, 1}].number = 1; });
  add([](copy::Head& it) { it.tables[{1, 1}].gone = true; });
  add([](copy::Head& it) { it.tables[{1, 1}].nonce = 1; });
  add([](copy::Head& it) { it.tables[{1, 2}] = {}; });
  for (const auto& [a, b] : std::vector<std::pair<int64_t, int64_t>>{{1, 0}, {0, 1}, {-1, 1}}) {
    Digest digest = digests[0];
    AddSum(digest, {.level = 1, .node = 5, .count = a, .cents = b});
    digests.push_back(digest);
    digest = digests[0];
    AddSum(digest, {.level = 1, .node = 6, .count = a, .cents = b});
    digests.push_back(digest);
  }
  for (int i = 0; i < 4; ++i) {
    Digest digest = digests[0];
    AddSettled(digest, {1, 1},
               {.kind = static_cast<uint8_t>(i == 1), .at_ms = i == 2 ? 1 : 0, .cents = 5},
               {.number = i == 3 ? 1 : 0});
    digests.push_back(digest);
    digest = digests[0];
    AddPending(digest, {1, 1},
               {.slot = i == 1 ? 1U : 0U,
                .processor = static_cast<uint8_t>(i == 2),
                .identity = i == 3 ? 1U : 0U});
    digests.push_back(digest);
  }
  for (size_t i = 0; i < digests.size(); ++i) {
    for (size_t k = 0; k < i; ++k) EXPECT_NE(digests[i], digests[k]) << i << " and " << k;
  }
}

}  // namespace
}  // namespace tollgate::ledger
