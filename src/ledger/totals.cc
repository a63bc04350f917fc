#include "ledger/totals.h"

#include <utility>

namespace tollgate::ledger {

payments::Summary InOrder(Totals totals, const payments::ProcessorDirectory& directory) {
  payments::Summary summary;
  for (size_t id = 0; id < directory.configured_count(); ++id) {
    const std::string& name = directory.Name(static_cast<payments::ProcessorId>(id));
    payments::ProcessorTotals& sum = totals[name];
    sum.name = name;
    summary.push_back(std::move(sum));
    totals.erase(name);
  }
  for (auto& [name, sum] : totals) summary.push_back(std::move(sum));
  return summary;
}

}  // namespace tollgate::ledger
