// A library that a test loads into a gateway with LD_PRELOAD, for a slow disk:
//   TOLLGATE_SHIM_SYNC_MS=<ms>  every fdatasync takes <ms> longer
// It is separate from shim.cc because it may be loaded into a sanitizer's build too: it replaces
// nothing that a sanitizer's runtime replaces, and is built without a sanitizer.
//
// Thread: any; it only reads the environment.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

extern "C" int fdatasync(int fd) {
  static const auto next = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fdatasync"));
  static const char* const text = std::getenv("TOLLGATE_SHIM_SYNC_MS");
  const int result = next(fd);
  const long ms = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
  timespec left{.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0) {
  }
  return result;
}
