#include "config/settings.h"

#include "config/urls.h"
#include "tollgate/http/parser_limits.h"

namespace tollgate::config {
namespace {

using http::ParserLimits;
using ledger::RedisOptions;
using server::ServerOptions;
using upstream::ProcessorOptions;
using namespace std::chrono_literals;  // 25ms and the like

// For the two processors with settings of their own: 0 is "default", 1 is "fallback".
template <typename Parse, typename T>
Apply<Config> AssignToProcessor(size_t index, Parse parse, T ProcessorOptions::*member) {
  return [=](Config& config, const std::string& text) -> Problem {
    while (config.processors.size() <= index) {
      config.processors.push_back(ProcessorWithoutLimits());
      config.processors.back().name = config.processors.size() == 1 ? "default" : "fallback";
    }
    return parse(text, config.processors[index].*member);
  };
}

std::vector<Setting> AddressSettings() {
  return {
      {"server_socket", "", "Unix socket to listen on; empty: TCP, see listen",
       Assign(ReadText, &Config::server_socket)},
      {"listen", "0.0.0.0:9999", "TCP address when server_socket is empty",
       Assign(ReadAddress, &Config::listen)},
  };
}

std::vector<Setting> BooksSettings() {
  return {
      {"redis_socket", "/sockets/redis.sock", "Redis' Unix socket",
       Assign(ReadText, &Config::redis, &RedisOptions::unix_path)},
      {"redis_url", "",
       "redis://[user:password@]host:port/db or unix://path, instead of redis_socket",
       Assign(OrEmpty(ReadRedisUrl), &Config::redis), SettingKind::kSecret},
      {"redis_read_timeout", "5s",
       "bounds every command to Redis; the smallest of the three time-outs counts",
       Assign(Millis(), &Config::redis_read_timeout_ms)},
      {"redis_write_timeout", "5s",
       "bounds every command to Redis; the smallest of the three time-outs counts",
       Assign(Millis(), &Config::redis_write_timeout_ms)},
      {"redis_pool_timeout", "10s",
       "bounds every command to Redis; the smallest of the three time-outs counts",
       Assign(Millis(), &Config::redis_pool_timeout_ms)},
      {"redis_prefix", "tollgate:", "what every key in Redis begins with",
       Assign(ReadText, &Config::redis, &RedisOptions::prefix)},
      {"dedup_window", "24h",
       "how long the id of a booked payment is known at least; never less than a day",
       Assign(Seconds(60s), &Config::redis, &RedisOptions::dedup_window_s)},
      {"books_buckets", "65536",
       "how many buckets hold the ids booked in a dedup_window, from the next one on: a power of "
       "two, about a hundredth of the payments in it",
       Assign(ReadBuckets, &Config::redis, &RedisOptions::buckets)},
      {"takeover_after", "30s",
       "after so long of silence an instance's claims are taken over where clients repeat them",
       Assign(Millis(5s), &Config::takeover_after_ms)},
  };
}

std::vector<Setting> ProcessorSettings() {
  return {
      {"default_url", "http://payment-processor-default:8080", "the processor with the low fee",
       AssignToProcessor(0, ReadProcessorUrl, &ProcessorOptions::url)},
      {"fallback_url", "http://payment-processor-fallback:8080", "the processor with the high fee",
       AssignToProcessor(1, ReadProcessorUrl, &ProcessorOptions::url)},
      {"default_was", "",
       "URLs or identities that the default processor had before, commas between",
       AssignToProcessor(0, ReadList, &ProcessorOptions::was)},
      {"fallback_was", "",
       "URLs or identities that the fallback processor had before, commas between",
       AssignToProcessor(1, ReadList, &ProcessorOptions::was)},
      {"default_fee", "0.05", "the default processor's share of the amount",
       AssignToProcessor(0, Share(), &ProcessorOptions::fee_ppm)},
      {"fallback_fee", "0.15", "the fallback processor's share of the amount",
       AssignToProcessor(1, Share(), &ProcessorOptions::fee_ppm)},
      {"connect_timeout", "1s", "time for a connection to a processor",
       Assign(Millis(1ms, kProcessorTimeoutMax), &Config::connect_timeout_ms)},
      {"answer_timeout", "15s", "time for a processor's answer; longer than any honest delay",
       Assign(Millis(1ms, kProcessorTimeoutMax), &Config::answer_timeout_ms)},
      {"in_flight_max", "350", "payments in flight per processor and instance",
       Assign(Count(1, 20'000), &Config::in_flight_max)},
      {"unresolved_max", "4096",
       "payments of unknown outcome per processor, above which it is passed over",
       Assign(Count(1, 1'000'000), &Config::unresolved_max)},
  };
}

std::vector<Setting> RoutingSettings() {
  return {
      {"max_wait", "20s",
       "the longest that a payment waits for a cheaper processor than one that works",
       Assign(Millis(0ms), &Config::max_wait_ms)},
      {"delay_cost", "0.005", "what a second in flight costs, as a share of the amount",
       Assign(Share(), &Config::delay_cost_ppm_per_s)},
      {"outage_expected", "20s",
       "how long a processor's outage is thought to last before any was seen",
       Assign(Millis(), &Config::outage_expected_ms)},
      {"cutoff", "",
       "what is not booked by then is worth nothing: an RFC 3339 time, or HH:MM in UTC for "
       "every day; empty: never",
       Assign(ReadCutoff, &Config::cutoff)},
      {"audit_lag", "1500ms",
       "auditors compare the books up to so long ago: payments to a processor that takes "
       "longer go in bursts, or elsewhere; 0: nobody does",
       Assign(Millis(0ms), &Config::audit_lag_ms)},
      {"fleet_in_flight_max", "800", "payments in flight per processor, over all live instances",
       Assign(Count(1, 1'000'000), &Config::fleet_in_flight_max)},
      {"probe_interval", "250ms", "time between payments sent to a processor that is passed over",
       Assign(Millis(), &Config::probe_interval_ms)},
      {"health_interval", "5s", "time between calls of service-health, per processor and fleet",
       Assign(Millis(100ms), &Config::health_interval_ms)},
  };
}

std::vector<Setting> TableSettings() {
  return {
      {"data_dir", "",
       "folder of the payment tables; empty: /var/lib/tollgate if writable, else that of "
       "server_socket, else .",
       Assign(ReadText, &Config::data_dir)},
      {"durability", "process", "memory, process or disk",
       Assign(ReadDurability, &Config::durability)},
      {"sync_interval", "1ms", "durability disk: a commit's longest wait",
       Assign(Micros(0us), &Config::sync_interval_us)},
      {"sync_batch_max", "4096", "durability disk: payments that start a commit at once",
       Assign(Count(1, 1'000'000), &Config::sync_batch_max)},
      {"table_slots", "65536", "payments that can be pending",
       Assign(Count(1, 1U << 24U), &Config::table_slots)},
  };
}

std::vector<Setting> DaemonSettings() {
  return {
      {"admin_listen", "", "TCP or Unix address for /metrics and the like; empty: off",
       Assign(ReadAddress, &Config::admin_listen)},
      {"allow_purge", "false", "POST /purge-payments empties the books",
       Assign(ReadSwitch, &Config::allow_purge), SettingKind::kSwitch},
      {"acceptors", "", "threads that take payments; empty: by CPU quota",
       Assign(OrEmpty(Count(1, 256)), &Config::acceptors)},
      {"workers", "", "threads that forward them; empty: by CPU quota",
       Assign(OrEmpty(Count(1, 256)), &Config::workers)},
      {"linger", "25ms", "how long an idle worker waits for more payments to come along",
       Assign(Micros(1us, 1s), &Config::linger_us)},
      {"acceptor_realtime", "true",
       "while workers are busy, acceptors go before all else, where that is allowed",
       Assign(ReadSwitch, &Config::acceptor_realtime)},
      {"drain_timeout", "8s", "time for finishing what is in, on SIGTERM",
       Assign(Millis(0ms), &Config::drain_timeout_ms)},
  };
}

std::vector<Setting> ClientSettings() {
  return {
      {"header_bytes_max", "16384",
       "bytes of a request's header section; of its trailers and of its chunk extensions as well",
       Assign(Count(256, 1 << 20U), &Config::server, &ServerOptions::parser,
              &ParserLimits::header_bytes_max)},
      {"header_lines_max", "100", "lines of a request's header section; of its trailers as well",
       Assign(Count(1, 10'000), &Config::server, &ServerOptions::parser,
              &ParserLimits::header_lines_max)},
      {"body_bytes_max", "65536", "bytes of a request's body, without the framing of chunks",
       Assign(Count(128, 1 << 24U), &Config::server, &ServerOptions::parser,
              &ParserLimits::body_bytes_max)},
      {"client_bytes_max", "",
       "memory for clients, all acceptors together: half for connections, 16 KiB each, half "
       "for half-read requests and unread answers; empty: half of the container's, at most "
       "1 GiB",
       Assign(OrEmpty(Count(1U << 20U, 1UL << 40U)), &Config::client_bytes_max)},
      {"connections_max", "16384",
       "connections per acceptor; fewer where descriptors or client_bytes_max are",
       Assign(Count(1, 1'000'000), &Config::server, &ServerOptions::connections_max)},
      {"pipeline_max", "64", "requests of a connection that are not answered yet",
       Assign(Count(1, 65'536), &Config::server, &ServerOptions::pipeline_max)},
      {"header_timeout", "10s", "time for a request's header section",
       Assign(Millis(), &Config::server, &ServerOptions::header_timeout_ms)},
      {"body_timeout", "10s", "time for a request's body",
       Assign(Millis(), &Config::server, &ServerOptions::body_timeout_ms)},
      {"idle_timeout", "60s", "time that a connection may be idle between requests",
       Assign(Millis(), &Config::server, &ServerOptions::idle_timeout_ms)},
      {"write_timeout", "10s", "time for a client to take its answers",
       Assign(Millis(), &Config::server, &ServerOptions::write_timeout_ms)},
  };
}

Problem NoteNumWorkers(Config& config, const std::string& text) {
  if (!text.empty()) {
    config.notes.push_back(
        "NUM_WORKERS has no effect: IN_FLIGHT_MAX bounds payments in flight, "
        "and WORKERS the threads");
  }
  return std::nullopt;
}

std::vector<Setting> OtherSettings() {
  return {
      {"log_level", "info", "trace, debug, info, warning, error, critical or off",
       Assign(ReadLogLevel, &Config::log_level)},
      {"num_workers", "", "a variable of the original without effect; see in_flight_max",
       NoteNumWorkers},
      {"gomaxprocs", "", "a variable of the original: bounds acceptors plus workers",
       Assign(OrEmpty(Count(1, 1024)), &Config::threads_max)},
  };
}

}  // namespace

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> all;
    for (const auto& group :
         {AddressSettings(), BooksSettings(), ProcessorSettings(), RoutingSettings(),
          TableSettings(), DaemonSettings(), ClientSettings(), OtherSettings()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    return all;
  }();
  return settings;
}

}  // namespace tollgate::config
