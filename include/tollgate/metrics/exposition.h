// Exposition: the gateway's metrics as Prometheus text (format version 0.0.4), computed on each
// request.
//
// Thread: one at a time. Values are read relaxed, so each may be slightly old.
// Owns: nothing. What it points to outlives it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tollgate/metrics/instruments.h"

namespace tollgate::metrics {

// A metric that another part of the process provides.
struct ExtraFigure {
  std::string name;  // "tollgate_table_slots"
  std::string help;
  bool counter = false;  // else a gauge
  std::function<double()> value;
};

struct ExpositionSources {
  std::vector<const AcceptorMetrics*> accept;  // one per acceptor
  std::vector<const ForwardMetrics*> forward;  // one per worker
  std::vector<std::string> processors;         // names by ProcessorId
  std::vector<std::string> outcomes;           // names by upstream::PostOutcome
  std::vector<ExtraFigure> extra;
};

std::string RenderMetrics(const ExpositionSources& sources);
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace tollgate::metrics
