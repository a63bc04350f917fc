#include "tollgate/config/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

#include "config/config_file.h"
#include "config/reconcile_flags.h"
#include "config/settings.h"
#include "config/urls.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/cpu_quota.h"
#include "tollgate/base/duration.h"
#include "tollgate/base/memory_quota.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::config {
namespace {

constexpr const char* kVersion = TOLLGATE_VERSION;

struct Value {
  std::string text;
  std::string source;  // for people: "--data-dir", "DATA_DIR (environment)", …
  bool is_default = true;
};
using Values = std::map<std::string, Value>;

base::Error Wrong(const Setting& setting, const Value& value, const std::string& problem) {
  const std::string shown = setting.is_secret ? "(hidden)" : "'" + WithoutSecrets(value.text) + "'";
  return base::Error{std::string(setting.name) + ": " + shown + " from " + value.source + " " +
                     problem};
}

// CLI11 reads the flags; where a value comes from in the end is decided in one place, Merge.
struct Flags {
  CLI::App app{
      "Tollgate takes payments, has each charged exactly once by the cheapest processor "
      "that works, and accounts for every cent.",
      "tollgate"};
  std::map<std::string, std::string> given;  // by setting
  std::string config_path;
  bool version = false;
  bool check = false;
  bool json = false;
  CLI::App* health = nullptr;
  CLI::App* pending = nullptr;
  CLI::App* reconcile = nullptr;
  CLI::App* books = nullptr;
  CLI::App* accept_loss = nullptr;
  ReconcileFlags reconcile_flags;

  Flags() {
    app.fallthrough();
    app.allow_extras();
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_flag("--version", version, "print the version");
    app.add_flag("--check-config", check, "print every setting and where it comes from");
    app.add_option("--config", config_path, "a TOML file (or CONFIG)");
    for (const Setting& setting : Settings()) {
      const auto keep = [this, name = std::string(setting.name)](const std::string& text) {
        given[name] = text;
      };
      std::string help = std::string(setting.help) + " (" + VariableOf(setting);
      if (*setting.fallback != '\0') help += ", default " + std::string(setting.fallback);
      auto* const option = app.add_option_function<std::string>(FlagOf(setting), keep, help + ")");
      if (setting.is_switch) option->expected(0, 1)->default_str("true");
    }
    health = app.add_subcommand("health", "ask the running instance whether it is ready");
    books = app.add_subcommand("books", "act on the books: `books accept-loss`");
    accept_loss = books->add_subcommand(
        "accept-loss", "use books that have lost payments as they are; reconcile them before");
    books->require_subcommand(1);
    pending = app.add_subcommand("pending", "list what the tables in data_dir hold");
    pending->add_flag("--json", json, "as JSON, one line per payment");
    reconcile = app.add_subcommand(
        "reconcile",
        "hold the books against what the processors hold; --repair books what they "
        "lack");
    AddReconcileFlags(*reconcile, reconcile_flags);
  }
};

std::vector<std::string> AllArguments(const Flags& flags) {
  std::vector<std::string> names;
  for (const CLI::App* app :
       {static_cast<const CLI::App*>(&flags.app), static_cast<const CLI::App*>(flags.reconcile)}) {
    for (const CLI::Option* option : app->get_options()) names.push_back(option->get_name());
  }
  for (const CLI::App* command : flags.app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::optional<base::Error> ParseFlags(Flags& flags, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    flags.app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return base::Error{"", 0};  // --help
    return base::Error{std::string(error.what()) + "; see tollgate --help"};
  }
  for (CLI::App* app : {&flags.app, flags.health, flags.pending, flags.reconcile}) {
    for (const std::string& extra : app->remaining()) {
      const std::string near = Nearest(extra.substr(0, extra.find('=')), AllArguments(flags));
      return base::Error{"unknown argument " + extra +
                         (near.empty() ? "; see tollgate --help" : "; did you mean " + near + "?")};
    }
  }
  return std::nullopt;
}

// Flags win over environment over file over default.
Values Merge(const Flags& flags, const Environment& environment, const ConfigFile& file) {
  Values values;
  for (const Setting& setting : Settings()) {
    const std::string name = setting.name;
    if (const auto flag = flags.given.find(name); flag != flags.given.end()) {
      values[name] = {flag->second, "flag " + FlagOf(setting), false};
    } else if (const auto variable = environment(VariableOf(setting))) {
      values[name] = {*variable, "environment " + VariableOf(setting), false};
    } else if (const auto entry = file.values.find(name); entry != file.values.end()) {
      values[name] = {entry->second, "file " + file.path, false};
    } else {
      values[name] = {setting.fallback, "default", true};
    }
  }
  // Of the two ways to name Redis the more strongly given one counts; from one source it is a
  // contradiction, reported by Check.
  return values;
}

int Strength(const Value& value) {
  if (value.is_default) return 0;
  return value.source.starts_with("flag") ? 3 : value.source.starts_with("environment") ? 2 : 1;
}

std::optional<base::Error> SettleRedis(Values& values) {
  Value& url = values["redis_url"];
  const Value& socket = values["redis_socket"];
  if (url.text.empty()) return std::nullopt;
  if (Strength(socket) == Strength(url)) {
    return base::Error{"redis_url and redis_socket are both set by " + url.source + " and " +
                       socket.source + "; give one of them"};
  }
  if (Strength(socket) > Strength(url)) url.text.clear();
  return std::nullopt;
}

// Half of what the container may use is for clients; the rest is for the payments.
void ResolveClientBytes(Config& config, Value& value) {
  constexpr uint64_t kBytesMax = uint64_t{1} << 30U;
  constexpr uint64_t kBytesMin = uint64_t{1} << 20U;
  if (config.client_bytes_max == 0) {
    config.client_bytes_max = std::clamp(base::MemoryQuota() / 2, kBytesMin, kBytesMax);
  }
  value.text = std::to_string(config.client_bytes_max);
}

bool Writable(const std::string& folder) { return ::access(folder.c_str(), W_OK | X_OK) == 0; }

std::optional<base::Error> ResolveDataDir(Config& config, Value& value) {
  if (config.durability == table::Durability::kMemory) return std::nullopt;
  if (!config.data_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(config.data_dir, error);
    if (Writable(config.data_dir)) return std::nullopt;
    return base::Error{"data_dir: " + config.data_dir + " from " + value.source +
                       " is not a folder that can be written to; create it or choose another"};
  }
  std::vector<std::string> candidates{"/var/lib/tollgate"};
  const auto parent = std::filesystem::path(config.server_socket).parent_path().string();
  if (!parent.empty()) candidates.push_back(parent);
  candidates.emplace_back(".");
  for (const std::string& candidate : candidates) {
    if (!Writable(candidate)) continue;
    config.data_dir = value.text = candidate;
    return std::nullopt;
  }
  return base::Error{
      "data_dir: none of /var/lib/tollgate, the folder of server_socket and . can "
      "be written to; set DATA_DIR to a folder that can"};
}

// What is not given follows the CPU quota, within the bound; there is always one of each.
std::optional<base::Error> ResolveThreads(Config& config, Values& values) {
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
                       std::to_string(config.threads_max) + " from " + values["gomaxprocs"].source +
                       " allows; lower them, or unset GOMAXPROCS"};
  }
  values["acceptors"].text = std::to_string(config.acceptors);
  values["workers"].text = std::to_string(config.workers);
  return std::nullopt;
}

// The two processors that have settings of their own, or those of the file: never some of each.
std::optional<base::Error> TakeFileProcessors(Config& config, const Values& values,
                                              const ConfigFile& file) {
  if (file.processors.empty()) return std::nullopt;
  for (const char* name : {"default_url", "fallback_url", "default_was", "fallback_was",
                           "default_fee", "fallback_fee"}) {
    const Value& value = values.at(name);
    if (value.is_default) continue;
    return base::Error{std::string(name) + " is set by " + value.source + ", and " + file.path +
                       " lists [[processors]], which take its place; give one of them"};
  }
  config.processors = file.processors;
  return std::nullopt;
}

std::optional<base::Error> CheckProcessors(Config& config) {
  std::set<std::string> names;
  for (auto& processor : config.processors) {
    if (processor.in_flight_max == 0) processor.in_flight_max = config.in_flight_max;
    if (processor.connect_timeout_ms == 0) processor.connect_timeout_ms = config.connect_timeout_ms;
    if (processor.answer_timeout_ms == 0) processor.answer_timeout_ms = config.answer_timeout_ms;
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
  return std::nullopt;
}

std::string Millis(int64_t ms) { return base::FormatDuration(ms * base::kNanosPerMilli); }

void DescribeProcessor(std::ostream& text, const upstream::ProcessorOptions& processor) {
  text << "  " << std::setw(20) << processor.name << std::setw(44) << WithoutSecrets(processor.url)
       << "fee " << static_cast<double>(processor.fee_ppm) / 1e6 << ", in flight at most "
       << processor.in_flight_max << ", connect within " << Millis(processor.connect_timeout_ms)
       << ", answer within " << Millis(processor.answer_timeout_ms) << '\n';
  if (!processor.identity.empty()) {
    text << std::setw(22) << ""
         << "identity " << WithoutSecrets(processor.identity) << '\n';
  }
  for (const std::string& former : processor.was) {
    text << std::setw(22) << ""
         << "was " << WithoutSecrets(former) << '\n';
  }
  if (!processor.ca_file.empty())
    text << std::setw(22) << ""
         << "ca_file " << processor.ca_file << '\n';
  // Their values may be keys.
  for (const std::string& header : processor.headers) {
    text << std::setw(22) << ""
         << "header " << header.substr(0, header.find(':')) << ": (hidden)\n";
  }
}

std::string Describe(const Values& values, const Config& config) {
  std::ostringstream text;
  text << std::left;
  for (const Setting& setting : Settings()) {
    const Value& value = values.at(setting.name);
    const std::string shown = value.text.empty()  ? "-"
                              : setting.is_secret ? "(hidden)"
                                                  : WithoutSecrets(value.text);
    text << std::setw(22) << setting.name << std::setw(44) << shown << value.source << '\n';
  }
  text << "\nprocessors\n";
  for (const auto& processor : config.processors) DescribeProcessor(text, processor);
  return text.str();
}

}  // namespace

base::Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                           const Environment& environment) {
  Flags flags;
  CommandLine line;
  if (const auto error = ParseFlags(flags, arguments)) {
    if (!error->message.empty()) return *error;
    line.command = Command::kHelp;
    line.text = flags.app.help();  // that of the command given, if one is
    return line;
  }
  if (flags.version) {
    line.command = Command::kVersion;
    line.text = std::string("tollgate ") + kVersion + "\n";
    return line;
  }
  ConfigFile file;
  if (flags.config_path.empty()) flags.config_path = environment("CONFIG").value_or("");
  if (!flags.config_path.empty()) {
    auto read = ReadConfigFile(flags.config_path);
    if (!read.ok()) return read.error();
    file = std::move(read).value();
  }
  Values values = Merge(flags, environment, file);
  if (const auto error = SettleRedis(values)) return *error;
  Config& config = line.config;
  config.redis.command_timeout_ms = INT64_MAX / base::kNanosPerSecond;
  for (const Setting& setting : Settings()) {
    const Value& value = values[setting.name];
    if (const auto problem = setting.apply(config, value.text)) {
      return Wrong(setting, value, *problem);
    }
  }
  if (const auto error = TakeFileProcessors(config, values, file)) return *error;
  if (const auto error = CheckProcessors(config)) return *error;
  if (flags.reconcile->parsed()) {
    auto reconcile = ReadReconcileFlags(flags.reconcile_flags, environment, config.processors);
    if (!reconcile.ok()) return reconcile.error();
    line.command = Command::kReconcile;
    line.reconcile = std::move(reconcile).value();
    return line;  // it needs neither tables nor threads
  }
  if (flags.accept_loss->parsed()) {
    line.command = Command::kAcceptLoss;
    return line;
  }
  if (const auto error = ResolveDataDir(config, values["data_dir"])) return *error;
  if (const auto error = ResolveThreads(config, values)) return *error;
  ResolveClientBytes(config, values["client_bytes_max"]);

  line.json = flags.json;
  if (flags.check) {
    line.command = Command::kCheckConfig;
    line.text = Describe(values, config);
  } else if (flags.health->parsed()) {
    line.command = Command::kHealth;
  } else if (flags.pending->parsed()) {
    line.command = Command::kPending;
  }
  return line;
}

}  // namespace tollgate::config
