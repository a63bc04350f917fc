// An error in the middle of a script: for each write that may fail, the books are right after a
// repeat has succeeded. Redis' access control makes writes fail, by command and by key.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <memory>
#include <set>

#include "ledger/spread_id.h"
#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

// Escapes a key, so that the pattern matches nothing else.
std::string Escaped(const std::string& key) {
  std::string pattern;
  for (const char c : key) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

class HalfDoneTest : public RedisLedgerTest {
 protected:
  // The first batch is only listed, the second folds both into the tree, the third replaces
  // rejected payments, the fourth repeats records.
  static constexpr int64_t kPayments = 72;
  static constexpr int64_t kCents = 1990;

  void SetUp() override {
    StartRedis();
    ledger_ = std::make_unique<RedisLedger>(loop_, Options(), directory_, "");
    ledger_->SetEvents(this);
    ledger_->Start();
    books_ = std::make_unique<RedisBooks>(loop_, Options(), directory_);
    books_->Start();
    ASSERT_TRUE(Until([&] { return ledger_->ready() && books_->ready(); }));
    admin_.reset(redisConnectUnix(Socket().c_str()));
    ASSERT_TRUE(admin_ != nullptr && admin_->err == 0);
    for (uint64_t i = 1; i <= static_cast<uint64_t>(kPayments); ++i) {
      // Few buckets, of letters; few milliseconds.
      RecordRequest record{.claim = Request(i, static_cast<uint32_t>(i)), .epoch = 0};
      record.claim.payment.id = IdOf(i);
      record.claim.requested_at_ms += static_cast<int64_t>(i % 2);
      record.claim.processor = static_cast<payments::ProcessorId>(i % 2);
      records_.push_back(record);
      claims_.push_back(record.claim);
    }
  }
  static payments::Uuid IdOf(uint64_t i) {
    return Unspread({i % 3 == 0 ? 0x4142'0000'0000'0000U : 0x6162'0000'0000'0000U, i});
  }

  // Does everything that an instance does with the books; a failure changes nothing here.
  void DoAll() {
    std::vector<RecordRequest> rejected(records_.begin(), records_.begin() + 3);
    for (RecordRequest& record : rejected) record.booked = false;
    ClaimAll();
    Report(rejected);
    Report({records_.begin() + 3, records_.begin() + 40});
    Report({records_.begin() + 30, records_.end()});
    Report({records_.begin(), records_.begin() + 8});
  }
  // A call may end the connection, as some kinds of errors do.
  void AwaitConnection() {
    ASSERT_TRUE(Until([&] { return ledger_->can_claim() && books_->ready(); })) << told_;
  }
  std::vector<ClaimReply> ClaimAll() {
    AwaitConnection();
    return Claim(owner_, claims_);
  }
  std::vector<RecordReply> Report(const std::vector<RecordRequest>& records) {
    AwaitConnection();
    return Record(owner_, records);
  }

  std::optional<payments::Summary> Summary() {
    std::optional<payments::Summary> summary;
    bool answered = false;
    books_->GetSummary({}, [&](auto answer) {
      summary = std::move(answer);
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    return summary;
  }
  // How many of the payments are booked; nothing if a look-up is not answered.
  std::optional<int64_t> Booked() {
    int64_t booked = 0;
    bool all = true;
    size_t answers = 0;
    for (const RecordRequest& record : records_) {
      books_->Find(record.claim.payment.id, [&](auto entry) {
        ++answers;
        all = all && entry.has_value();
        if (entry && *entry && (*entry)->state == EntryState::kBooked) ++booked;
      });
    }
    EXPECT_TRUE(Until([&] { return answers == records_.size(); }));
    return all ? std::optional(booked) : std::nullopt;
  }
  static std::pair<int64_t, int64_t> TotalOf(const payments::Summary& summary) {
    std::pair<int64_t, int64_t> total;
    for (const auto& it : summary) {
      total.first += it.count;
      total.second += it.amount_cents;
    }
    return total;
  }

  // While a command is denied, an answer is right or there is none.
  void ExpectNothingWrong() {
    const auto summary = Summary();
    const auto booked = Booked();
    if (!summary || !booked) return;
    EXPECT_EQ(TotalOf(*summary), std::pair(*booked, *booked * kCents));
  }
  // No command is denied any more: everything is recorded again.
  void ExpectAllOnceTheyAreTold() {
    std::vector<RecordReply> replies;
    for (int i = 0; i < 20 && replies.empty(); ++i) replies = Report(records_);
    ASSERT_EQ(replies.size(), records_.size()) << told_;
    for (const RecordReply& reply : replies) EXPECT_EQ(reply.verdict, RecordVerdict::kDone);
    AwaitConnection();
    const auto summary = Summary();
    ASSERT_TRUE(summary) << told_;
    EXPECT_EQ(TotalOf(*summary), std::pair(kPayments, kPayments * kCents));
    EXPECT_EQ(Booked(), std::optional(kPayments));
    for (const ClaimReply& reply : ClaimAll()) EXPECT_EQ(reply.verdict, ClaimVerdict::kBooked);
    EXPECT_FALSE(Exists("tollgate:journal"));
    EXPECT_FALSE(Exists("tollgate:claims"));
  }

  // Runs a command as an operator; returns the words of its answer.
  std::vector<std::string> Cli(const std::vector<std::string>& command) {
    std::vector<const char*> words;
    std::vector<size_t> sizes;
    for (const std::string& word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
        static_cast<redisReply*>(redisCommandArgv(admin_.get(), static_cast<int>(words.size()),
                                                  words.data(), sizes.data())),
        &freeReplyObject);
    std::vector<std::string> answer;
    EXPECT_TRUE(reply != nullptr && reply->type != REDIS_REPLY_ERROR) << command[0];
    if (reply == nullptr) return answer;
    if (reply->type == REDIS_REPLY_INTEGER) answer.push_back(std::to_string(reply->integer));
    for (size_t i = 0; i < reply->elements; ++i) {
      answer.emplace_back(reply->element[i]->str, reply->element[i]->len);
    }
    return answer;
  }
  bool Exists(const std::string& key) { return Cli({"exists", key}).at(0) == "1"; }

  void Allow() { Cli({"acl", "setuser", "default", "on", "nopass", "~*", "&*", "+@all"}); }
  void Begin() {
    told_.clear();
    Allow();
    Cli({"flushall"});
    AwaitConnection();
  }
  std::set<std::string> KeysThatAreWritten() {
    Begin();
    std::set<std::string> keys;
    const auto collect = [&] {
      for (const std::string& key : Cli({"keys", "tollgate:*"})) keys.insert(key);
    };
    ClaimAll();
    collect();
    Report({records_.begin(), records_.begin() + 40});
    collect();
    Report({records_.begin() + 40, records_.end()});
    collect();
    keys.insert("tollgate:journal");
    return keys;
  }

  std::unique_ptr<RedisBooks> books_;
  std::unique_ptr<redisContext, decltype(&redisFree)> admin_{nullptr, &redisFree};
  std::vector<RecordRequest> records_;
  std::vector<ClaimRequest> claims_;
};

TEST_F(HalfDoneTest, ARecordIsCountedOnceWhicheverCommandFails) {
  // All commands that the scripts use, and some that they might use.
  for (const char* const command :
       {"get",     "mget", "exists", "hget",    "hmget", "hgetall", "hlen",
        "hexists", "time", "strlen", "set",     "mset",  "append",  "del",
        "unlink",  "hset", "hsetnx", "hincrby", "hdel",  "incrby",  "setrange"}) {
    SCOPED_TRACE(command);
    ASSERT_NO_FATAL_FAILURE(Begin());
    ClaimAll();
    Cli({"acl", "setuser", "default", std::string("-") + command});
    DoAll();
    ExpectNothingWrong();
    Allow();
    ExpectAllOnceTheyAreTold();
  }
}

TEST_F(HalfDoneTest, ARecordIsCountedOnceWhicheverKeyCannotBeWritten) {
  const std::set<std::string> keys = KeysThatAreWritten();
  EXPECT_GE(keys.size(), 13U) << "six levels, what is listed, two buckets, claims, owners, names";
  for (const std::string& denied : keys) {
    SCOPED_TRACE(denied);
    ASSERT_NO_FATAL_FAILURE(Begin());
    std::vector<std::string> rule{"acl", "setuser", "default", "resetkeys", "%R~*", "~tollgate:"};
    for (const std::string& key : keys) {
      if (key != denied) rule.push_back("%W~" + Escaped(key));
    }
    // Denied from the first call on, or after everything was claimed.
    for (const bool claimed : {false, true}) {
      if (claimed) ClaimAll();
      Cli(rule);
      DoAll();
      ExpectNothingWrong();
      Allow();
    }
    ExpectAllOnceTheyAreTold();
  }
}

// Another client has given a key another type: a payment that needs it waits, and nothing is half
// done.
TEST_F(HalfDoneTest, ARecordIsCountedOnceWhicheverKeyIsOfAnotherKind) {
  for (const std::string& broken : KeysThatAreWritten()) {
    if (broken == "tollgate:journal") continue;
    SCOPED_TRACE(broken);
    ASSERT_NO_FATAL_FAILURE(Begin());
    ClaimAll();
    Report({records_.begin(), records_.begin() + 10});
    const bool existed = Exists(broken);
    if (existed) Cli({"rename", broken, "aside"});
    Cli({"rpush", broken, "of another kind"});
    DoAll();
    Cli({"del", broken});
    if (existed) Cli({"rename", "aside", broken});
    ExpectAllOnceTheyAreTold();
  }
}

TEST_F(HalfDoneTest, APaymentThatStandsInABatchTwiceIsCountedOnce) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  ClaimAll();
  std::vector<RecordRequest> twice(records_);
  twice.push_back(records_.front());
  for (RecordRequest& record : twice) record.epoch_known = true;
  ASSERT_EQ(Report(twice).size(), twice.size());
  const auto summary = Summary();
  ASSERT_TRUE(summary);
  EXPECT_EQ(TotalOf(*summary), std::pair(kPayments, kPayments * kCents));
}

// As a version wrote it that put ids and values in turns.
TEST_F(HalfDoneTest, AJournalOfAnEarlierVersionIsCompleted) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  ClaimAll();
  Report({records_.begin(), records_.begin() + 1});
  const std::string left =
      "local id = string.rep('a', 2) .. string.rep('b', 14) "
      "redis.call('HSET', 'tollgate:claims', id, string.rep('c', 65)) "
      "redis.call('SET', 'tollgate:journal', cmsgpack.pack({ { 'put', 'tollgate:k:0:1:', 16, id, "
      "'v1' }, { 'SET', 'tollgate:mends', '7' } }))";
  Asked({"eval", left, "0"});
  Report({records_.begin(), records_.begin() + 1});
  EXPECT_FALSE(Exists("tollgate:journal"));
  EXPECT_EQ(Asked({"hget", "tollgate:k:0:1:aa", std::string(14, 'b')}), "v1\n");
  EXPECT_EQ(Asked({"hexists", "tollgate:claims", "aa" + std::string(14, 'b')}), "0\n");
  EXPECT_EQ(Asked({"get", "tollgate:mends"}), "7\n");
}

TEST_F(HalfDoneTest, APurgeHappensAsAWholeOrNotAtAll) {
  for (const char* const command : {"set", "mset", "incr", "incrby"}) {
    SCOPED_TRACE(command);
    ASSERT_NO_FATAL_FAILURE(Begin());
    ASSERT_EQ(Report(records_).size(), records_.size());
    Cli({"acl", "setuser", "default", std::string("-") + command});
    std::optional<bool> purged;
    books_->Purge([&](bool done) { purged = done; });
    ASSERT_TRUE(Until([&] { return purged.has_value(); }));
    Allow();
    ASSERT_NO_FATAL_FAILURE(AwaitConnection());
    const auto summary = Summary();
    ASSERT_TRUE(summary);
    EXPECT_EQ(TotalOf(*summary).first, *purged ? 0 : kPayments);
    EXPECT_EQ(Exists("tollgate:purged"), *purged);
  }
}

}  // namespace
}  // namespace tollgate::ledger
