#include "tollgate/net/address.h"

#include <gtest/gtest.h>

namespace tollgate::net {
namespace {

TEST(ParseAddress, TcpForms) {
  struct Case {
    const char* text;
    const char* host;
    uint16_t port;
  };
  for (const Case& c : {Case{"0.0.0.0:9999", "0.0.0.0", 9999}, Case{"[::]:9999", "::", 9999},
                        Case{":9999", "", 9999}, Case{"gateway:80", "gateway", 80},
                        Case{"127.0.0.1:0", "127.0.0.1", 0}, Case{":65535", "", 65535}}) {
    const auto address = ParseAddress(c.text);
    ASSERT_TRUE(address.ok()) << c.text;
    EXPECT_EQ(address.value().host, c.host);
    EXPECT_EQ(address.value().port, c.port);
    EXPECT_FALSE(address.value().is_unix());
    EXPECT_EQ(ToString(address.value()), c.text);
  }
}

TEST(ParseAddress, UnixForms) {
  for (const char* text : {"/run/a.sock", "unix:/run/a.sock", "unix:///run/a.sock"}) {
    const auto address = ParseAddress(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_TRUE(address.value().is_unix());
    EXPECT_EQ(ToString(address.value()), "/run/a.sock");
  }
  EXPECT_EQ(ParseAddress("./a.sock").value().unix_path, "./a.sock");
  EXPECT_EQ(ParseAddress("unix:a.sock").value().unix_path, "a.sock");
}

TEST(ParseAddress, Refused) {
  for (const char* text : {"", "9999", "host", "host:", "host:-1", "host:65536", "host:1x",
                           "host: 1", "::1:9999", "unix:", "unix://", "host:+1"}) {
    const auto address = ParseAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_FALSE(address.error().message.empty());
  }
}

}  // namespace
}  // namespace tollgate::net
