// Flags: parses the command line with CLI11. values.h chooses between the sources of a setting.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/books_flags.h"
#include "config/export_flags.h"
#include "config/reconcile_flags.h"
#include "tollgate/base/result.h"
#include "tollgate/config/command_line.h"

namespace tollgate::config {

class Flags {
 public:
  Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  // The error names the argument and the nearest known one.
  base::Status Parse(std::vector<std::string> arguments);

  // Call all of these after Parse.
  const std::map<std::string, std::string>& given() const { return given_; }  // by setting
  const std::string& config_path() const { return config_path_; }
  bool json() const { return json_; }
  const ReconcileFlags& reconcile() const { return reconcile_flags_; }
  const ExportFlags& export_flags() const { return export_flags_; }
  const BooksFlags& books() const { return books_flags_; }
  // kRun if there is no other command. --help and --version take precedence over all others, and
  // --check-config over `health` and `pending`.
  Command command() const;
  std::string HelpText() const { return app_.help(); }  // of the subcommand, if there is one

 private:
  CLI::Option* AddSetting(const std::string& name, const std::string& help);
  void AddSettings();
  CLI::App* AddCommand(CLI::App& above, const char* name, const char* help, Command command);
  void AddCommands();
  std::vector<std::string> AllArguments() const;

  CLI::App app_;
  std::map<std::string, std::string> given_;
  std::string config_path_;
  bool help_ = false;
  bool version_ = false;
  bool check_ = false;
  bool json_ = false;
  std::vector<std::pair<const CLI::App*, Command>> commands_;
  ReconcileFlags reconcile_flags_;
  ExportFlags export_flags_;
  BooksFlags books_flags_;
};

}  // namespace tollgate::config
