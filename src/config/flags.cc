#include "config/flags.h"

#include <algorithm>
#include <utility>

#include "config/settings.h"

namespace tollgate::config {

Flags::Flags()
    : app_(
          "Tollgate takes payments, has each charged exactly once by the cheapest processor "
          "that works, and accounts for every cent.",
          "tollgate") {
  app_.fallthrough();
  app_.allow_extras();
  app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app_.add_flag("--version", version_, "print the version");
  app_.add_flag("--check-config", check_, "print every setting and where it comes from");
  app_.add_option("--config", config_path_, "a TOML file (or CONFIG)");
  AddSettings();
  AddCommands();
}

CLI::Option* Flags::AddSetting(const std::string& name, const std::string& help) {
  const auto keep = [this, name](const std::string& text) { given_[name] = text; };
  return app_.add_option_function<std::string>(FlagName(name), keep, help);
}

void Flags::AddSettings() {
  for (const Setting& setting : Settings()) {
    std::string help = std::string(setting.help) + " (" + VariableName(setting.name);
    if (*setting.default_text != '\0') help += ", default " + std::string(setting.default_text);
    CLI::Option* const option = AddSetting(setting.name, help + ")");
    if (setting.kind == SettingKind::kSwitch) option->expected(0, 1)->default_str("true");
  }
  for (const FormerName& it : kFormerNames) AddSetting(it.former, "")->group("");  // not in --help
}

CLI::App* Flags::AddCommand(CLI::App& above, const char* name, const char* help, Command command) {
  CLI::App* const app = above.add_subcommand(name, help);
  commands_.emplace_back(app, command);
  return app;
}

void Flags::AddCommands() {
  AddCommand(app_, "health",
             "ask the running gateway whether it takes payments; exit code 0 means yes",
             Command::kHealth);
  CLI::App* const books =
      app_.add_subcommand("books", "back up the books, or change how they may be used");
  AddCommand(*books, "accept-loss",
             "allow the use of books that have lost payments; run `tollgate reconcile` first",
             Command::kAcceptLoss);
  CLI::App* const backup =
      AddCommand(*books, "backup", "copy books in a file to another file, while gateways use them",
                 Command::kBackUp);
  backup->add_option("FILE", books_flags_.backup_file, "the new file")->required();
  CLI::App* const copy = AddCommand(
      *books, "copy", "move the books from Redis to a file or back, with all gateways stopped",
      Command::kCopyBooks);
  copy->add_option("--from", books_flags_.copy_from, "file:PATH, redis://… or unix://…")
      ->required();
  copy->add_option("--to", books_flags_.copy_to, "the same; nothing may be there yet")->required();
  books->require_subcommand(1);
  CLI::App* const pending = AddCommand(
      app_, "pending", "list the payments that the tables in data_dir hold, with their states",
      Command::kPending);
  pending->add_flag("--json", json_, "print JSON, one line per payment");
  AddReconcileFlags(
      *AddCommand(app_, "reconcile",
                  "compare the books with what the processors hold; with --repair, book what is "
                  "missing",
                  Command::kReconcile),
      reconcile_flags_);
  AddExportFlags(*AddCommand(app_, "export",
                             "print every booked and rejected payment in the order of requestedAt",
                             Command::kExport),
                 export_flags_);
}

std::vector<std::string> Flags::AllArguments() const {
  std::vector<std::string> names;
  const auto add_options = [&names](const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  };
  add_options(app_);
  for (const auto& [app, command] : commands_) add_options(*app);
  for (const CLI::App* app : app_.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(app->get_name());
  }
  return names;
}

base::Status Flags::Parse(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them in this order
  try {
    app_.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    help_ = error.get_exit_code() == 0;
    if (help_) return base::OkStatus();
    return base::Error{std::string(error.what()) + "; see tollgate --help"};
  }
  std::vector<std::string> unknown = app_.remaining();
  for (const auto& [app, command] : commands_) {
    for (const std::string& extra : app->remaining()) unknown.push_back(extra);
  }
  if (unknown.empty()) return base::OkStatus();
  const std::string& extra = unknown.front();
  const std::string near = Nearest(extra.substr(0, extra.find('=')), AllArguments());
  return base::Error{"unknown argument " + extra +
                     (near.empty() ? "; see tollgate --help" : "; did you mean " + near + "?")};
}

Command Flags::command() const {
  if (help_) return Command::kHelp;
  if (version_) return Command::kVersion;
  for (const auto& [app, command] : commands_) {
    if (!app->parsed()) continue;
    const bool shown = check_ && (command == Command::kHealth || command == Command::kPending);
    return shown ? Command::kCheckConfig : command;
  }
  return check_ ? Command::kCheckConfig : Command::kRun;
}

}  // namespace tollgate::config
