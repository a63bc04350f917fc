#include "tollgate/metrics/exposition.h"

#include <gtest/gtest.h>

#include <memory>

namespace tollgate::metrics {
namespace {

bool Has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Exposition, SumsTheThreadsAndNamesProcessorsAndReasons) {
  const auto a = std::make_unique<AcceptorMetrics>();
  const auto b = std::make_unique<AcceptorMetrics>();
  a->accepted.Add(3);
  b->accepted.Add(4);
  b->refused[static_cast<size_t>(Refusal::kTableFull)].Add(2);
  const auto f = std::make_unique<ForwardMetrics>();
  f->processors[1].booked.Add(5);
  f->processors[1].booked_cents.Add(1990);
  f->processors[0].outcomes[1].Add(9);
  f->conflicts.Add();
  f->fees_ppm_cents.Add(uint64_t{1990} * 50'000);
  const std::string text =
      RenderMetrics({.accept = {a.get(), b.get()},
                     .forward = {f.get()},
                     .processors = {"default", "fallback"},
                     .outcomes = {"confirmed", "not_sent"},
                     .extra = {{"tollgate_table_slots", "Slots.", false, [] { return 64.0; }}}});
  EXPECT_TRUE(Has(text, "tollgate_accepted_total 7")) << text;
  EXPECT_TRUE(Has(text, "tollgate_refused_total{reason=\"table_full\"} 2")) << text;
  EXPECT_TRUE(Has(text, "tollgate_booked_total{processor=\"fallback\"} 5")) << text;
  EXPECT_TRUE(Has(text, "tollgate_booked_amount_total{processor=\"fallback\"} 19.9")) << text;
  EXPECT_TRUE(Has(text, "tollgate_attempts_total{processor=\"default\",outcome=\"not_sent\"} 9"));
  EXPECT_TRUE(Has(text, "tollgate_conflicts_total 1"));
  EXPECT_TRUE(Has(text, "tollgate_fees_paid_total 0.995")) << text;
  EXPECT_TRUE(Has(text, "tollgate_table_slots 64"));
  EXPECT_TRUE(Has(text, "# TYPE tollgate_accepted_total counter"));
}

TEST(Exposition, AHistogramIsCumulativeAndScaled) {
  const auto f = std::make_unique<ForwardMetrics>();
  f->processors[0].latency_us.Observe(1);  // bucket 1: up to 1 us
  f->processors[0].forwarding_us.Observe(500'000);
  f->processors[0].latency_us.Observe(1000);  // bucket 10: up to 1023 us
  const std::string text = RenderMetrics(
      {.accept = {}, .forward = {f.get()}, .processors = {"default"}, .outcomes = {}, .extra = {}});
  const std::string bucket = "tollgate_processor_seconds_bucket{processor=\"default\",le=";
  EXPECT_TRUE(Has(text, bucket + "\"1e-06\"} 1")) << text;
  EXPECT_TRUE(Has(text, bucket + "\"0.001023\"} 2")) << text;
  EXPECT_TRUE(Has(text, bucket + "\"+Inf\"} 2"));
  EXPECT_TRUE(Has(text, "tollgate_forwarding_seconds_count{processor=\"default\"} 1")) << text;
  EXPECT_TRUE(Has(text, "tollgate_forwarding_seconds_sum{processor=\"default\"} 0.5"));
  EXPECT_TRUE(Has(text, "tollgate_processor_seconds_count{processor=\"default\"} 2"));
  EXPECT_TRUE(Has(text, "tollgate_processor_seconds_sum{processor=\"default\"} 0.001001"));
}

}  // namespace
}  // namespace tollgate::metrics
