// MappingWatch: while it exists, the SIGBUS handler knows a mapping by the path of its file. A page
// of a mapping that the file no longer has, for somebody truncated it or its disk failed, ends the
// process by SIGBUS at the next touch; the handler says so and exits.
//
// Thread: any. Owns: an entry of a table that the handler reads without a lock; if all are taken,
// the mapping goes unwatched.
#pragma once

#include <cstddef>
#include <string>

namespace tollgate::table {

class MappingWatch {
 public:
  MappingWatch(const void* begin, size_t bytes, const std::string& path);
  ~MappingWatch();
  MappingWatch(const MappingWatch&) = delete;
  MappingWatch& operator=(const MappingWatch&) = delete;

 private:
  int entry_ = -1;
};

}  // namespace tollgate::table
