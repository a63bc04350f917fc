#include "ledger/file/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "tollgate/base/unique_fd.h"

namespace tollgate::ledger::file {

PartialFile::~PartialFile() {
  if (!made_) return;
  for (const char* ending : {"", "-journal", "-wal", "-shm"}) ::unlink((path_ + ending).c_str());
}

base::Status PartialFile::Make() {
  struct stat info {};
  if (::lstat(target_.c_str(), &info) == 0) {
    return base::Error{target_ + " exists already; name another file, or move it away"};
  }
  const base::UniqueFd fd(::mkostemp(path_.data(), O_CLOEXEC));
  if (!fd.valid()) return base::ErrnoError("the file " + target_ + " cannot be made");
  made_ = true;
  return base::OkStatus();
}

base::Result<uint64_t> PartialFile::Finish() {
  const std::string failed = "the file " + target_ + " cannot be finished";
  struct stat info {};
  const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || ::fsync(fd.get()) != 0) {
    return base::ErrnoError(failed);
  }
  int renamed = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE);
  // Some file systems cannot tell whether the name is free.
  if (renamed != 0 && errno == EINVAL) renamed = std::rename(path_.c_str(), target_.c_str());
  if (renamed != 0) return base::ErrnoError(failed);
  made_ = false;
  const size_t slash = target_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
  const base::UniqueFd folder_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd.valid() || ::fsync(folder_fd.get()) != 0) return base::ErrnoError(failed);
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace tollgate::ledger::file
