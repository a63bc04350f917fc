#include "tollgate/metrics/exposition.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

namespace tollgate::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

class Renderer {
 public:
  explicit Renderer(const ExpositionSources& sources) : sources_(sources) {}

  std::string Render() {
    RenderAccept();
    RenderForward();
    RenderProcessors();
    for (const ExtraFigure& extra : sources_.extra) {
      Family(extra.name, extra.help, extra.counter ? MetricType::Counter : MetricType::Gauge);
      Add({}, extra.value());
    }
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families_);
    return text.str();
  }

 private:
  void Family(std::string name, std::string help, MetricType type) {
    MetricFamily family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    families_.push_back(std::move(family));
  }
  void Add(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_.back().metric.push_back(std::move(metric));
  }

  // The sum over all threads of the value that `figure` reads.
  template <typename Source, typename Figure>
  static double Sum(const std::vector<const Source*>& threads, Figure figure) {
    double sum = 0;
    for (const Source* thread : threads) sum += static_cast<double>(figure(*thread));
    return sum;
  }
  template <typename Figure>
  void AcceptCounter(const char* name, const char* help, Figure figure) {
    Family(name, help, MetricType::Counter);
    Add({}, Sum(sources_.accept, figure));
  }
  template <typename Figure>
  void ForwardCounter(const char* name, const char* help, Figure figure) {
    Family(name, help, MetricType::Counter);
    Add({}, Sum(sources_.forward, figure));
  }

  // `scale` converts the histogram's unit into the exposed one. Bucket i ends at 2^i - 1.
  template <typename Pick>
  void AddHistogram(Labels labels, double scale, Pick pick) {
    ClientMetric metric;
    metric.label = std::move(labels);
    uint64_t count = 0;
    for (size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
      for (const ForwardMetrics* thread : sources_.forward) count += pick(*thread).count(bucket);
      const bool last = bucket + 1 == Histogram::kBuckets;
      const double bound = static_cast<double>((uint64_t{1} << bucket) - 1) * scale;
      metric.histogram.bucket.push_back(
          {count, last ? std::numeric_limits<double>::infinity() : bound});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum =
        Sum(sources_.forward, [&](const ForwardMetrics& m) { return pick(m).sum(); }) * scale;
    families_.back().metric.push_back(std::move(metric));
  }

  void RenderAccept() {
    AcceptCounter("tollgate_accepted_total", "Payments answered with 202.",
                  [](const AcceptorMetrics& m) { return m.accepted.value(); });
    Family("tollgate_refused_total", "Payments not accepted, by reason.", MetricType::Counter);
    static constexpr std::array<const char*, static_cast<size_t>(Refusal::kCount)> kReasons{
        "invalid", "table_full", "disk_failed", "fenced"};
    for (size_t i = 0; i < kReasons.size(); ++i) {
      Add({{"reason", kReasons[i]}},
          Sum(sources_.accept, [i](const AcceptorMetrics& m) { return m.refused[i].value(); }));
    }
    AcceptCounter("tollgate_summaries_total", "Summaries asked for.",
                  [](const AcceptorMetrics& m) { return m.summaries.value(); });
    AcceptCounter(
        "tollgate_inexact_summaries_total",
        "Summaries that may lack payments confirmed just before, because not every worker "
        "of the fleet had recorded them within SUMMARY_WAIT.",
        [](const AcceptorMetrics& m) { return m.inexact_summaries.value(); });
    AcceptCounter("tollgate_lookups_total", "Payments looked up.",
                  [](const AcceptorMetrics& m) { return m.lookups.value(); });
    AcceptCounter("tollgate_purges_total", "Purges of the books.",
                  [](const AcceptorMetrics& m) { return m.purges.value(); });
    AcceptCounter("tollgate_ledger_away_total",
                  "Questions answered 503 because the books did not answer.",
                  [](const AcceptorMetrics& m) { return m.ledger_away.value(); });
  }

  void RenderForward() {
    ForwardCounter("tollgate_retries_total", "Attempts after a payment's first.",
                   [](const ForwardMetrics& m) { return m.retries.value(); });
    ForwardCounter("tollgate_rejected_total", "Payments that can never be booked.",
                   [](const ForwardMetrics& m) { return m.rejected.value(); });
    ForwardCounter("tollgate_conflicts_total",
                   "Payments rejected because their id is known with another amount.",
                   [](const ForwardMetrics& m) { return m.conflicts.value(); });
    ForwardCounter("tollgate_elsewhere_total", "Repeats that another instance finishes.",
                   [](const ForwardMetrics& m) { return m.elsewhere.value(); });
    ForwardCounter("tollgate_taken_over_total", "Repeats that go on with a silent owner's claim.",
                   [](const ForwardMetrics& m) { return m.taken_over.value(); });
    ForwardCounter("tollgate_contradictions_total", "Possible double charges.",
                   [](const ForwardMetrics& m) { return m.contradictions.value(); });
    ForwardCounter("tollgate_fenced_total", "Tables that a newer opening took over.",
                   [](const ForwardMetrics& m) { return m.fenced.value(); });
    ForwardCounter("tollgate_fees_paid_total", "Fees of all booked payments, in money.",
                   [](const ForwardMetrics& m) { return Fee(m.fees_ppm_cents.value()); });
    ForwardCounter(
        "tollgate_fees_least_total",
        "What the fees would be if the cheapest processor had booked every payment, in money.",
        [](const ForwardMetrics& m) { return Fee(m.least_fees_ppm_cents.value()); });
    ForwardCounter("tollgate_fees_regret_total",
                   "Fees that the cheapest processor would have saved, in money.",
                   [](const ForwardMetrics& m) {
                     return Fee(m.fees_ppm_cents.value()) - Fee(m.least_fees_ppm_cents.value());
                   });
    Family("tollgate_held", "Payments that workers have taken from the queue.", MetricType::Gauge);
    Add({}, Sum(sources_.forward, [](const ForwardMetrics& m) { return m.held.value(); }));
    Family("tollgate_unresolved_oldest_seconds", "Age of the oldest payment of unknown outcome.",
           MetricType::Gauge);
    double oldest_ms = 0;
    for (const ForwardMetrics* m : sources_.forward) {
      oldest_ms = std::max(oldest_ms, static_cast<double>(m->unresolved_oldest_ms.value()));
    }
    Add({}, oldest_ms / 1000);
    Batches(
        "tollgate_ledger_batch_size", "Payments per script call.", 1,
        [](const ForwardMetrics& m) -> const Histogram& { return m.claim_batch; },
        [](const ForwardMetrics& m) -> const Histogram& { return m.record_batch; });
    Batches(
        "tollgate_ledger_call_seconds", "Time of a script call.", 1e-6,
        [](const ForwardMetrics& m) -> const Histogram& { return m.claim_us; },
        [](const ForwardMetrics& m) -> const Histogram& { return m.record_us; });
  }

  static double Fee(uint64_t ppm_cents) { return static_cast<double>(ppm_cents) / 1e8; }

  template <typename Claim, typename Record>
  void Batches(const char* name, const char* help, double scale, Claim claim, Record record) {
    Family(name, help, MetricType::Histogram);
    AddHistogram({{"call", "claim"}}, scale, claim);
    AddHistogram({{"call", "record"}}, scale, record);
  }

  template <typename Figure>
  void PerProcessor(const char* name, const char* help, MetricType type, double scale,
                    Figure figure) {
    Family(name, help, type);
    for (size_t id = 0; id < sources_.processors.size(); ++id) {
      Add({{"processor", sources_.processors[id]}},
          scale * Sum(sources_.forward,
                      [&](const ForwardMetrics& m) { return figure(m.processors[id]); }));
    }
  }

  void RenderProcessors() {
    PerProcessor("tollgate_in_flight", "Payments in flight.", MetricType::Gauge, 1,
                 [](const ProcessorMetrics& m) { return m.in_flight.value(); });
    PerProcessor("tollgate_in_flight_cap",
                 "Cap on payments in flight, as adapted to 429 and successes.", MetricType::Gauge,
                 1, [](const ProcessorMetrics& m) { return m.in_flight_cap.value(); });
    PerProcessor("tollgate_unresolved", "Payments of unknown outcome.", MetricType::Gauge, 1,
                 [](const ProcessorMetrics& m) { return m.unresolved.value(); });
    PerProcessor("tollgate_breakers_open", "Workers whose breaker is open.", MetricType::Gauge, 1,
                 [](const ProcessorMetrics& m) { return m.breaker_open.value(); });
    PerProcessor("tollgate_booked_total", "Payments booked.", MetricType::Counter, 1,
                 [](const ProcessorMetrics& m) { return m.booked.value(); });
    PerProcessor("tollgate_booked_amount_total", "Amounts of payments booked, in money.",
                 MetricType::Counter, 0.01,
                 [](const ProcessorMetrics& m) { return m.booked_cents.value(); });
    Family("tollgate_attempts_total", "Attempts by outcome.", MetricType::Counter);
    for (size_t id = 0; id < sources_.processors.size(); ++id) {
      for (size_t outcome = 0; outcome < sources_.outcomes.size(); ++outcome) {
        Add({{"processor", sources_.processors[id]}, {"outcome", sources_.outcomes[outcome]}},
            Sum(sources_.forward, [&](const ForwardMetrics& m) {
              return m.processors[id].outcomes[outcome].value();
            }));
      }
    }
    Family("tollgate_processor_seconds", "Time from the call to a processor's answer.",
           MetricType::Histogram);
    for (size_t id = 0; id < sources_.processors.size(); ++id) {
      AddHistogram({{"processor", sources_.processors[id]}}, 1e-6,
                   [id](const ForwardMetrics& m) -> const Histogram& {
                     return m.processors[id].latency_us;
                   });
    }
    Family("tollgate_forwarding_seconds", "Time from a payment's acceptance to its booking.",
           MetricType::Histogram);
    for (size_t id = 0; id < sources_.processors.size(); ++id) {
      AddHistogram({{"processor", sources_.processors[id]}}, 1e-6,
                   [id](const ForwardMetrics& m) -> const Histogram& {
                     return m.processors[id].forwarding_us;
                   });
    }
  }

  const ExpositionSources& sources_;
  std::vector<MetricFamily> families_;
};

}  // namespace

std::string RenderMetrics(const ExpositionSources& sources) { return Renderer(sources).Render(); }

}  // namespace tollgate::metrics
