// --check-config: how settings and processors are shown.
#include <iomanip>
#include <sstream>

#include "config/urls.h"
#include "config/values.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/duration.h"

namespace tollgate::config {
namespace {

std::string Millis(int64_t ms) { return base::FormatDuration(ms * base::kNanosPerMilli); }

void DescribeProcessor(std::ostream& text, const upstream::ProcessorOptions& processor) {
  text << "  " << std::setw(20) << processor.name << std::setw(44) << WithoutSecrets(processor.url)
       << "fee " << static_cast<double>(processor.fee_ppm) / 1e6 << ", in flight at most "
       << processor.in_flight_max << ", connect within " << Millis(processor.connect_timeout_ms)
       << ", answer within " << Millis(processor.answer_timeout_ms) << '\n';
  const auto line = [&]() -> std::ostream& { return text << std::setw(22) << ""; };
  if (!processor.identity.empty()) {
    line() << "identity " << WithoutSecrets(processor.identity) << '\n';
  }
  for (const std::string& former : processor.was) {
    line() << "was " << WithoutSecrets(former) << '\n';
  }
  if (!processor.ca_file.empty()) line() << "ca_file " << processor.ca_file << '\n';
  // The values of headers may be keys.
  for (const std::string& header : processor.headers) {
    line() << "header " << header.substr(0, header.find(':')) << ": (hidden)\n";
  }
}

}  // namespace

std::string Describe(const Values& values, const Config& config) {
  std::ostringstream text;
  text << std::left;
  for (const Setting& setting : Settings()) {
    const Value& value = values.at(setting.name);
    const std::string shown = value.text.empty()                     ? "-"
                              : setting.kind == SettingKind::kSecret ? "(hidden)"
                                                                     : WithoutSecrets(value.text);
    text << std::setw(22) << setting.name << std::setw(44) << shown << value.origin << '\n';
  }
  text << "\nprocessors\n";
  for (const auto& processor : config.processors) DescribeProcessor(text, processor);
  return text.str();
}

}  // namespace tollgate::config
