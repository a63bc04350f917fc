// RoutingLog: one line per change of the instance's routing. Each forwarder has breakers of its
// own. A line is written when the first forwarder passes a processor over, and when the last one
// uses it again.
//
// Thread: any.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/payments/processor_directory.h"

namespace tollgate::app {

class RoutingLog {
 public:
  using WriteLine = std::function<void(const std::string& line)>;

  RoutingLog(const payments::ProcessorDirectory& directory, WriteLine write)
      : directory_(directory),
        write_(std::move(write)),
        passing_over_(directory.configured_count()) {}

  // A forwarder now passes the processor over, or uses it again.
  void OnChange(payments::ProcessorId id, bool passed_over, std::string_view why) {
    const std::lock_guard lock(mutex_);
    int& count = passing_over_.at(id);
    const int before = count;
    count += passed_over ? 1 : -1;
    if ((before == 0) == (count == 0)) return;
    write_("routing: " + directory_.Name(id) +
           (passed_over ? " is passed over (" : " is used again (") + std::string(why) + ")");
  }

 private:
  const payments::ProcessorDirectory& directory_;
  const WriteLine write_;
  std::mutex mutex_;
  std::vector<int> passing_over_;  // number of forwarders, by processor; guarded by mutex_
};

}  // namespace tollgate::app
