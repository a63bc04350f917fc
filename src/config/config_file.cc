#include "config/config_file.h"

#include <strings.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <sstream>

#include "config/settings.h"
#include "config/urls.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::config {
namespace {

// The value as a flag's text.
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

// True for a header that requests to a processor may carry. The gateway sets the framing itself.
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

using upstream::ProcessorOptions;

// The text of any number. Empty if the node is no number.
std::string ShareTextOf(const toml::node& node) {
  const auto share = node.value<double>();
  if (!share) return "";
  std::array<char, 32> digits{};  // the shortest form of a double has at most 24
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), *share).ptr};
}
std::string WholeTextOf(const toml::node& node) {
  const auto number = node.value<int64_t>();
  return number ? std::to_string(*number) : "";
}
std::string AnyTextOf(const toml::node& node) { return TextOf(node).value_or(""); }

Problem ReadIdentity(const std::string& text, std::string& identity) {
  identity = text;
  return text.empty() ? Problem("must be a text that says which processor it is") : std::nullopt;
}

Problem ReadCaFile(const std::string& text, std::string& path) {
  path = text;
  return ::access(text.c_str(), R_OK) == 0 ? std::nullopt
                                           : Problem("must name a PEM file that can be read");
}

bool IsNotEmpty(const std::string& text) { return !text.empty(); }

// The members of [[processors]] besides the name: single values, and lists of texts.
struct Member {
  const char* key;
  std::string (*text_of)(const toml::node& node);
  Apply<ProcessorOptions> apply;
};
struct ListMember {
  const char* key;
  std::vector<std::string> ProcessorOptions::*list;
  bool (*is_valid)(const std::string& text);
  const char* no_list;
  const char* no_entry;
};

const std::vector<Member>& Members() {
  const auto timeout = Millis(std::chrono::milliseconds(1), kProcessorTimeoutMax,
                              "must be a duration such as 500ms, at most 24h");
  static const std::vector<Member> members{
      {"url", AnyTextOf, Assign(ReadProcessorUrl, &ProcessorOptions::url)},
      {"fee", ShareTextOf,
       Assign(Share("must be a share from 0 to 1"), &ProcessorOptions::fee_ppm)},
      {"in_flight_max", WholeTextOf,
       Assign(Count(1, 20'000, "must be 1 to 20000"), &ProcessorOptions::in_flight_max)},
      {"connect_timeout", AnyTextOf, Assign(timeout, &ProcessorOptions::connect_timeout_ms)},
      {"answer_timeout", AnyTextOf, Assign(timeout, &ProcessorOptions::answer_timeout_ms)},
      {"ca_file", AnyTextOf, Assign(ReadCaFile, &ProcessorOptions::ca_file)},
      {"identity", AnyTextOf, Assign(ReadIdentity, &ProcessorOptions::identity)},
  };
  return members;
}

constexpr std::array<ListMember, 2> kListMembers{{
    {"headers", &ProcessorOptions::headers, IsHeader, "headers must be a list of \"Name: value\"",
     "a header must read \"Name: value\", without control characters, and "
     "cannot be Content-Length, Transfer-Encoding or Connection"},
    {"was", &ProcessorOptions::was, IsNotEmpty, "was must be a list of URLs or identities",
     "was must be a list of URLs or identities"},
}};

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
    const bool is_former = std::any_of(kFormerNames.begin(), kFormerNames.end(),
                                       [&](const FormerName& it) { return it.former == name; });
    if (!is_former && std::find(names.begin(), names.end(), name) == names.end()) {
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
      ProcessorOptions processor = ProcessorWithoutLimits();
      for (const auto& [key, value] : *table) {
        if (!ReadMember(std::string(key.str()), value, processor)) return false;
      }
      if (!table->contains("name") || !table->contains("url") || !table->contains("fee")) {
        return Fail(entry, "a processor needs a name, a url and a fee");
      }
      file_.processors.push_back(std::move(processor));
    }
    return true;
  }

  bool ReadMember(const std::string& key, const toml::node& node, ProcessorOptions& processor) {
    if (key == "name") {
      processor.name = AnyTextOf(node);
      return payments::IsProcessorName(processor.name) ||
             Fail(node, "a name has 1 to 31 bytes, without control characters, quotes and \\");
    }
    std::vector<std::string> keys{"name"};
    for (const Member& member : Members()) {
      keys.emplace_back(member.key);
      if (key != member.key) continue;
      const Problem problem = member.apply(processor, member.text_of(node));
      return !problem || Fail(node, key + " " + *problem);
    }
    for (const ListMember& member : kListMembers) {
      keys.emplace_back(member.key);
      if (key == member.key) return ReadList(member, node, processor.*member.list);
    }
    const std::string near = Nearest(key, keys);
    return Fail(node, "unknown key " + key + " of a processor" +
                          (near.empty() ? "" : "; did you mean " + near + "?"));
  }

  bool ReadList(const ListMember& member, const toml::node& node, std::vector<std::string>& list) {
    const toml::array* const entries = node.as_array();
    if (entries == nullptr) return Fail(node, member.no_list);
    for (const toml::node& entry : *entries) {
      list.push_back(entry.value_or(std::string()));
      if (!member.is_valid(list.back())) return Fail(entry, member.no_entry);
    }
    return true;
  }

  ConfigFile file_;
  std::string problem_;
};

}  // namespace

base::Result<ConfigFile> ReadConfigFile(const std::string& path) { return FileReader(path).Read(); }

}  // namespace tollgate::config
