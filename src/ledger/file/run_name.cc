#include "ledger/file/run_name.h"

#include <sys/random.h>

#include <cctype>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "tollgate/base/assert.h"

namespace tollgate::ledger::file {

std::string RunName() {
  constexpr size_t kDigits = 16;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string name(kRunPrefix);
  for (char letter = 0; name.size() < kRunPrefix.size() + kDigits && file.get(letter);) {
    if (std::isxdigit(static_cast<unsigned char>(letter)) != 0) name += letter;
  }
  if (name.size() == kRunPrefix.size() + kDigits) return name;
  uint64_t number = 0;
  TG_CHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  char digits[kDigits + 1];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(number));
  return std::string(kRunPrefix) + digits;
}

std::string NextRunName(const std::string& boot) {
  char since_boot[20];
  std::snprintf(since_boot, sizeof(since_boot), "-%llx",
                static_cast<unsigned long long>(SinceBootMs()));
  return boot + since_boot;
}

int64_t SinceBootMs() {
  timespec now{};
  TG_CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return now.tv_sec * 1'000 + now.tv_nsec / 1'000'000;
}

}  // namespace tollgate::ledger::file
