#include "config/values.h"

#include <algorithm>
#include <utility>

#include "config/urls.h"

namespace tollgate::config {
namespace {

// The value of one name with the highest precedence. Source::kDefault if no source has one.
Value ReadNamed(const std::string& name, const std::map<std::string, std::string>& flags,
                const Environment& environment, const ConfigFile& file) {
  if (const auto flag = flags.find(name); flag != flags.end()) {
    return {flag->second, Source::kFlag, "flag " + FlagName(name), ""};
  }
  if (const auto variable = environment(VariableName(name))) {
    return {*variable, Source::kEnvironment, "environment " + VariableName(name), ""};
  }
  if (const auto entry = file.values.find(name); entry != file.values.end()) {
    return {entry->second, Source::kFile, "file " + file.path, ""};
  }
  return {};
}

Value ReadValue(const Setting& setting, const std::map<std::string, std::string>& flags,
                const Environment& environment, const ConfigFile& file) {
  Value value = ReadNamed(setting.name, flags, environment, file);
  if (const char* const former_name = FormerNameOf(setting.name)) {
    Value former = ReadNamed(former_name, flags, environment, file);
    if (former.source != Source::kDefault) {
      const bool counts = former.source > value.source;
      std::string note =
          former.origin + ": " + former_name + " is now called " + setting.name +
          (counts ? "; use that name" : ", which " + value.origin + " sets: ignored");
      if (counts) value = std::move(former);
      value.note = std::move(note);
    }
  }
  if (value.source != Source::kDefault) return value;
  return {setting.default_text, Source::kDefault, "default", ""};
}

base::Error Wrong(const Setting& setting, const Value& value, const std::string& problem) {
  const bool hidden = setting.kind == SettingKind::kSecret;
  const std::string shown = hidden ? "(hidden)" : "'" + WithoutSecrets(value.text) + "'";
  return base::Error{std::string(setting.name) + ": " + shown + " from " + value.origin + " " +
                     problem};
}

}  // namespace

Values Merge(const std::map<std::string, std::string>& flags, const Environment& environment,
             const ConfigFile& file) {
  Values values;
  for (const Setting& setting : Settings()) {
    values[setting.name] = ReadValue(setting, flags, environment, file);
  }
  return values;
}

base::Status SettleRedis(Values& values) {
  Value& url = values["redis_url"];
  const Value& socket = values["redis_socket"];
  if (url.text.empty()) return base::OkStatus();
  if (socket.source == url.source) {
    return base::Error{"redis_url and redis_socket are both set by " + url.origin + " and " +
                       socket.origin + "; give one of them"};
  }
  if (socket.source > url.source) url.text.clear();
  return base::OkStatus();
}

base::Result<Config> ApplyValues(const Values& values) {
  Config config;
  for (const Setting& setting : Settings()) {
    const Value& value = values.at(setting.name);
    if (const auto problem = setting.apply(config, value.text)) {
      return Wrong(setting, value, *problem);
    }
    if (!value.note.empty()) config.notes.push_back(value.note);
  }
  config.redis.command_timeout_ms = std::min(
      {config.redis_read_timeout_ms, config.redis_write_timeout_ms, config.redis_pool_timeout_ms});
  return config;
}

}  // namespace tollgate::config
