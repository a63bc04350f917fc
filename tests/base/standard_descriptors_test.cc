#include "tollgate/base/standard_descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tollgate::base {
namespace {

// In a child, because these descriptors are the test's own. Returns 0 if `check` holds there.
template <typename Check>
int InChild(Check check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

bool IsNull(int fd) {
  struct stat info {};
  struct stat null {};
  return ::fstat(fd, &info) == 0 && ::stat("/dev/null", &null) == 0 && info.st_rdev == null.st_rdev;
}

TEST(StandardDescriptors, ThoseThatAreClosedAreOpenedOnNothing) {
  EXPECT_EQ(InChild([] {
              for (int fd = 0; fd <= 2; ++fd) ::close(fd);
              OccupyStandardDescriptors();
              const int next = ::open("/", O_RDONLY);
              return IsNull(0) && IsNull(1) && IsNull(2) && next > 2;
            }),
            0);
}

TEST(StandardDescriptors, ThoseThatAreOpenStayWhatTheyAre) {
  EXPECT_EQ(InChild([] {
              int ends[2];
              if (::pipe(ends) != 0 || ::dup2(ends[1], 1) != 1) return false;
              ::close(2);
              OccupyStandardDescriptors();
              char byte = 0;
              return ::write(1, "x", 1) == 1 && ::read(ends[0], &byte, 1) == 1 && byte == 'x' &&
                     IsNull(2);
            }),
            0);
}

}  // namespace
}  // namespace tollgate::base
