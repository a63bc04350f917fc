#include "config/resolve.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "tollgate/base/cpu_quota.h"
#include "tollgate/base/memory_quota.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::config {
namespace {

// Half of the memory limit is for clients. The rest is for payments.
void ResolveClientBytes(Config& config, Value& value) {
  constexpr uint64_t kBytesMax = uint64_t{1} << 30U;
  constexpr uint64_t kBytesMin = uint64_t{1} << 20U;
  if (config.client_bytes_max == 0) {
    config.client_bytes_max = std::clamp(base::MemoryQuota() / 2, kBytesMin, kBytesMax);
  }
  value.text = std::to_string(config.client_bytes_max);
}

bool Writable(const std::string& folder) { return ::access(folder.c_str(), W_OK | X_OK) == 0; }

base::Status ResolveDataDir(Config& config, Value& value) {
  const bool books = config.books == ledger::PlaceKind::kFile;
  if (config.durability == table::Durability::kMemory && !books) return base::OkStatus();
  if (!config.data_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(config.data_dir, error);
    if (Writable(config.data_dir)) return base::OkStatus();
    return base::Error{"data_dir: " + config.data_dir + " from " + value.origin +
                       " is not a folder that can be written to; create it or choose another"};
  }
  std::vector<std::string> candidates{"/var/lib/tollgate"};
  const auto parent = std::filesystem::path(config.server_socket).parent_path().string();
  if (!parent.empty()) candidates.push_back(parent);
  candidates.emplace_back(".");
  for (const std::string& candidate : candidates) {
    if (!Writable(candidate)) continue;
    config.data_dir = value.text = candidate;
    return base::OkStatus();
  }
  return base::Error{
      "data_dir: none of /var/lib/tollgate, the folder of server_socket and . can "
      "be written to; set DATA_DIR to a folder that can"};
}

// The folder of the tables, and of books in a file.
base::Status ResolveFolder(Config& config, Value& data_dir) {
  if (auto status = ResolveDataDir(config, data_dir); !status.ok()) return status;
  config.file.path = config.data_dir + "/" + std::string(ledger::kBooksFileName);
  config.file.sync_always = config.durability == table::Durability::kDisk;
  config.file.dedup_window_s = config.redis.dedup_window_s;
  config.file.summary_wait_ms = config.redis.summary_wait_ms;
  return base::OkStatus();
}

// A number that is not given follows the CPU quota, within threads_max. There is always one of
// each.
base::Status ResolveThreads(Config& config, Values& values) {
  const auto cores = static_cast<size_t>(std::max(1.0, base::CpuQuota()));
  const size_t share = std::max<size_t>(1, cores / 2);
  const size_t most = config.threads_max == 0 ? SIZE_MAX : std::max<size_t>(config.threads_max, 2);
  const auto rest = [&](size_t taken) {
    return taken + 1 >= most ? 1 : std::min(share, most - taken);
  };
  if (config.acceptors == 0) {
    config.acceptors = config.workers == 0 ? std::min(share, most / 2) : rest(config.workers);
  }
  if (config.workers == 0) config.workers = rest(config.acceptors);
  if (config.acceptors + config.workers > most) {
    return base::Error{"acceptors and workers are " + std::to_string(config.acceptors) + " and " +
                       std::to_string(config.workers) + ", more together than gomaxprocs " +
                       std::to_string(config.threads_max) + " from " + values["gomaxprocs"].origin +
                       " allows; lower them, or unset GOMAXPROCS"};
  }
  values["acceptors"].text = std::to_string(config.acceptors);
  values["workers"].text = std::to_string(config.workers);
  return base::OkStatus();
}

base::Status TakeFileProcessors(Config& config, const Values& values, const ConfigFile& file) {
  if (file.processors.empty()) return base::OkStatus();
  for (const char* name : {"default_url", "fallback_url", "default_was", "fallback_was",
                           "default_fee", "fallback_fee"}) {
    const Value& value = values.at(name);
    if (value.source == Source::kDefault) continue;
    return base::Error{std::string(name) + " is set by " + value.origin + ", and " + file.path +
                       " lists [[processors]], which take its place; give one of them"};
  }
  config.processors = file.processors;
  return base::OkStatus();
}

void SetGeneralLimits(const Config& config, upstream::ProcessorOptions& processor) {
  if (processor.in_flight_max == 0) processor.in_flight_max = config.in_flight_max;
  if (processor.connect_timeout_ms == 0) processor.connect_timeout_ms = config.connect_timeout_ms;
  if (processor.answer_timeout_ms == 0) processor.answer_timeout_ms = config.answer_timeout_ms;
}

base::Status CheckProcessors(const Config& config) {
  std::set<std::string> names;
  for (const auto& processor : config.processors) {
    if (!payments::IsProcessorName(processor.name)) {
      return base::Error{
          "processors: a name has 1 to 31 bytes, without control characters, quotes and \\"};
    }
    if (!names.insert(processor.name).second) {
      return base::Error{"processors: two are named " + processor.name + "; give each its own"};
    }
    if (processor.answer_timeout_ms < processor.connect_timeout_ms) {
      return base::Error{"processor " + processor.name +
                         ": answer_timeout is shorter than connect_timeout; make it longer"};
    }
  }
  if (config.processors.size() > payments::kProcessorsMax) {
    return base::Error{"processors: at most " + std::to_string(payments::kProcessorsMax)};
  }
  return base::OkStatus();
}

}  // namespace

base::Status ResolveProcessors(Config& config, const Values& values, const ConfigFile& file) {
  if (auto status = TakeFileProcessors(config, values, file); !status.ok()) return status;
  for (auto& processor : config.processors) SetGeneralLimits(config, processor);
  return CheckProcessors(config);
}

void ResolveBooks(Config& config, Values& values) {
  Value& books = values["books"];
  const Value* of_redis = nullptr;
  for (const auto& [name, value] : values) {
    const bool says_redis = name == "server_socket" || name.starts_with("redis_");
    if (says_redis && value.source != Source::kDefault) of_redis = &value;
  }
  if (config.books_by_default) {
    config.books = of_redis != nullptr ? ledger::PlaceKind::kRedis : ledger::PlaceKind::kFile;
    books.text = of_redis != nullptr ? "redis" : "file";
    books.origin =
        of_redis != nullptr ? "as " + of_redis->origin + " is set" : "as nothing is set for Redis";
  } else if (config.books == ledger::PlaceKind::kFile && of_redis != nullptr) {
    config.notes.push_back(books.origin + " is file, so the settings of Redis have no effect");
  }
}

base::Status ResolveBooksFile(Config& config, Values& values) {
  if (auto status = ResolveFolder(config, values["data_dir"]); !status.ok()) return status;
  if (::access(config.file.path.c_str(), F_OK) == 0) return base::OkStatus();
  return base::Error{"there are no books in the file " + config.file.path +
                     ": set DATA_DIR to that of the gateways, or REDIS_SOCKET or REDIS_URL if "
                     "their books are in Redis"};
}

base::Status ResolveDaemon(Config& config, Values& values) {
  if (auto status = ResolveFolder(config, values["data_dir"]); !status.ok()) return status;
  if (auto status = ResolveThreads(config, values); !status.ok()) return status;
  ResolveClientBytes(config, values["client_bytes_max"]);
  return base::OkStatus();
}

}  // namespace tollgate::config
