#include "tests/support/small_disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "tollgate/base/assert.h"

namespace tollgate::testing {

SmallDisk::SmallDisk(std::string folder, size_t bytes) : folder_(std::move(folder)) {
  const std::string size = "size=" + std::to_string(bytes);
  if (::mount("tmpfs", folder_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0) {
    problem_ = std::string("no small file system could be mounted (") + std::strerror(errno) +
               "); this test needs root";
  }
}

SmallDisk::~SmallDisk() {
  if (problem_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
}

void SmallDisk::Fill() {
  const int fd = ::open(Ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  TG_ASSERT(fd >= 0);
  const std::vector<char> block(4096);
  while (::write(fd, block.data(), block.size()) > 0) {
  }
  TG_ASSERT(errno == ENOSPC);
  ::close(fd);
}

void SmallDisk::Free() { ::unlink(Ballast().c_str()); }

size_t SmallDisk::FreeBytes() const {
  struct statvfs info {};
  TG_ASSERT(::statvfs(folder_.c_str(), &info) == 0);
  return info.f_bavail * info.f_frsize;
}

}  // namespace tollgate::testing
