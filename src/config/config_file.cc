#include "config/config_file.h"

#include <strings.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>

#include "config/settings.h"
#include "config/urls.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/duration.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::config {
namespace {

// A value as a flag would have given it.
std::optional<std::string> TextOf(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (const auto number = node.value_exact<double>()) {
    std::ostringstream out;
    out << *number;
    return out.str();
  }
  return std::nullopt;
}

// One that the requests to a processor can carry: their framing is ours.
bool IsHeader(const std::string& line) {
  const std::string name = line.substr(0, line.find(':'));
  const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
  });
  const bool plain = std::none_of(
      line.begin(), line.end(), [](unsigned char c) { return c == 127 || (c < 32 && c != '\t'); });
  const bool framing = ::strcasecmp(name.c_str(), "content-length") == 0 ||
                       ::strcasecmp(name.c_str(), "transfer-encoding") == 0 ||
                       ::strcasecmp(name.c_str(), "connection") == 0;
  return token && name.size() < line.size() && plain && !framing;
}

class FileReader {
 public:
  explicit FileReader(const std::string& path) { file_.path = path; }

  base::Result<ConfigFile> Read() {
    toml::table table;
    if (::access(file_.path.c_str(), R_OK) != 0) {
      return base::ErrnoError("the configuration file " + file_.path + " cannot be read");
    }
    try {
      table = toml::parse_file(file_.path);
    } catch (const toml::parse_error& error) {
      std::ostringstream where;
      where << file_.path << ", line " << error.source().begin.line << ": " << error.description();
      return base::Error{where.str()};
    }
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const bool ok = name == "processors" ? ReadProcessors(node) : ReadSetting(name, node);
      if (!ok) return base::Error{problem_};
    }
    return file_;
  }

 private:
  bool Fail(const toml::node& node, const std::string& what) {
    std::ostringstream where;
    where << file_.path << ", line " << node.source().begin.line << ": " << what;
    problem_ = where.str();
    return false;
  }

  bool ReadSetting(const std::string& name, const toml::node& node) {
    std::vector<std::string> names{"processors"};
    for (const Setting& setting : Settings()) names.emplace_back(setting.name);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::string near = Nearest(name, names);
      return Fail(node,
                  "unknown key " + name + (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    const auto text = TextOf(node);
    if (!text) return Fail(node, name + " must be a text, a number or true or false");
    file_.values[name] = *text;
    return true;
  }

  bool ReadProcessors(const toml::node& node) {
    const toml::array* const list = node.as_array();
    if (list == nullptr || list->empty()) {
      return Fail(node, "processors must be tables: [[processors]]");
    }
    for (const toml::node& entry : *list) {
      const toml::table* const table = entry.as_table();
      if (table == nullptr) return Fail(entry, "processors must be tables: [[processors]]");
      upstream::ProcessorOptions processor = Unset();
      for (const auto& [key, value] : *table) {
        if (!ReadMember(std::string(key.str()), value, processor)) return false;
      }
      if (processor.name.empty() || processor.url.empty() || processor.fee_ppm < 0) {
        return Fail(entry, "a processor needs a name, a url and a fee");
      }
      file_.processors.push_back(std::move(processor));
    }
    return true;
  }

  bool ReadMember(const std::string& key, const toml::node& value,
                  upstream::ProcessorOptions& processor) {
    if (key == "headers") {
      const toml::array* const lines = value.as_array();
      if (lines == nullptr) return Fail(value, "headers must be a list of \"Name: value\"");
      for (const toml::node& line : *lines) {
        processor.headers.push_back(line.value_or(std::string()));
        if (!IsHeader(processor.headers.back())) {
          return Fail(line,
                      "a header must read \"Name: value\", without control characters, and "
                      "cannot be Content-Length, Transfer-Encoding or Connection");
        }
      }
      return true;
    }
    const std::string text = TextOf(value).value_or("");
    if (key == "name") {
      processor.name = text;
      return payments::IsProcessorName(text) ||
             Fail(value, "a name has 1 to 31 bytes, without control characters, quotes and \\");
    }
    if (key == "url") {
      const Problem problem = ReadProcessorUrl(text, processor.url);
      return !problem || Fail(value, "url " + *problem);
    }
    if (key == "ca_file") {
      processor.ca_file = text;
      return ::access(text.c_str(), R_OK) == 0 ||
             Fail(value, "ca_file must name a PEM file that can be read");
    }
    if (key == "identity") {
      processor.identity = text;
      return !text.empty() ||
             Fail(value, "identity must be a text that says which processor it is");
    }
    if (key == "was") {
      const toml::array* const list = value.as_array();
      if (list == nullptr) return Fail(value, "was must be a list of URLs or identities");
      for (const toml::node& former : *list) {
        processor.was.push_back(former.value_or(std::string()));
        if (processor.was.back().empty()) {
          return Fail(former, "was must be a list of URLs or identities");
        }
      }
      return true;
    }
    if (key == "fee") {
      const double fee = value.value_or(-1.0);
      processor.fee_ppm = std::llround(fee * 1e6);
      return (fee >= 0 && fee <= 1) || Fail(value, "fee must be a share from 0 to 1");
    }
    if (key == "in_flight_max") {
      const int64_t most = value.value_or(int64_t{0});
      processor.in_flight_max = static_cast<size_t>(std::max<int64_t>(most, 0));
      return (most > 0 && most <= 20'000) || Fail(value, "in_flight_max must be 1 to 20000");
    }
    if (key == "connect_timeout" || key == "answer_timeout") {
      const auto nanos = base::ParseDuration(text);
      if (!nanos.ok()) return Fail(value, key + " " + nanos.error().message);
      if (nanos.value() < base::kNanosPerMilli ||
          nanos.value() / base::kNanosPerMilli > kProcessorTimeoutMsMax) {
        return Fail(value, key + " must be a duration such as 500ms, at most 24h");
      }
      (key[0] == 'c' ? processor.connect_timeout_ms : processor.answer_timeout_ms) =
          nanos.value() / base::kNanosPerMilli;
      return true;
    }
    const std::string near =
        Nearest(key, {"name", "url", "fee", "headers", "in_flight_max", "connect_timeout",
                      "answer_timeout", "ca_file", "identity", "was"});
    return Fail(value, "unknown key " + key + " of a processor" +
                           (near.empty() ? "" : "; did you mean " + near + "?"));
  }

  ConfigFile file_;
  std::string problem_;
};

}  // namespace

base::Result<ConfigFile> ReadConfigFile(const std::string& path) { return FileReader(path).Read(); }

}  // namespace tollgate::config
