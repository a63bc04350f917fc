// URLs of the configuration: a processor's, Redis'; and what of them may be shown.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "config/parsers.h"
#include "tollgate/ledger/redis_options.h"

namespace tollgate::config {

// "http://[user:password@]host[:port]", or https; a slash at its end is taken off, and scheme and
// host are put in lower case.
Problem ReadProcessorUrl(const std::string& text, std::string& url);
// redis://[user:password@]host[:port][/database], percent-coded (RFC 3986), or unix:///path.
Problem ReadRedisUrl(const std::string& text, ledger::RedisOptions& redis);

// The URL with "(hidden)" in place of user and password.
std::string WithoutSecrets(const std::string& url);

}  // namespace tollgate::config
