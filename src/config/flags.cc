#include "config/flags.h"

#include <algorithm>
#include <initializer_list>
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

void Flags::AddCommands() {
  health_ = app_.add_subcommand(
      "health", "ask the running gateway whether it takes payments; exit code 0 means yes");
  CLI::App* const books = app_.add_subcommand("books", "change how the books may be used");
  accept_loss_ = books->add_subcommand(
      "accept-loss",
      "allow the use of books that have lost payments; run `tollgate reconcile` first");
  books->require_subcommand(1);
  pending_ = app_.add_subcommand(
      "pending", "list the payments that the tables in data_dir hold, with their states");
  pending_->add_flag("--json", json_, "print JSON, one line per payment");
  reconcile_ = app_.add_subcommand(
      "reconcile",
      "compare the books with what the processors hold; with --repair, book what is missing");
  AddReconcileFlags(*reconcile_, reconcile_flags_);
  export_ = app_.add_subcommand(
      "export", "print every booked and rejected payment in the order of requestedAt");
  AddExportFlags(*export_, export_flags_);
}

std::vector<std::string> Flags::AllArguments() const {
  std::vector<std::string> names;
  for (const CLI::App* app : std::initializer_list<const CLI::App*>{&app_, reconcile_, export_}) {
    for (const CLI::Option* option : app->get_options()) names.push_back(option->get_name());
  }
  for (const CLI::App* command : app_.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
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
  for (const CLI::App* app :
       std::initializer_list<const CLI::App*>{&app_, health_, pending_, reconcile_, export_}) {
    for (const std::string& extra : app->remaining()) {
      const std::string near = Nearest(extra.substr(0, extra.find('=')), AllArguments());
      return base::Error{"unknown argument " + extra +
                         (near.empty() ? "; see tollgate --help" : "; did you mean " + near + "?")};
    }
  }
  return base::OkStatus();
}

Command Flags::command() const {
  if (help_) return Command::kHelp;
  if (version_) return Command::kVersion;
  if (reconcile_->parsed()) return Command::kReconcile;
  if (accept_loss_->parsed()) return Command::kAcceptLoss;
  if (export_->parsed()) return Command::kExport;
  if (check_) return Command::kCheckConfig;
  if (health_->parsed()) return Command::kHealth;
  if (pending_->parsed()) return Command::kPending;
  return Command::kRun;
}

}  // namespace tollgate::config
