#include "tollgate/config/processors.h"

#include "config/urls.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::config {
namespace {

// A password or a slash at the end does not make it another processor.
uint64_t HashOf(std::string identity) {
  while (identity.ends_with('/')) identity.pop_back();
  return payments::IdentityHash(WithoutSecrets(identity));
}

}  // namespace

std::vector<std::string> ProcessorNames(const Config& config) {
  std::vector<std::string> names;
  for (const auto& processor : config.processors) names.push_back(processor.name);
  return names;
}

std::vector<std::vector<uint64_t>> ProcessorIdentities(const Config& config) {
  std::vector<std::vector<uint64_t>> identities;
  for (const auto& processor : config.processors) {
    identities.push_back({HashOf(processor.identity.empty() ? processor.url : processor.identity)});
    for (const std::string& former : processor.was) identities.back().push_back(HashOf(former));
  }
  return identities;
}

}  // namespace tollgate::config
