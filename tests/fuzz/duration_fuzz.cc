// Any text: no crash; a valid duration is the same after it was written and read again.
#include <cstdint>
#include <string>

#include "tollgate/base/assert.h"
#include "tollgate/base/duration.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tollgate::base;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Result<int64_t> parsed = ParseDuration(text);
  if (!parsed.ok()) {
    TG_ASSERT(!parsed.error().message.empty());
    return 0;
  }
  const Result<int64_t> again = ParseDuration(FormatDuration(parsed.value()));
  TG_ASSERT(again.ok() && again.value() == parsed.value());
  return 0;
}
