// The configuration of one processor.
//
// Thread: a value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tollgate::upstream {

struct ProcessorOptions {
  std::string name;
  std::string url;            // "http://host:port", no path
  std::string identity = {};  // which processor it is, independent of its URL; empty: its URL
  std::vector<std::string> was = {};  // its former identities or URLs
  int64_t fee_ppm = 50'000;           // share of the amount, parts per million
  int64_t connect_timeout_ms = 1'000;
  int64_t answer_timeout_ms =
      15'000;                  // longer than any normal delay, because a time-out is an unknown
  size_t in_flight_max = 350;  // per instance
  std::vector<std::string> headers;  // "Name: value", added to each request
  std::string ca_file;  // for https: PEM file of trusted authorities; empty: the system's
};

}  // namespace tollgate::upstream
