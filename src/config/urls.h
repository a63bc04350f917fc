// URLs in the configuration: those of processors and of Redis, and their form without secrets.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "config/parsers.h"
#include "tollgate/ledger/redis_options.h"

namespace tollgate::config {

// "http://[user:password@]host[:port]", or https. A slash at the end is removed. Scheme and host
// become lower case.
Problem ReadProcessorUrl(const std::string& text, std::string& url);
// redis://[user:password@]host[:port][/database], percent-encoded (RFC 3986), or unix:///path.
Problem ReadRedisUrl(const std::string& text, ledger::RedisOptions& redis);

// The URL with "(hidden)" instead of user and password.
std::string WithoutSecrets(const std::string& url);

}  // namespace tollgate::config
