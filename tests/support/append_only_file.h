// Redis' append-only file, cut as a power loss cuts it: the kill of Redis alone loses nothing that
// it wrote, so the part that its last syncs did not cover is taken away by hand.
//
// Thread: one test's.
#pragma once

#include <cstddef>
#include <string>

namespace tollgate::testing {

// What Redis has written so far, in bytes. `folder`: its --dir.
size_t AppendOnlyBytes(const std::string& folder);
// Cuts all whole records (transactions are one) that begin at or after the first `keep` bytes.
// Returns how many bytes were cut. REQUIRES: Redis does not run.
size_t CutAppendOnlyFile(const std::string& folder, size_t keep);

}  // namespace tollgate::testing
