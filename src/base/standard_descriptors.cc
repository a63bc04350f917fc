#include "tollgate/base/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace tollgate::base {

void OccupyStandardDescriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // open() returns this number, because all lower ones are in use.
    int opened = ::open("/dev/null", O_RDWR);
    // A container may have no /dev. "/" always exists, and a folder cannot be read or written
    // either.
    if (opened < 0) opened = ::open("/", O_RDONLY | O_DIRECTORY);
    if (opened != fd) std::abort();
  }
}

}  // namespace tollgate::base
