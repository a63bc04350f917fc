#include "tollgate/config/command_line.h"

#include <utility>

#include "config/config_file.h"
#include "config/flags.h"
#include "config/resolve.h"
#include "config/values.h"

namespace tollgate::config {
namespace {

constexpr const char* kVersion = TOLLGATE_VERSION;

base::Result<ConfigFile> ReadFile(const std::string& flag, const Environment& environment) {
  const std::string path = flag.empty() ? environment("CONFIG").value_or("") : flag;
  return path.empty() ? ConfigFile{} : ReadConfigFile(path);
}

base::Status ReadLocations(const BooksFlags& flags, CommandLine& line) {
  auto from = ReadLocation("--from", flags.copy_from, line.config.redis);
  if (!from.ok()) return from.error();
  auto to = ReadLocation("--to", flags.copy_to, line.config.redis);
  if (!to.ok()) return to.error();
  line.copy_from = std::move(from).value();
  line.copy_to = std::move(to).value();
  return base::OkStatus();
}

// These commands need neither tables nor threads.
bool NeedsOnlyBooks(Command command) {
  return command == Command::kReconcile || command == Command::kAcceptLoss ||
         command == Command::kExport || command == Command::kBackUp;
}

// Reads the settings that `line.command` needs.
base::Status ReadSettings(const Flags& flags, const Environment& environment, CommandLine& line) {
  const auto file = ReadFile(flags.config_path(), environment);
  if (!file.ok()) return file.error();
  Values values = Merge(flags.given(), environment, file.value());
  if (auto status = SettleRedis(values); !status.ok()) return status;
  auto config = ApplyValues(values);
  if (!config.ok()) return config.error();
  line.config = std::move(config).value();
  if (auto status = ResolveProcessors(line.config, values, file.value()); !status.ok()) {
    return status;
  }
  if (line.command == Command::kReconcile) {
    auto reconcile = ReadReconcileFlags(flags.reconcile(), environment, line.config.processors);
    if (!reconcile.ok()) return reconcile.error();
    line.reconcile = std::move(reconcile).value();
  }
  if (line.command == Command::kExport) {
    auto options = ReadExportFlags(flags.export_flags());
    if (!options.ok()) return options.error();
    line.export_options = options.value();
  }
  line.backup_file = flags.books().backup_file;
  if (line.command == Command::kCopyBooks) return ReadLocations(flags.books(), line);
  ResolveBooks(line.config, values);
  if (NeedsOnlyBooks(line.command)) {
    if (line.config.books == ledger::PlaceKind::kRedis) return base::OkStatus();
    return ResolveBooksFile(line.config, values);
  }
  if (auto status = ResolveDaemon(line.config, values); !status.ok()) return status;
  if (line.command == Command::kCheckConfig) line.text = Describe(values, line.config);
  return base::OkStatus();
}

}  // namespace

base::Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                           const Environment& environment) {
  Flags flags;
  if (const auto status = flags.Parse(arguments); !status.ok()) return status.error();
  CommandLine line;
  line.command = flags.command();
  line.json = flags.json();
  if (line.command == Command::kHelp) {
    line.text = flags.HelpText();
    return line;
  }
  if (line.command == Command::kVersion) {
    line.text = std::string("tollgate ") + kVersion + "\n";
    return line;
  }
  if (const auto status = ReadSettings(flags, environment, line); !status.ok()) {
    return status.error();
  }
  return line;
}

}  // namespace tollgate::config
