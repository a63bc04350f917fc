// The names of a shelf's buckets in Redis (docs/REDIS.md, "What was booked or rejected").
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::ledger::copy {

struct BucketName {
  std::string in_key;  // the end of the key
  std::string of_id;   // the bytes of the id that are whole in it; they are not in the fields
};

// Of the bucket that holds an id whose spread form begins with these bytes.
inline BucketName NameOfBucket(std::string_view spread_id, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  const int rest = bits % 8;
  BucketName name{.in_key = std::string(spread_id.substr(0, whole)),
                  .of_id = std::string(spread_id.substr(0, whole))};
  if (rest == 0) return name;
  const auto part = static_cast<unsigned char>(spread_id[whole]);
  name.in_key += static_cast<char>(part & (0xFFU << (8 - rest) & 0xFFU));
  return name;
}

// Of bucket `number`, which is the first bits of its ids.
inline BucketName NameOfBucket(int64_t number, int bits) {
  constexpr int kBytes = 3;
  const uint64_t first = static_cast<uint64_t>(number) << (8 * kBytes - bits);
  std::string bytes;
  for (int i = kBytes; i-- > 0;) bytes += static_cast<char>(first >> (8 * i) & 0xFFU);
  return NameOfBucket(std::string_view(bytes), bits);
}

}  // namespace tollgate::ledger::copy
