// MappingWatch registers a mapping and the path of its file with the SIGBUS handler while it
// exists. If the file was truncated or its disk failed, the next access to a lost page raises
// SIGBUS. The handler prints which table is lost and exits.
//
// Thread: any. Owns: an entry of a table that the handler reads without a lock. If all entries are
// taken, the mapping is not watched.
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
