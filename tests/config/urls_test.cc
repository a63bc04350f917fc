#include "config/urls.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate::config {
namespace {

TEST(ProcessorUrl, WhatIsTakenIsTakenAsItIsButForASlashAtItsEnd) {
  struct Case {
    const char* text;
    const char* url;
  };
  for (const Case& c :
       {Case{"http://default:8080", "http://default:8080"},
        Case{"http://default:8080/", "http://default:8080"},
        Case{"https://a-b_c.d", "https://a-b_c.d"}, Case{"http://[::1]:8001", "http://[::1]:8001"},
        Case{"http://1.2.3.4", "http://1.2.3.4"}, Case{"http://me:it@h:1", "http://me:it@h:1"}}) {
    std::string url;
    EXPECT_FALSE(ReadProcessorUrl(c.text, url)) << c.text;
    EXPECT_EQ(url, c.url);
  }
}

TEST(ProcessorUrl, SchemeAndHostAreTheSameInEitherCase) {
  std::string url;
  ASSERT_FALSE(ReadProcessorUrl("HTTP://Default:8080", url));
  EXPECT_EQ(url, "http://default:8080");
  ASSERT_FALSE(ReadProcessorUrl("hTTpS://Me:SeCret@EU.Example/", url));
  EXPECT_EQ(url, "https://Me:SeCret@eu.example");
  ASSERT_FALSE(ReadProcessorUrl("Http://[FD00::A]:1", url));
  EXPECT_EQ(url, "http://[fd00::a]:1");
}

TEST(ProcessorUrl, WhatCannotBeAskedIsRefused) {
  for (const char* text : {"",
                           "default:8080",
                           "ftp://h",
                           "http://",
                           "http:///",
                           "http://:8080",
                           "http://h:0",
                           "http://h:99999",
                           "http://h:8x",
                           "http://h:",
                           "http://a b",
                           "http://h/path",
                           "http://h?x",
                           "http://h#x",
                           "http://[::1",
                           "http://h\n",
                           "http://me@",
                           "http://::1:80",
                           "http://[zz]",
                           "http://[1.2.3.4]",
                           "http://[::1]80",
                           "http://%41",
                           "http:///h",
                           "http://h//",
                           "http://h/.",
                           "http://h:+80",
                           "http://h;x"}) {
    std::string url = "untouched";
    const Problem problem = ReadProcessorUrl(text, url);
    ASSERT_TRUE(problem) << text;
    EXPECT_NE(problem->find("http://HOST:PORT"), std::string::npos);
    EXPECT_EQ(url, "untouched") << text;
  }
}

TEST(RedisUrl, EveryPart) {
  ledger::RedisOptions redis;
  redis.unix_path = "/sockets/redis.sock";
  ASSERT_FALSE(ReadRedisUrl("redis://me:p%40ss%2fw%3Ard@[fd00::1]:7000/3", redis));
  EXPECT_EQ(redis.unix_path, "");
  EXPECT_EQ(redis.host, "fd00::1");
  EXPECT_EQ(redis.port, 7000);
  EXPECT_EQ(redis.user, "me");
  EXPECT_EQ(redis.password, "p@ss/w:rd");
  EXPECT_EQ(redis.database, 3);
}

TEST(RedisUrl, APasswordMayHoldWhatEndsAnAuthorityElsewhere) {
  ledger::RedisOptions redis;
  ASSERT_FALSE(ReadRedisUrl("redis://me:a/b?c#d@e@db:7000/2", redis));
  EXPECT_EQ(redis.host, "db");
  EXPECT_EQ(redis.port, 7000);
  EXPECT_EQ(redis.password, "a/b?c#d@e");
  EXPECT_EQ(redis.database, 2);
}

TEST(RedisUrl, PartsThatAreMissingKeepTheirDefaults) {
  ledger::RedisOptions redis;
  ASSERT_FALSE(ReadRedisUrl("redis://:secret@db/", redis));
  EXPECT_EQ(redis.host, "db");
  EXPECT_EQ(redis.port, 6379);
  EXPECT_EQ(redis.user, "");
  EXPECT_EQ(redis.password, "secret");
  EXPECT_EQ(redis.database, 0);
  ASSERT_FALSE(ReadRedisUrl("unix:///run/redis.sock", redis));
  EXPECT_EQ(redis.unix_path, "/run/redis.sock");
}

TEST(RedisUrl, SchemeAndHostAreTheSameInEitherCaseAndNothingElseIs) {
  ledger::RedisOptions redis;
  ASSERT_FALSE(ReadRedisUrl("REDIS://Me:SeCret@DB.Example:7000/3", redis));
  EXPECT_EQ(redis.host, "db.example");
  EXPECT_EQ(redis.user, "Me");
  EXPECT_EQ(redis.password, "SeCret");
  ASSERT_FALSE(ReadRedisUrl("Unix:///Run/Redis.sock", redis));
  EXPECT_EQ(redis.unix_path, "/Run/Redis.sock");
}

TEST(RedisUrl, WhatNamesNoServerIsRefused) {
  for (const char* text : {"", "db:6379", "http://db", "redis://", "redis://:6379", "redis://db:x",
                           "redis://db:70000", "redis://db/x", "redis://db/-1", "redis://u:%4@db",
                           "redis://u:%zz@db", "redis://[zz]", "redis://db?x", "redis:///db",
                           "redis://db:0", "redis://db:", "unix://", "unix://relative"}) {
    ledger::RedisOptions redis;
    EXPECT_TRUE(ReadRedisUrl(text, redis)) << text;
  }
}

TEST(Secrets, UserAndPasswordAreTakenOutOfAnyUrl) {
  EXPECT_EQ(WithoutSecrets("http://me:secret@h:80"), "http://(hidden)@h:80");
  EXPECT_EQ(WithoutSecrets("https://secret@h"), "https://(hidden)@h");
  EXPECT_EQ(WithoutSecrets("me:sec://ret@h/x"), "me:sec://(hidden)@h/x");
  EXPECT_EQ(WithoutSecrets("me:secret@h"), "(hidden)@h");
  EXPECT_EQ(WithoutSecrets("http://a:s@b:c@h"), "http://(hidden)@h");
  EXPECT_EQ(WithoutSecrets("http://h:80"), "http://h:80");
  EXPECT_EQ(WithoutSecrets(""), "");
}

}  // namespace
}  // namespace tollgate::config
