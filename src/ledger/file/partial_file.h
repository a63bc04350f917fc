// PartialFile: a file that gets its name when it is whole, so that nobody meets a part of it.
//
// Thread: one.
// Owns: the file until Finish; else it is removed.
#pragma once

#include <cstdint>
#include <string>

#include "tollgate/base/result.h"

namespace tollgate::ledger::file {

class PartialFile {
 public:
  explicit PartialFile(const std::string& target) : target_(target), path_(target + ".XXXXXX") {}
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // Makes the file beside the target, for its owner alone and closed: closing a descriptor drops
  // SQLite's locks. The target must not exist.
  base::Status Make();
  const std::string& path() const { return path_; }
  // Syncs it and gives it its name. Returns its size. REQUIRES: SQLite has closed it.
  base::Result<uint64_t> Finish();

 private:
  const std::string target_;
  std::string path_;
  bool made_ = false;
};

}  // namespace tollgate::ledger::file
