#include "ledger/file/reader.h"

#include <sys/stat.h>

#include "ledger/file/open_to_read.h"

namespace tollgate::ledger::file {

bool Reader::Open() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    Close();
    return false;
  }
  if (database_.is_open() && info.st_ino == inode_) return true;
  Close();
  inode_ = info.st_ino;
  constexpr int kBusyMs = 100;
  if (OpenToRead(database_, path_, kBusyMs).ok()) return true;
  Close();
  return false;
}

void Reader::Close() {
  file_.Forget();
  database_.Close();
}

void Reader::Ask(const std::function<void(BookFile* file)>& read) {
  database_.ClearError();
  if (!Open()) return read(nullptr);
  database_.Run("BEGIN");
  file_.Begin();
  if (database_.failed()) {
    Close();
    return read(nullptr);
  }
  read(&file_);
  const bool failed = database_.failed();
  database_.ClearError();
  database_.Run("COMMIT");
  if (failed || database_.failed()) Close();
}

}  // namespace tollgate::ledger::file
