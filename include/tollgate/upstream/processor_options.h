// What is configured of one processor.
//
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tollgate::upstream {

struct ProcessorOptions {
  std::string name;
  std::string url;            // "http://host:port", no path
  std::string identity = {};  // which processor it is, whatever its URL; empty: its URL says
  std::vector<std::string> was = {};  // identities or URLs that it had before
  int64_t fee_ppm = 50'000;           // share of the amount, parts per million
  int64_t connect_timeout_ms = 1'000;
  int64_t answer_timeout_ms = 15'000;  // longer than any honest delay: a time-out is an unknown
  size_t in_flight_max = 350;          // per instance
  std::vector<std::string> headers;    // "Name: value", added to each request
  std::string ca_file;                 // of https: PEM file of who may vouch; empty: the system's
};

}  // namespace tollgate::upstream
