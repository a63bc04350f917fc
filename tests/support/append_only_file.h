// Redis' append-only file, cut as by a power loss. A kill of Redis loses nothing that it wrote, so
// the test removes the part that its last syncs did not cover.
//
// Thread: one test's.
#pragma once

#include <cstddef>
#include <string>

namespace tollgate::testing {

// The bytes that Redis has written so far. `folder`: its --dir.
size_t AppendOnlyBytes(const std::string& folder);
// Cuts all whole records (a transaction is one) that begin at or after the first `keep` bytes.
// Returns how many bytes were cut. REQUIRES: Redis does not run.
size_t CutAppendOnlyFile(const std::string& folder, size_t keep);

}  // namespace tollgate::testing
