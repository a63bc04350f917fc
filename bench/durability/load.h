// PacedLoad: payments at a fixed rate, and how long each answer took from the moment at which it
// was to be sent, so that a stall counts for all who waited in it.
//
// Thread: one benchmark's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tollgate::bench {

struct PacedResult {
  size_t accepted = 0;
  size_t refused = 0;
  double seconds = 0;
  double p50_us = 0;
  double p99_us = 0;
};

struct PacedOptions {
  std::string address;
  uint64_t seed = 1;
  size_t threads = 4;
  size_t payments = 10'000;
  double per_second = 2'000;  // over all threads; 0: as fast as answers come
};

PacedResult RunPaced(const PacedOptions& options);

double Median(std::vector<double> values);

}  // namespace tollgate::bench
