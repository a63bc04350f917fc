#include "schedule_sim/bound.h"

#include <algorithm>
#include <cmath>

#include "tollgate/base/assert.h"

namespace tollgate::schedule {
namespace {

struct Stretch {
  double from_ms;
  double to_ms;
};

double EndOf(const Behaviour& behaviour, size_t index, double last) {
  return index + 1 < behaviour.size() ? static_cast<double>(behaviour[index + 1].from_ms) : last;
}

// The starts in [from, to), all with this delay, that end while the processor works.
std::vector<Stretch> GoodStarts(const Behaviour& behaviour, Stretch starts, double delay_ms,
                                double cutoff_ms) {
  std::vector<Stretch> good;
  for (size_t i = 0; i < behaviour.size(); ++i) {
    if (behaviour[i].failing) continue;
    const double works_from = static_cast<double>(behaviour[i].from_ms) - delay_ms;
    const double works_to = EndOf(behaviour, i, cutoff_ms) - delay_ms;
    const double from = std::max(starts.from_ms, works_from);
    const double to = std::min({starts.to_ms, works_to, cutoff_ms - delay_ms});
    if (from >= to) continue;
    if (!good.empty() && good.back().to_ms == from) {
      good.back().to_ms = to;
    } else {
      good.push_back({from, to});
    }
  }
  return good;
}

// Windows as long as the delay, but no shorter than this: several delays then share a window.
constexpr double kWindowMs = 100;

void AddWindows(const Stretch& stretch, double delay_ms, std::vector<Window>& windows) {
  const double length = std::max(delay_ms, kWindowMs);
  for (double from = stretch.from_ms;; from += length) {
    const double to = std::min(from + length, stretch.to_ms);
    // Of `to - from` each begun delay lets 800 begin; below a millisecond there is no limit.
    const size_t fits =
        delay_ms < 1
            ? SIZE_MAX
            : kRunningMax * static_cast<size_t>(std::max(1.0, std::ceil((to - from) / delay_ms)));
    windows.push_back({to, fits});
    if (to >= stretch.to_ms) return;
  }
}

}  // namespace

std::vector<Window> WindowsOf(const Behaviour& behaviour, int64_t cutoff_ms) {
  const auto cutoff = static_cast<double>(cutoff_ms);
  std::vector<Window> windows;
  for (size_t i = 0; i < behaviour.size(); ++i) {
    const auto delay_ms = static_cast<double>(behaviour[i].delay_ms);
    const Stretch starts{static_cast<double>(behaviour[i].from_ms), EndOf(behaviour, i, cutoff)};
    for (const Stretch& good : GoodStarts(behaviour, starts, delay_ms, cutoff)) {
      AddWindows(good, delay_ms, windows);
    }
  }
  std::sort(windows.begin(), windows.end(),
            [](const Window& a, const Window& b) { return a.end_ms < b.end_ms; });
  return windows;
}

// For every moment t: the windows that end by t can hold no more than arrived by t. `room` is what
// that leaves for a window, the least over all later moments, kept for the moments of all windows.
Bound BestDivision(const std::vector<double>& arrivals,
                   const std::vector<std::vector<Window>>& windows) {
  std::vector<double> moments;
  for (const auto& each : windows) {
    for (const Window& window : each) moments.push_back(window.end_ms);
  }
  std::sort(moments.begin(), moments.end());
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
  std::vector<size_t> used(moments.size(), 0);  // by all windows that end at this moment
  std::vector<size_t> room(moments.size(), 0);

  Bound bound;
  size_t total = 0;
  for (const auto& each : windows) {
    size_t sum = 0;
    for (size_t i = 0; i < moments.size(); ++i) {
      sum += used[i];
      const auto by = std::upper_bound(arrivals.begin(), arrivals.end(), moments[i]);
      const auto arrived = static_cast<size_t>(by - arrivals.begin());
      TG_ASSERT(sum <= arrived);
      room[i] = arrived - sum;
    }
    for (size_t i = moments.size(); i-- > 1;) room[i - 1] = std::min(room[i - 1], room[i]);
    // Earliest first: what one takes lowers the room of all later moments by as much.
    size_t taken = 0;
    size_t at = 0;
    for (const Window& window : each) {
      while (moments[at] < window.end_ms) ++at;
      const size_t take = std::min(window.capacity, room[at] - std::min(room[at], taken));
      used[at] += take;
      taken += take;
    }
    total += taken;
    bound.booked.push_back(taken);
  }
  bound.lost = arrivals.size() - total;
  return bound;
}

double ShareOf(const Fees& fees, const std::vector<size_t>& booked, size_t accepted) {
  if (accepted == 0) return 1;
  double kept = 0;
  for (size_t i = 0; i < booked.size(); ++i) {
    kept += static_cast<double>(booked[i]) * static_cast<double>(1'000'000 - fees.ppm[i]);
  }
  const auto least =
      static_cast<double>(1'000'000 - *std::min_element(fees.ppm.begin(), fees.ppm.end()));
  return kept / (static_cast<double>(accepted) * least);
}

double BoundShare(const Schedule& schedule, const std::vector<double>& arrivals) {
  std::vector<std::vector<Window>> windows;
  for (const Behaviour& behaviour : schedule.processors) {
    windows.push_back(WindowsOf(behaviour, schedule.cutoff_ms));
  }
  return ShareOf(schedule.fees, BestDivision(arrivals, windows).booked, arrivals.size());
}

}  // namespace tollgate::schedule
