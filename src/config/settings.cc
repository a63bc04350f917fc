#include "config/settings.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "config/setting_texts.h"
#include "config/urls.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/duration.h"
#include "tollgate/base/logging.h"
#include "tollgate/http/parser_limits.h"
#include "tollgate/net/address.h"

namespace tollgate::config {
namespace {

Problem ToCount(const std::string& text, size_t least, size_t most, size_t& out) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  }
  out = number;
  return std::nullopt;
}

Problem ToBuckets(const std::string& text, size_t& out) {
  size_t buckets = 0;
  Problem problem = ToCount(text, ledger::kBucketsMin, ledger::kBucketsMax, buckets);
  if (!problem && !std::has_single_bit(buckets)) problem = "must be a power of two, such as 65536";
  if (!problem) out = buckets;
  return problem;
}

// To milliseconds, or to microseconds for `unit_ns` 1000.
Problem ToTime(const std::string& text, int64_t& out, int64_t least = 1,
               int64_t unit_ns = base::kNanosPerMilli) {
  const auto nanos = base::ParseDuration(text);
  if (!nanos.ok()) return nanos.error().message;
  if (nanos.value() < least * unit_ns) {
    return "must be at least " + base::FormatDuration(least * unit_ns);
  }
  if (nanos.value() > base::kDurationSettingNsMax) {
    return "must be at most " + base::FormatDuration(base::kDurationSettingNsMax);
  }
  out = nanos.value() / unit_ns;
  return std::nullopt;
}

Problem ToGather(const std::string& text, int64_t& out_us) {
  Problem problem = ToTime(text, out_us, 1, base::kNanosPerMicro);
  if (!problem && out_us > 1'000'000) problem = "must be at most 1s";
  return problem;
}

Problem ToSwitch(const std::string& text, bool& out) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") {
    out = true;
  } else if (text == "false" || text == "0" || text == "no" || text == "off") {
    out = false;
  } else {
    return "must be true or false";
  }
  return std::nullopt;
}

Problem ToAddress(const std::string& text, std::string& out) {
  if (!text.empty()) {
    const auto address = net::ParseAddress(text);
    if (!address.ok()) return address.error().message;
  }
  out = text;
  return std::nullopt;
}

upstream::ProcessorOptions& Processor(Config& config, size_t index) {
  while (config.processors.size() <= index) {
    config.processors.push_back(Unset());
    config.processors.back().name = config.processors.size() == 1 ? "default" : "fallback";
  }
  return config.processors[index];
}

Problem ToShare(const std::string& text, int64_t& share_ppm) {
  double share = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc{} || end != text.data() + text.size() || !(share >= 0 && share <= 1)) {
    return "must be a share of the amount from 0 to 1, such as 0.05";
  }
  share_ppm = std::llround(share * 1e6);
  return std::nullopt;
}

// A time limit that libcurl is given, in milliseconds that fit 32 bits.
Problem ToProcessorTime(const std::string& text, int64_t& out_ms) {
  int64_t ms = 0;
  Problem problem = ToTime(text, ms);
  if (!problem && ms > kProcessorTimeoutMsMax) {
    problem =
        "must be at most " + base::FormatDuration(kProcessorTimeoutMsMax * base::kNanosPerMilli);
  }
  if (!problem) out_ms = ms;
  return problem;
}

// A time-out that bounds every command; the three of the original bound it together.
Problem ToRedisTimeout(const std::string& text, Config& config) {
  int64_t ms = 0;
  Problem problem = ToTime(text, ms);
  if (!problem) config.redis.command_timeout_ms = std::min(config.redis.command_timeout_ms, ms);
  return problem;
}

}  // namespace

const std::vector<Setting>& Settings() {
  using C = Config&;
  using T = const std::string&;
  static const std::vector<Setting> settings{
      {.name = "server_socket",
       .fallback = "",
       .help = "Unix socket to listen on; empty: TCP, see listen",
       .apply = [](C c, T t) -> Problem {
         c.server_socket = t;
         return {};
       }},
      {.name = "listen",
       .fallback = "0.0.0.0:9999",
       .help = "TCP address when server_socket is empty",
       .apply = [](C c, T t) { return ToAddress(t, c.listen); }},
      {.name = "redis_socket",
       .fallback = "/sockets/redis.sock",
       .help = "Redis' Unix socket",
       .apply = [](C c, T t) -> Problem {
         c.redis.unix_path = t;
         return {};
       }},
      {.name = "redis_url",
       .fallback = "",
       .help = "redis://[user:password@]host:port/db or unix://path, instead of redis_socket",
       .is_secret = true,
       .apply = [](C c, T t) { return t.empty() ? Problem{} : ReadRedisUrl(t, c.redis); }},
      {.name = "redis_read_timeout",
       .fallback = "5s",
       .help = "bounds every command to Redis",
       .apply = [](C c, T t) { return ToRedisTimeout(t, c); }},
      {.name = "redis_write_timeout",
       .fallback = "5s",
       .help = "likewise",
       .apply = [](C c, T t) { return ToRedisTimeout(t, c); }},
      {.name = "redis_pool_timeout",
       .fallback = "10s",
       .help = "likewise",
       .apply = [](C c, T t) { return ToRedisTimeout(t, c); }},
      {.name = "redis_prefix",
       .fallback = "tollgate:",
       .help = "of every key in Redis",
       .apply = [](C c, T t) -> Problem {
         c.redis.prefix = t;
         return {};
       }},
      {.name = "dedup_horizon",
       .fallback = "24h",
       .help = "how long a booked id is known, at least; never less than a day",
       .apply = [](C c, T t) { return ToTime(t, c.redis.horizon_s, 60, base::kNanosPerSecond); }},
      {.name = "books_buckets",
       .fallback = "65536",
       .help = "in which booked ids are kept for a horizon, from the next one on: a power of two, "
               "about a hundredth of the payments of a horizon",
       .apply = [](C c, T t) { return ToBuckets(t, c.redis.buckets); }},
      {.name = "takeover_after",
       .fallback = "30s",
       .help = "what an instance silent for so long had is taken over on a repeat",
       .apply = [](C c, T t) { return ToTime(t, c.takeover_after_ms, 5'000); }},
      {.name = "default_url",
       .fallback = "http://payment-processor-default:8080",
       .help = "the processor with the low fee",
       .apply = [](C c, T t) { return ReadProcessorUrl(t, Processor(c, 0).url); }},
      {.name = "fallback_url",
       .fallback = "http://payment-processor-fallback:8080",
       .help = "the dearer one",
       .apply = [](C c, T t) { return ReadProcessorUrl(t, Processor(c, 1).url); }},
      {.name = "default_was",
       .fallback = "",
       .help = "URLs or identities that it had before, commas between: it is the same processor",
       .apply = [](C c, T t) { return ToList(t, Processor(c, 0).was); }},
      {.name = "fallback_was",
       .fallback = "",
       .help = "likewise",
       .apply = [](C c, T t) { return ToList(t, Processor(c, 1).was); }},
      {.name = "default_fee",
       .fallback = "0.05",
       .help = "share of the amount",
       .apply = [](C c, T t) { return ToShare(t, Processor(c, 0).fee_ppm); }},
      {.name = "fallback_fee",
       .fallback = "0.15",
       .help = "share of the amount",
       .apply = [](C c, T t) { return ToShare(t, Processor(c, 1).fee_ppm); }},
      {.name = "connect_timeout",
       .fallback = "1s",
       .help = "for a connection to a processor",
       .apply = [](C c, T t) { return ToProcessorTime(t, c.connect_timeout_ms); }},
      {.name = "answer_timeout",
       .fallback = "15s",
       .help = "for a processor's answer; longer than any honest delay",
       .apply = [](C c, T t) { return ToProcessorTime(t, c.answer_timeout_ms); }},
      {.name = "in_flight_max",
       .fallback = "350",
       .help = "payments in flight per processor and instance",
       .apply = [](C c, T t) { return ToCount(t, 1, 20'000, c.in_flight_max); }},
      {.name = "unresolved_max",
       .fallback = "4096",
       .help = "payments of unknown outcome per processor, above which it is passed over",
       .apply = [](C c, T t) { return ToCount(t, 1, 1'000'000, c.unresolved_max); }},
      {.name = "max_wait",
       .fallback = "20s",
       .help = "the longest that a payment waits for a cheaper processor than one that works",
       .apply = [](C c, T t) { return ToTime(t, c.max_wait_ms, 0); }},
      {.name = "delay_cost",
       .fallback = "0.005",
       .help = "what a second in flight costs, as a share of the amount",
       .apply = [](C c, T t) { return ToShare(t, c.delay_cost_ppm_per_s); }},
      {.name = "outage_expected",
       .fallback = "20s",
       .help = "how long a processor's outage is thought to last before any was seen",
       .apply = [](C c, T t) { return ToTime(t, c.outage_expected_ms); }},
      {.name = "horizon",
       .fallback = "",
       .help = "what is not booked by then is worth nothing: an RFC 3339 time, or HH:MM in UTC for "
               "every day; empty: never",
       .apply = [](C c, T t) { return ToCutoff(t, c.horizon); }},
      {.name = "audit_lag",
       .fallback = "1500ms",
       .help = "auditors compare the books up to so long ago: payments to a processor that takes "
               "longer go in bursts, or elsewhere; 0: nobody does",
       .apply = [](C c, T t) { return ToTime(t, c.audit_lag_ms, 0); }},
      {.name = "fleet_in_flight_max",
       .fallback = "800",
       .help = "payments in flight per processor, over all live instances",
       .apply = [](C c, T t) { return ToCount(t, 1, 1'000'000, c.fleet_in_flight_max); }},
      {.name = "probe_interval",
       .fallback = "250ms",
       .help = "between payments sent to a processor that is passed over",
       .apply = [](C c, T t) { return ToTime(t, c.probe_interval_ms); }},
      {.name = "health_interval",
       .fallback = "5s",
       .help = "between calls of service-health, per processor and fleet",
       .apply = [](C c, T t) { return ToTime(t, c.health_interval_ms, 100); }},
      {.name = "data_dir",
       .fallback = "",
       .help = "folder of the payment tables; empty: /var/lib/tollgate if writable, else that of "
               "server_socket, else .",
       .apply = [](C c, T t) -> Problem {
         c.data_dir = t;
         return {};
       }},
      {.name = "durability",
       .fallback = "process",
       .help = "memory, process or disk",
       .apply = [](C c, T t) { return ToDurability(t, c); }},
      {.name = "sync_interval",
       .fallback = "1ms",
       .help = "durability disk: a commit's longest wait",
       .apply = [](C c, T t) { return ToTime(t, c.sync_interval_us, 0, 1000); }},
      {.name = "sync_batch_max",
       .fallback = "4096",
       .help = "durability disk: payments that start a commit at once",
       .apply = [](C c, T t) { return ToCount(t, 1, 1'000'000, c.sync_batch_max); }},
      {.name = "table_slots",
       .fallback = "65536",
       .help = "payments that can be pending",
       .apply = [](C c, T t) { return ToCount(t, 1, 1U << 24U, c.table_slots); }},
      {.name = "admin_listen",
       .fallback = "",
       .help = "TCP or Unix address for /metrics and the like; empty: off",
       .apply = [](C c, T t) { return ToAddress(t, c.admin_listen); }},
      {.name = "allow_purge",
       .fallback = "false",
       .help = "POST /purge-payments empties the books",
       .is_switch = true,
       .apply = [](C c, T t) { return ToSwitch(t, c.allow_purge); }},
      {.name = "acceptors",
       .fallback = "",
       .help = "threads that take payments; empty: by CPU quota",
       .apply = [](C c, T t) { return t.empty() ? Problem{} : ToCount(t, 1, 256, c.acceptors); }},
      {.name = "workers",
       .fallback = "",
       .help = "threads that forward them; empty: by CPU quota",
       .apply = [](C c, T t) { return t.empty() ? Problem{} : ToCount(t, 1, 256, c.workers); }},
      {.name = "gather",
       .fallback = "25ms",
       .help = "an idle worker waits so long for more payments to come along",
       .apply = [](C c, T t) { return ToGather(t, c.gather_us); }},
      {.name = "acceptor_realtime",
       .fallback = "true",
       .help = "while workers are busy, acceptors go before all else, where that is allowed",
       .apply = [](C c, T t) { return ToSwitch(t, c.acceptor_realtime); }},
      {.name = "drain_timeout",
       .fallback = "8s",
       .help = "for finishing what is in, on SIGTERM",
       .apply = [](C c, T t) { return ToTime(t, c.drain_timeout_ms, 0); }},
      {.name = "header_bytes_max",
       .fallback = "16384",
       .help =
           "of a request's header section; likewise of its trailers and of its chunk extensions",
       .apply = [](C c,
                   T t) { return ToCount(t, 256, 1 << 20U, c.server.parser.header_bytes_max); }},
      {.name = "header_lines_max",
       .fallback = "100",
       .help = "likewise",
       .apply = [](C c, T t) { return ToCount(t, 1, 10'000, c.server.parser.header_lines_max); }},
      {.name = "body_bytes_max",
       .fallback = "65536",
       .help = "of a request's body, without the framing of chunks",
       .apply = [](C c, T t) { return ToCount(t, 128, 1 << 24U, c.server.parser.body_bytes_max); }},
      {.name = "client_bytes_max",
       .fallback = "",
       .help =
           "memory for clients, all acceptors together: half for connections, 16 KiB each, half "
           "for half-read requests and unread answers; empty: half of the container's, at most "
           "1 GiB",
       .apply =
           [](C c, T t) {
             return t.empty() ? Problem{} : ToCount(t, 1U << 20U, 1UL << 40U, c.client_bytes_max);
           }},
      {.name = "connections_max",
       .fallback = "16384",
       .help = "per acceptor; fewer where descriptors or client_bytes_max are",
       .apply = [](C c, T t) { return ToCount(t, 1, 1'000'000, c.server.connections_max); }},
      {.name = "pipeline_max",
       .fallback = "64",
       .help = "requests of a connection not yet answered",
       .apply = [](C c, T t) { return ToCount(t, 1, 65'536, c.server.pipeline_max); }},
      {.name = "header_timeout",
       .fallback = "10s",
       .help = "for a header section",
       .apply = [](C c, T t) { return ToTime(t, c.server.header_timeout_ms); }},
      {.name = "body_timeout",
       .fallback = "10s",
       .help = "for a body",
       .apply = [](C c, T t) { return ToTime(t, c.server.body_timeout_ms); }},
      {.name = "idle_timeout",
       .fallback = "60s",
       .help = "of a connection between requests",
       .apply = [](C c, T t) { return ToTime(t, c.server.idle_timeout_ms); }},
      {.name = "write_timeout",
       .fallback = "10s",
       .help = "for a client to take its answers",
       .apply = [](C c, T t) { return ToTime(t, c.server.write_timeout_ms); }},
      {.name = "log_level",
       .fallback = "info",
       .help = "trace, debug, info, warning, error, critical or off",
       .apply = [](C c, T t) -> Problem {
         if (!base::IsLogLevel(t))
           return "must be trace, debug, info, warning, error, critical or off";
         c.log_level = t;
         return {};
       }},
      {.name = "num_workers",
       .fallback = "",
       .help = "of the original; no effect, see in_flight_max",
       .apply = [](C c, T t) -> Problem {
         if (!t.empty()) {
           c.notes.push_back(
               "NUM_WORKERS has no effect: IN_FLIGHT_MAX bounds payments in flight, "
               "and WORKERS the threads");
         }
         return {};
       }},
      {.name = "gomaxprocs",
       .fallback = "",
       .help = "of the original; bounds acceptors plus workers",
       .apply = [](C c,
                   T t) { return t.empty() ? Problem{} : ToCount(t, 1, 1024, c.threads_max); }},
  };
  return settings;
}

}  // namespace tollgate::config
