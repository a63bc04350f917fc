#include "tollgate/base/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace tollgate::base {

void OccupyStandardDescriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one, as all below it are taken.
    int opened = ::open("/dev/null", O_RDWR);
    // A container may have no /dev: a folder cannot be read or written to either, and is always
    // there.
    if (opened < 0) opened = ::open("/", O_RDONLY | O_DIRECTORY);
    if (opened != fd) std::abort();
  }
}

}  // namespace tollgate::base
