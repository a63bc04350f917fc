#include "config/reconcile_flags.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <unordered_set>

#include "config/parsers.h"
#include "config/range_flags.h"
#include "config/settings.h"
#include "tollgate/base/duration.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::config {
namespace {

using Status = base::Status;

constexpr const char* kFooter =
    "Exit code: 0 no difference is left; 1 an error, or a processor was away: not all was "
    "compared; 2 differences are left.\n"
    "An admin token is read from ADMIN_TOKEN_<NAME> (ADMIN_TOKEN_DEFAULT, …) or from --tokens.\n"
    "The books and the processors are those of the gateway's own settings: the same flags, "
    "environment and file (tollgate --help).";

// The flags that are parsed like settings.
struct PlainFlag {
  const char* name;
  std::string ReconcileFlags::*text;
  Apply<ReconcileOptions> apply;
};

Status ReadPlainFlags(const ReconcileFlags& flags, ReconcileOptions& options) {
  const auto time =
      Millis(std::chrono::milliseconds(0), kLongestTime,
             "must be at least 0 and at most " + base::FormatDuration(kLongestTime.count()));
  for (const PlainFlag& flag : {
           PlainFlag{"--min-age", &ReconcileFlags::min_age,
                     Assign(time, &ReconcileOptions::min_age_ms)},
           PlainFlag{"--patience", &ReconcileFlags::patience,
                     Assign(time, &ReconcileOptions::patience_ms)},
           PlainFlag{"--look-ups", &ReconcileFlags::in_flight,
                     Assign(Count(1, 500), &ReconcileOptions::in_flight_max)},
       }) {
    const std::string& text = flags.*flag.text;
    if (const Problem problem = flag.apply(options, text)) {
      return base::Error{std::string(flag.name) + ": '" + text + "' " + *problem};
    }
  }
  return base::OkStatus();
}

// The lines of a file, or of stdin for "-". Comments and blank lines are dropped, and lines
// trimmed.
base::Result<std::vector<std::string>> ReadLines(const std::string& flag, const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) return base::ErrnoError(flag + ": cannot read " + path);
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    lines.push_back(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1));
  }
  if (in.bad()) return base::Error{flag + ": " + path + " cannot be read to its end"};
  return lines;
}

Status ReadIds(const std::string& path, std::vector<payments::Uuid>& ids) {
  if (path.empty()) return base::OkStatus();
  const auto lines = ReadLines("--ids", path);
  if (!lines.ok()) return lines.error();
  std::unordered_set<payments::Uuid> seen;
  for (const std::string& line : lines.value()) {
    const auto id = payments::ParseUuid(line);
    if (!id) return base::Error{"--ids: '" + line + "' is no UUID of 36 characters; one a line"};
    if (seen.insert(*id).second) ids.push_back(*id);
  }
  return base::OkStatus();
}

bool IsToken(const std::string& text) {
  return !text.empty() && std::none_of(text.begin(), text.end(),
                                       [](unsigned char c) { return std::iscntrl(c) != 0; });
}

Status ReadTokens(const std::string& path, const std::vector<std::string>& names,
                  std::map<std::string, std::string>& tokens) {
  if (path.empty()) return base::OkStatus();
  const auto lines = ReadLines("--tokens", path);
  if (!lines.ok()) return lines.error();
  for (const std::string& line : lines.value()) {
    const size_t equals = line.find('=');
    std::string name = line.substr(0, std::min(equals, line.size()));
    while (!name.empty() && name.back() == ' ') name.pop_back();
    std::string token = equals == std::string::npos ? "" : line.substr(equals + 1);
    token.erase(0, token.find_first_not_of(' '));
    // The line itself is not shown, because it may hold a token.
    if (!IsToken(token)) return base::Error{"--tokens: each line of " + path + " is NAME=TOKEN"};
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::string near = Nearest(name, names);
      return base::Error{"--tokens: no processor is named " + name +
                         (near.empty() ? "" : "; did you mean " + near + "?")};
    }
    tokens[name] = token;
  }
  return base::OkStatus();
}

}  // namespace

std::string TokenVariable(const std::string& processor) {
  std::string name = "ADMIN_TOKEN_" + processor;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  });
  return name;
}

void AddReconcileFlags(CLI::App& command, ReconcileFlags& flags) {
  ReconcileOptions& plain = flags.plain;
  command.add_option(
      "--from", flags.from,
      "compare payments from this requestedAt on, RFC 3339 (default: as far back as the "
      "books know ids)");
  command.add_option(
      "--to", flags.to,
      "compare payments up to this requestedAt, RFC 3339 (default: now less --min-age)");
  command
      .add_option("--min-age", flags.min_age,
                  "skip payments whose requestedAt is younger than this")
      ->capture_default_str();
  command.add_flag("--repair", plain.repair,
                   "book payments that only a processor holds, and correct sums that are wrong");
  command.add_option("--ids", flags.ids_file,
                     "a file with further ids to compare, one per line; - reads stdin");
  command.add_option("--tokens", flags.tokens_file,
                     "a file with admin tokens, one NAME=TOKEN per line; - reads stdin");
  command.add_flag("--named-only", plain.named_only,
                   "ask only the processor that the books name; double charges are then not found");
  command.add_option("--look-ups", flags.in_flight, "look-ups in flight at once, per processor")
      ->capture_default_str();
  command
      .add_option("--patience", flags.patience,
                  "a processor that does not answer, or answers 429, for this long counts as away")
      ->capture_default_str();
  command.add_flag("--json", plain.json, "print one JSON document instead of the table");
  command.add_option("--json-file", plain.json_file, "write the JSON document to this file");
  command.footer(kFooter);
}

base::Result<ReconcileOptions> ReadReconcileFlags(
    const ReconcileFlags& flags, const Environment& environment,
    const std::vector<upstream::ProcessorOptions>& processors) {
  ReconcileOptions options = flags.plain;
  std::vector<std::string> names;
  for (const auto& processor : processors) {
    names.push_back(processor.name);
    const auto token = environment(TokenVariable(processor.name));
    if (!token) continue;
    if (!IsToken(*token)) {
      return base::Error{TokenVariable(processor.name) + " holds control characters"};
    }
    options.admin_tokens[processor.name] = *token;
  }
  for (const Status& status : {ReadRange(flags.from, flags.to, options.range),
                               ReadPlainFlags(flags, options), ReadIds(flags.ids_file, options.ids),
                               ReadTokens(flags.tokens_file, names, options.admin_tokens)}) {
    if (!status.ok()) return status.error();
  }
  return options;
}

}  // namespace tollgate::config
