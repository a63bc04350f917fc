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
      {"listen", "0.0.0.0:9999", "TCP address to listen on if server_socket is empty",
       Assign(ReadAddress, &Config::listen)},
  };
}

Problem ReadBooks(Config& config, const std::string& text) {
  config.books = text == "file" ? ledger::PlaceKind::kFile : ledger::PlaceKind::kRedis;
  config.books_by_default = text.empty();
  if (text.empty() || text == "file" || text == "redis") return std::nullopt;
  return "must be file or redis";
}

std::vector<Setting> BooksSettings() {
  return {
      {"books", "",
       "where the books are: file (books.db in data_dir, for all gateways of one host) or redis; "
       "empty: redis if server_socket or any redis_ setting is set, else file",
       ReadBooks},
      {"redis_socket", "/sockets/redis.sock", "Redis' Unix socket",
       Assign(ReadText, &Config::redis, &RedisOptions::unix_path)},
      {"redis_url", "",
       "redis://[user:password@]host:port/db or unix://path, instead of redis_socket",
       Assign(OrEmpty(ReadRedisUrl), &Config::redis), SettingKind::kSecret},
      {"redis_read_timeout", "5s",
       "time for a command to Redis; the shortest of redis_read_timeout, redis_write_timeout and "
       "redis_pool_timeout applies",
       Assign(Millis(), &Config::redis_read_timeout_ms)},
      {"redis_write_timeout", "5s",
       "time for a command to Redis; the shortest of redis_read_timeout, redis_write_timeout and "
       "redis_pool_timeout applies",
       Assign(Millis(), &Config::redis_write_timeout_ms)},
      {"redis_pool_timeout", "10s",
       "time for a command to Redis; the shortest of redis_read_timeout, redis_write_timeout and "
       "redis_pool_timeout applies",
       Assign(Millis(), &Config::redis_pool_timeout_ms)},
      {"redis_prefix", "tollgate:", "prefix of every key in Redis",
       Assign(ReadText, &Config::redis, &RedisOptions::prefix)},
      {"dedup_window", "24h",
       "least time that the id of a booked payment stays known; never less than a day",
       Assign(Seconds(60s), &Config::redis, &RedisOptions::dedup_window_s)},
      {"books_buckets", "65536",
       "number of Redis hashes for the ids booked in a dedup_window: a power of two, about a "
       "hundredth of its payments; applies from the next window on",
       Assign(ReadBuckets, &Config::redis, &RedisOptions::buckets)},
      {"takeover_after", "30s",
       "silence after which an instance's claims are taken over when clients repeat the payments",
       Assign(Millis(5s), &Config::takeover_after_ms)},
      {"summary_wait", "100ms",
       "longest time that a summary waits until what was confirmed before is on the books, at all "
       "instances; 0: it does not wait",
       Assign(Millis(0ms, std::chrono::milliseconds(ledger::kSummaryWaitMsMax)), &Config::redis,
              &RedisOptions::summary_wait_ms)},
  };
}

std::vector<Setting> ProcessorSettings() {
  return {
      {"default_url", "http://payment-processor-default:8080",
       "URL of the processor with the low fee",
       AssignToProcessor(0, ReadProcessorUrl, &ProcessorOptions::url)},
      {"fallback_url", "http://payment-processor-fallback:8080",
       "URL of the processor with the high fee",
       AssignToProcessor(1, ReadProcessorUrl, &ProcessorOptions::url)},
      {"default_was", "", "former URLs or identities of the default processor, separated by commas",
       AssignToProcessor(0, ReadList, &ProcessorOptions::was)},
      {"fallback_was", "",
       "former URLs or identities of the fallback processor, separated by commas",
       AssignToProcessor(1, ReadList, &ProcessorOptions::was)},
      {"default_fee", "0.05", "the default processor's share of the amount",
       AssignToProcessor(0, Share(), &ProcessorOptions::fee_ppm)},
      {"fallback_fee", "0.15", "the fallback processor's share of the amount",
       AssignToProcessor(1, Share(), &ProcessorOptions::fee_ppm)},
      {"connect_timeout", "1s", "time for connecting to a processor",
       Assign(Millis(1ms, kProcessorTimeoutMax), &Config::connect_timeout_ms)},
      {"answer_timeout", "15s",
       "time for a processor's answer; set it longer than any normal delay",
       Assign(Millis(1ms, kProcessorTimeoutMax), &Config::answer_timeout_ms)},
      {"in_flight_max", "350", "most payments in flight per processor and instance",
       Assign(Count(1, 20'000), &Config::in_flight_max)},
      {"unresolved_max", "4096",
       "most payments with unknown outcome per processor; above it the processor is passed over",
       Assign(Count(1, 1'000'000), &Config::unresolved_max)},
  };
}

std::vector<Setting> RoutingSettings() {
  return {
      {"max_wait", "20s",
       "longest time that a payment waits for a cheaper processor while another one works",
       Assign(Millis(0ms), &Config::max_wait_ms)},
      {"delay_cost", "0.005", "cost of a second in flight, as a share of the amount",
       Assign(Share(), &Config::delay_cost_ppm_per_s)},
      {"outage_expected", "20s", "expected duration of a processor's outage until one was observed",
       Assign(Millis(), &Config::outage_expected_ms)},
      {"cutoff", "",
       "time after which a payment that is not booked is worth nothing: RFC 3339, or HH:MM in UTC "
       "for every day; empty: never",
       Assign(ReadCutoff, &Config::cutoff)},
      {"audit_lag", "1500ms",
       "auditors compare the books with the processors up to this long ago; payments to a slower "
       "processor go in bursts, or elsewhere; 0: no audits",
       Assign(Millis(0ms), &Config::audit_lag_ms)},
      {"fleet_in_flight_max", "800",
       "most payments in flight per processor, over all live instances",
       Assign(Count(1, 1'000'000), &Config::fleet_in_flight_max)},
      {"probe_interval", "250ms", "time between probes of a processor that is passed over",
       Assign(Millis(), &Config::probe_interval_ms)},
      {"health_interval", "5s", "time between service-health calls of the fleet, per processor",
       Assign(Millis(100ms), &Config::health_interval_ms)},
  };
}

std::vector<Setting> TableSettings() {
  return {
      {"data_dir", "",
       "folder of the payment tables; empty: the first writable one of /var/lib/tollgate, the "
       "folder of server_socket, and .",
       Assign(ReadText, &Config::data_dir)},
      {"durability", "process",
       "memory, process or disk: accepted payments survive nothing, a crash of the process, or a "
       "power loss too",
       Assign(ReadDurability, &Config::durability)},
      {"sync_interval", "1ms", "with durability disk: longest wait of a commit for more payments",
       Assign(Micros(0us), &Config::sync_interval_us)},
      {"sync_batch_max", "4096",
       "with durability disk: number of waiting payments that starts a commit at once",
       Assign(Count(1, 1'000'000), &Config::sync_batch_max)},
      {"table_slots", "65536", "most pending payments: the number of slots of a new table",
       Assign(Count(1, 1U << 24U), &Config::table_slots)},
  };
}

std::vector<Setting> DaemonSettings() {
  return {
      {"admin_listen", "", "TCP or Unix address for /metrics and the like; empty: off",
       Assign(ReadAddress, &Config::admin_listen)},
      {"allow_purge", "false", "allow POST /purge-payments, which empties the books",
       Assign(ReadSwitch, &Config::allow_purge), SettingKind::kSwitch},
      {"acceptors", "", "number of threads that accept payments; empty: by CPU quota",
       Assign(OrEmpty(Count(1, 256)), &Config::acceptors)},
      {"workers", "", "number of threads that forward payments; empty: by CPU quota",
       Assign(OrEmpty(Count(1, 256)), &Config::workers)},
      {"linger", "25ms",
       "longest time that an idle worker waits for more payments before it takes the first",
       Assign(Micros(1us, 1s), &Config::linger_us)},
      {"acceptor_realtime", "true",
       "run acceptors with real-time priority while workers are busy, if the system allows it",
       Assign(ReadSwitch, &Config::acceptor_realtime)},
      {"drain_timeout", "8s", "time for finishing accepted payments on SIGTERM",
       Assign(Millis(0ms), &Config::drain_timeout_ms)},
  };
}

std::vector<Setting> ClientSettings() {
  return {
      {"header_bytes_max", "16384",
       "most bytes of a request's header section; also of its trailers and of its chunk extensions",
       Assign(Count(256, 1 << 20U), &Config::server, &ServerOptions::parser,
              &ParserLimits::header_bytes_max)},
      {"header_lines_max", "100", "most lines of a request's header section; also of its trailers",
       Assign(Count(1, 10'000), &Config::server, &ServerOptions::parser,
              &ParserLimits::header_lines_max)},
      {"body_bytes_max", "65536", "most bytes of a request's body, without the framing of chunks",
       Assign(Count(128, 1 << 24U), &Config::server, &ServerOptions::parser,
              &ParserLimits::body_bytes_max)},
      {"client_bytes_max", "",
       "memory for clients in bytes, over all acceptors: half for connections (16 KiB each), half "
       "for incomplete requests and unsent answers; empty: half of the memory limit, at most "
       "1 GiB",
       Assign(OrEmpty(Count(1U << 20U, 1UL << 40U)), &Config::client_bytes_max)},
      {"connections_max", "16384",
       "most connections per acceptor; fewer if descriptors or client_bytes_max allow fewer",
       Assign(Count(1, 1'000'000), &Config::server, &ServerOptions::connections_max)},
      {"pipeline_max", "64", "most unanswered requests per connection",
       Assign(Count(1, 65'536), &Config::server, &ServerOptions::pipeline_max)},
      {"header_timeout", "10s", "time for a request's header section",
       Assign(Millis(), &Config::server, &ServerOptions::header_timeout_ms)},
      {"body_timeout", "10s", "time for a request's body",
       Assign(Millis(), &Config::server, &ServerOptions::body_timeout_ms)},
      {"idle_timeout", "60s", "time that a connection may be idle between requests",
       Assign(Millis(), &Config::server, &ServerOptions::idle_timeout_ms)},
      {"write_timeout", "10s", "time for a client to read its answers",
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
      {"log_level", "info",
       "least level of log lines: trace, debug, info, warning, error, critical or off",
       Assign(ReadLogLevel, &Config::log_level)},
      {"num_workers", "",
       "setting of the original program, without effect; see in_flight_max and workers",
       NoteNumWorkers},
      {"gomaxprocs", "",
       "setting of the original program: bounds acceptors plus workers; empty: no bound",
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
